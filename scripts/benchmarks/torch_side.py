"""PyTorch's side: a loop written by hand over tensors in memory, eager, every core. Import it where torch is there."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from benchmarks.settings import BATCH_SIZE, HIDDEN_SIZE, LATENT_SIZE, LEARNING_RATE
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

torch.set_num_threads(os.cpu_count() or 1)


def mlp() -> tuple[nn.Module, nn.Module]:
    """784-400-20 and back."""
    return (
        nn.Sequential(nn.Flatten(), nn.Linear(784, HIDDEN_SIZE), nn.ReLU(), nn.Linear(HIDDEN_SIZE, 2 * LATENT_SIZE)),
        nn.Sequential(nn.Linear(LATENT_SIZE, HIDDEN_SIZE), nn.ReLU(), nn.Linear(HIDDEN_SIZE, 784)),
    )


def conv() -> tuple[nn.Module, nn.Module]:
    """Two convolutions of kernel 4 and stride 2 with 32 and 64 channels, and their mirror image."""
    return (
        nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 7 * 7, 2 * LATENT_SIZE),
        ),
        nn.Sequential(
            nn.Linear(LATENT_SIZE, 64 * 7 * 7), nn.Unflatten(1, (64, 7, 7)), nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Flatten(),
        ),
    )  # fmt: skip


def epochs(networks: tuple[nn.Module, nn.Module], images: np.ndarray) -> Callable[[], None]:
    """A function that trains for another epoch each time it is called.

    Args:
        networks: Encoder and decoder.
        images: (num, 28, 28) bytes; they are scaled to [0, 1] once, in advance.
    """
    encoder, decoder = networks
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LEARNING_RATE)
    scaled = torch.from_numpy(images.astype(np.float32) / 255)[:, None]

    def another_epoch() -> None:
        order = torch.randperm(len(scaled))
        for rows in order[: len(order) // BATCH_SIZE * BATCH_SIZE].split(BATCH_SIZE):
            x = scaled[rows]
            mean, log_scale = encoder(x).chunk(2, dim=1)
            logits = decoder(mean + log_scale.exp() * torch.randn_like(mean))
            cross_entropy = functional.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="sum")
            kl = (0.5 * ((2 * log_scale).exp() + mean**2 - 1) - log_scale).sum()
            optimizer.zero_grad(set_to_none=True)
            ((cross_entropy + kl) / BATCH_SIZE).backward()
            optimizer.step()

    return another_epoch
