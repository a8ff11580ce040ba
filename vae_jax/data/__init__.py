"""Data sets, what a model sees of them, and how they are fed to the device."""

from typing import TYPE_CHECKING

from vae_jax.lazy import names_on_first_use

if TYPE_CHECKING:
    from vae_jax.data.config import DataConfig
    from vae_jax.data.dataset import Dataset, Split
    from vae_jax.data.design import Design
    from vae_jax.data.drawn import Shapes, colour_shapes, full_factorial, shapes
    from vae_jax.data.embedded import digits, mnist_5k
    from vae_jax.data.loading import load
    from vae_jax.data.transforms import Transform, already_binary, binarise_dynamically, binarise_statically, scale

_HOMES = {
    "DataConfig": "config",
    "Dataset": "dataset",
    "Design": "design",
    "Shapes": "drawn",
    "Split": "dataset",
    "colour_shapes": "drawn",
    "digits": "embedded",
    "full_factorial": "drawn",
    "load": "loading",
    "mnist_5k": "embedded",
    "shapes": "drawn",
    "Transform": "transforms",
    "already_binary": "transforms",
    "binarise_dynamically": "transforms",
    "binarise_statically": "transforms",
    "scale": "transforms",
}

__all__ = [
    "DataConfig",
    "Dataset",
    "Design",
    "Shapes",
    "Split",
    "Transform",
    "already_binary",
    "binarise_dynamically",
    "binarise_statically",
    "colour_shapes",
    "digits",
    "full_factorial",
    "load",
    "mnist_5k",
    "scale",
    "shapes",
]

__getattr__ = names_on_first_use(__name__, _HOMES)
