"""Data sets of shapes with known factors, of which no image is stored.

Row number -> place in a shuffled order -> index of each factor -> image: arithmetic alone, on the device, inside a
compiled step.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.drawn.design import Design
from vae_jax.data.order import shuffled

# The rows of a split never change.
_ORDER = np.zeros(2, np.uint32)


@jax.tree_util.register_static  # so that a compiled step accepts it like an array
@dataclass(frozen=True)
class Shapes:
    """The images of a design, `Computed` from their row numbers, in one fixed shuffled order.

    Rows next to each other are a random subset of the combinations, so parts are splits. Only the numbers below
    are held.

    Args:
        design: The factors and their values.
        rows: Rows of the shuffled order; all of them by default.

    Example:
        >>> images = Shapes(Design(image_size=32))
        >>> images.shape, images[:4].shape, images.part(range(1_000)).shape
        ((737280, 32, 32), (4, 32, 32), (1000, 32, 32))
    """

    design: Design = field(default_factory=Design)
    rows: range | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(num, height, width), or (num, height, width, 3)."""
        return (len(self), *self.design.image_shape)

    @property
    def dtype(self) -> np.dtype:
        """The type of a pixel, from 0 to 255."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> Any:
        factors = self.factors(rows)
        images = _render(self.design, factors.reshape(-1, factors.shape[-1]))
        images = images.reshape(*factors.shape[:-1], *self.design.image_shape)
        return np.asarray(images) if isinstance(factors, np.ndarray) else images

    def part(self, rows: range) -> Shapes:
        """Some rows of the images."""
        return replace(self, rows=self._rows[rows.start : rows.stop : rows.step])

    def factors(self, rows: Any) -> Any:
        """The index of each factor of some images.

        Args:
            rows: Rows as of an array: a slice, or integers, numpy's or traced.

        Returns:
            (num rows, num_factors) int32, in the order of `design.sizes`.
        """
        rows = np.arange(len(self))[rows] if isinstance(rows, slice) else rows
        places = self._rows.start + self._rows.step * rows
        return self.design.factors(shuffled(_ORDER, epoch=0, positions=places, num=len(self.design)))

    @property
    def _rows(self) -> range:
        return range(len(self.design)) if self.rows is None else self.rows


@jax.tree_util.register_static
@dataclass(frozen=True)
class ShapeFactors:
    """The factors of the images of `Shapes`, as labels: (num, num_factors) int32, computed from the same row numbers.

    Args:
        shapes: The images.
    """

    shapes: Shapes

    @property
    def shape(self) -> tuple[int, int]:
        """(num, num_factors)."""
        return (len(self), len(self.shapes.design.sizes))

    @property
    def dtype(self) -> np.dtype:
        """The type of an index."""
        return np.dtype(np.int32)

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, rows: Any) -> Any:
        return self.shapes.factors(rows)

    def part(self, rows: range) -> ShapeFactors:
        """Some rows of the factors."""
        return ShapeFactors(self.shapes.part(rows))


def full_factorial(name: str, design: Design) -> Dataset:
    """All images of a design in a shuffled order: 80% for training, 10% for validation and 10% for testing.

    Args:
        name: Name of the data set.
        design: The factors and their values.

    Raises:
        ValueError: If there are too few combinations for three splits.
    """
    every, num = Shapes(design), len(design)
    cuts = (0, num * 8 // 10, num * 9 // 10, num)
    parts = [every.part(range(*ends)) for ends in pairwise(cuts)]
    values = " x ".join(f"{size} ({factor})" for factor, size in design.sizes.items())
    return Dataset(
        name=name,
        description=f"{num:,} images of {design.image_size}x{design.image_size} pixels, computed from factors: "
        f"{values}; of a shuffled order, 80% are for training, 10% for validation and 10% for testing",
        splits={
            split: Split(images, ShapeFactors(images))
            for split, images in zip(("train", "validation", "test"), parts, strict=True)
        },
        max_value=255,
        factor_names=tuple(design.sizes),
    )


@partial(jax.jit, static_argnums=0)
def _render(design: Design, factors: Any) -> Any:
    # A batch fits into a processor's cache.
    return jax.lax.map(design.render, factors, batch_size=128)
