"""pythae's side: its own VAE, trainer and estimator of the likelihood. Import it where pythae is there."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from benchmarks import torch_side
from benchmarks.settings import BATCH_SIZE, LATENT_SIZE, LEARNING_RATE
from pythae.data.datasets import BaseDataset  # pyright: ignore[reportMissingImports]
from pythae.models import VAE, VAEConfig  # pyright: ignore[reportMissingImports]
from pythae.models.base.base_utils import ModelOutput  # pyright: ignore[reportMissingImports]
from pythae.models.nn import BaseDecoder, BaseEncoder  # pyright: ignore[reportMissingImports]
from pythae.trainers import BaseTrainer, BaseTrainerConfig  # pyright: ignore[reportMissingImports]


class _Encoder(BaseEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.network = torch_side.mlp()[0]

    def forward(self, x: torch.Tensor) -> ModelOutput:
        mean, log_variance = self.network(x).chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class _Decoder(BaseDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.network = torch_side.mlp()[1]

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.network(z).sigmoid().reshape(-1, 1, 28, 28))


def model() -> VAE:
    """784-400-20 and back, in pythae's VAE."""
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENT_SIZE, reconstruction_loss="bce")
    return VAE(config, encoder=_Encoder(), decoder=_Decoder())


def epochs(images: np.ndarray) -> Callable[[], None]:
    """A function that trains for another epoch each time it is called, by pythae's `BaseTrainer`, in memory.

    Args:
        images: (num, 28, 28) bytes; they are scaled to [0, 1] once, in advance.
    """
    scaled = torch.from_numpy(images.astype(np.float32) / 255)[:, None]
    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, no_cuda=True
    )
    with _silence():
        trainer = BaseTrainer(model(), BaseDataset(scaled, torch.zeros(len(scaled))), training_config=config)
        trainer.prepare_training()
    epoch = 0

    def another_epoch() -> None:
        nonlocal epoch
        epoch += 1
        with _silence():
            trainer.train_step(epoch)

    return another_epoch


def log_likelihood(images: np.ndarray, num_samples: int, batch_size: int) -> Callable[[], float]:
    """pythae's `get_nll` (which is the mean log-likelihood) of binary images, by importance sampling.

    Args:
        images: (num, 28, 28), zeros and ones.
        num_samples: K, a multiple of the batch size.
        batch_size: Samples that are decoded at once.
    """
    vae, x = model().eval(), torch.from_numpy(images.astype(np.float32))[:, None]

    def mean_log_likelihood() -> float:
        with torch.no_grad():
            return vae.get_nll(x, n_samples=num_samples, batch_size=batch_size)

    return mean_log_likelihood


@contextlib.contextmanager
def _silence():
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("pythae"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere), contextlib.redirect_stdout(nowhere):
        yield
