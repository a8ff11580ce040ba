"""Data sets in memory, and what a model sees of them."""

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.embedded import digits, load, mnist_5k
from vae_jax.data.transforms import Transform, already_binary, binarise_dynamically, binarise_statically, scale

__all__ = [
    "Dataset",
    "Split",
    "Transform",
    "already_binary",
    "binarise_dynamically",
    "binarise_statically",
    "digits",
    "load",
    "mnist_5k",
    "scale",
]
