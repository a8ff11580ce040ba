"""The axis of the colours, which is the last one here, and the first one in PyTorch."""

from __future__ import annotations

from vae_jax.data.dataset import Dataset
from vae_jax.data.examples import named_arrays

_COLOURS = (1, 3, 4)
# Below this, a few numbers may be anything.
_SMALLEST_SIDE = 8


def check_channels_last(dataset: Dataset) -> None:
    """Refuse images whose colours are along the first axis: convolutions and pictures take them along the last one.

    Raises:
        ValueError: If an example, or a part of one, is (1, 3 or 4, height, width), with sides of 8 or more.
    """
    for name, part in named_arrays(next(iter(dataset.splits.values())).examples):
        shape = tuple(part.shape[1:])
        if len(shape) == 3 and shape[0] in _COLOURS and min(shape[1:]) >= _SMALLEST_SIDE:
            raise ValueError(
                f"expected the colours of an image along its last axis; the examples{name} of {dataset.name} are "
                f"{shape}, with {shape[0]} first; give np.moveaxis(images, 1, -1)"
            )
