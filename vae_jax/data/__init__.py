"""Data sets, what a model sees of them, and how they are fed to the device."""

from typing import TYPE_CHECKING

from vae_jax.lazy import names_on_first_use

if TYPE_CHECKING:
    from vae_jax.data.config import DataConfig
    from vae_jax.data.dataset import Dataset, Split
    from vae_jax.data.embedded import breast_cancer, digits, lfw_faces, mnist_5k
    from vae_jax.data.loading import load
    from vae_jax.data.objects import from_object
    from vae_jax.data.transforms import Transform, already_binary, binarise_dynamically, binarise_statically, scale

_HOMES = {
    "DataConfig": "config",
    "Dataset": "dataset",
    "Split": "dataset",
    "breast_cancer": "embedded",
    "digits": "embedded",
    "from_object": "objects",
    "lfw_faces": "embedded",
    "load": "loading",
    "mnist_5k": "embedded",
    "Transform": "transforms",
    "already_binary": "transforms",
    "binarise_dynamically": "transforms",
    "binarise_statically": "transforms",
    "scale": "transforms",
}

__all__ = [
    "DataConfig",
    "Dataset",
    "Split",
    "Transform",
    "already_binary",
    "binarise_dynamically",
    "binarise_statically",
    "breast_cancer",
    "digits",
    "from_object",
    "lfw_faces",
    "load",
    "mnist_5k",
    "scale",
]

__getattr__ = names_on_first_use(__name__, _HOMES)
