"""What a run of the benchmark was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

# The model of every table but the convolutional one and that of quality: Kingma & Welling's, as most tutorials have it.
HIDDEN_SIZE = 400
LATENT_SIZE = 20
BATCH_SIZE = 128
LEARNING_RATE = 1e-3


class Settings(NamedTuple):
    """The options of the command line."""

    data: Path
    """The folder with `raw/mnist` and `npz/binarized_mnist.npz`; it need not exist."""
    quick: bool
    num_rounds: int
    """How many turns each side of a table takes."""
