"""Data sets, what a model sees of them, and how they are fed to the device."""

from typing import TYPE_CHECKING

from vae_jax.lazy import names_on_first_use

if TYPE_CHECKING:
    from vae_jax.data.column_kinds import described
    from vae_jax.data.columns import Column, likelihood_kinds
    from vae_jax.data.config import DataConfig
    from vae_jax.data.dataset import Dataset, Split
    from vae_jax.data.drawn.design import Design
    from vae_jax.data.drawn.shapes import Shapes, full_factorial
    from vae_jax.data.embedded import auto_mpg, breast_cancer, colour_shapes, digits, lfw_faces, mnist_5k, shapes
    from vae_jax.data.labelled import few_labels
    from vae_jax.data.loading import load
    from vae_jax.data.objects import from_object
    from vae_jax.data.pairs import paired
    from vae_jax.data.presence import all_present, some_present
    from vae_jax.data.transforms import (
        Transform,
        already_binary,
        as_condition,
        binarise,
        binarise_dynamically,
        binarise_statically,
        chain,
        crop,
        dequantise,
        flip_horizontally,
        logit,
        on_parts,
        one_hot,
        pad,
        resize,
        scale,
        shape_seen,
        standardise,
    )

_HOMES = {
    "Column": "columns",
    "DataConfig": "config",
    "Dataset": "dataset",
    "Design": "drawn.design",
    "Shapes": "drawn.shapes",
    "Split": "dataset",
    "Transform": "transforms",
    "all_present": "presence",
    "already_binary": "transforms",
    "as_condition": "transforms",
    "binarise": "transforms",
    "binarise_dynamically": "transforms",
    "binarise_statically": "transforms",
    "auto_mpg": "embedded",
    "breast_cancer": "embedded",
    "chain": "transforms",
    "colour_shapes": "embedded",
    "crop": "transforms",
    "described": "column_kinds",
    "dequantise": "transforms",
    "digits": "embedded",
    "few_labels": "labelled",
    "flip_horizontally": "transforms",
    "from_object": "objects",
    "full_factorial": "drawn.shapes",
    "lfw_faces": "embedded",
    "likelihood_kinds": "columns",
    "load": "loading",
    "logit": "transforms",
    "mnist_5k": "embedded",
    "on_parts": "transforms",
    "one_hot": "transforms",
    "pad": "transforms",
    "paired": "pairs",
    "resize": "transforms",
    "scale": "transforms",
    "shape_seen": "transforms",
    "shapes": "embedded",
    "some_present": "presence",
    "standardise": "transforms",
}

__all__ = [
    "Column",
    "DataConfig",
    "Dataset",
    "Design",
    "Shapes",
    "Split",
    "Transform",
    "all_present",
    "already_binary",
    "as_condition",
    "auto_mpg",
    "binarise",
    "binarise_dynamically",
    "binarise_statically",
    "breast_cancer",
    "chain",
    "colour_shapes",
    "crop",
    "dequantise",
    "described",
    "digits",
    "few_labels",
    "flip_horizontally",
    "from_object",
    "full_factorial",
    "lfw_faces",
    "likelihood_kinds",
    "load",
    "logit",
    "mnist_5k",
    "on_parts",
    "one_hot",
    "pad",
    "paired",
    "resize",
    "scale",
    "shape_seen",
    "shapes",
    "some_present",
    "standardise",
]

__getattr__ = names_on_first_use(__name__, _HOMES)
