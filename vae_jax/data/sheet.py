"""A contact sheet: some examples of a data set in one picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae_jax.data.dataset import Dataset
from vae_jax.data.spread import spread
from vae_jax.grids import image_grid


def contact_sheet(dataset: Dataset, num: int, *, width: int | None = None) -> NDArray[np.uint8]:
    """A grid of training examples as 8-bit colours.

    Args:
        dataset: Data whose examples are images.
        num: Number of examples, spread evenly; all where there are fewer.
        width: Number of examples in a row; None for a grid that is not much wider than high.
    """
    examples = dataset.train.examples
    rows = spread(len(examples), num)
    return image_grid(dataset.brightness(np.asarray(examples[rows])), num_columns=width or num_columns(len(rows)))


def num_columns(num: int) -> int:
    """Number of columns of a grid of `num` pictures that is at most about twice as wide as high."""
    return max(1, min(num, 16, int(np.ceil(np.sqrt(num)))))
