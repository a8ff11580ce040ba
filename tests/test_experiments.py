"""Every shipped experiment can be built and traced, on its own data or on some of the same shape."""

import numpy as np
import pytest

import vae_jax as vj
from vae_jax.catalogue import load_experiment, shipped
from vae_jax.data.embedded import EMBEDDED
from vae_jax.outline import outline
from vae_jax.runs.run import wire

# Of data that have to be prepared first: an example's shape.
SHAPES = {
    "mnist": (28, 28),
    "fashion_mnist": (28, 28),
    "frey_faces": (28, 20),
    "olivetti_faces": (64, 64),
    "cifar10": (32, 32, 3),
}


@pytest.mark.parametrize("name", shipped())
def test_it_can_be_built(name, tmp_path):
    file = load_experiment(name)
    config = file.Config()
    if config.data.name not in EMBEDDED:
        images = np.random.default_rng(0).integers(0, 256, (2_000, *SHAPES[config.data.name])).astype(np.uint8)
        np.save(tmp_path / "images.npy", images)
        config = file.Config(data=vj.DataConfig(str(tmp_path / "images.npy")))
    experiment = wire(file, config, num_steps=None)
    outline(experiment)
    assert len(experiment.dataset.splits) == 3
    assert file.summary.endswith(".")
