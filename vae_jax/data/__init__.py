"""Data sets, what a model sees of them, and how they are fed to the device."""

from typing import TYPE_CHECKING

from vae_jax.lazy import names_on_first_use

if TYPE_CHECKING:
    from vae_jax.data.config import DataConfig
    from vae_jax.data.dataset import Dataset, Split
    from vae_jax.data.embedded import digits, mnist_5k
    from vae_jax.data.loading import load
    from vae_jax.data.transforms import (
        Transform,
        already_binary,
        binarise,
        binarise_dynamically,
        binarise_statically,
        chain,
        crop,
        dequantise,
        flip_horizontally,
        logit,
        pad,
        resize,
        scale,
        shape_seen,
        standardise,
    )

_HOMES = {
    "DataConfig": "config",
    "Dataset": "dataset",
    "Split": "dataset",
    "digits": "embedded",
    "load": "loading",
    "mnist_5k": "embedded",
    "Transform": "transforms",
    "already_binary": "transforms",
    "binarise": "transforms",
    "binarise_dynamically": "transforms",
    "binarise_statically": "transforms",
    "chain": "transforms",
    "crop": "transforms",
    "dequantise": "transforms",
    "flip_horizontally": "transforms",
    "logit": "transforms",
    "pad": "transforms",
    "resize": "transforms",
    "scale": "transforms",
    "shape_seen": "transforms",
    "standardise": "transforms",
}

__all__ = [
    "DataConfig",
    "Dataset",
    "Split",
    "Transform",
    "already_binary",
    "binarise",
    "binarise_dynamically",
    "binarise_statically",
    "chain",
    "crop",
    "dequantise",
    "digits",
    "flip_horizontally",
    "load",
    "logit",
    "mnist_5k",
    "pad",
    "resize",
    "scale",
    "shape_seen",
    "standardise",
]

__getattr__ = names_on_first_use(__name__, _HOMES)
