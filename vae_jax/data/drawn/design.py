"""Images of a shape on a plain ground, drawn from the factors that make them.

In the manner of dSprites: Matthey, Higgins, Hassabis & Lerchner 2017, github.com/deepmind/dsprites-dataset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from vae_jax.data.drawn.coverage import coverage
from vae_jax.data.drawn.outlines import OUTLINES

SHAPE_NAMES = tuple(OUTLINES)
"""Names of the shapes, in the order of the indices of the factor "shape"."""

REACH = 0.25
"""The share of the canvas that a shape of full scale reaches from its centroid, which stays that far from the edge."""

_OUTLINES = np.stack(list(OUTLINES.values()))


@dataclass(frozen=True)
class Design:
    """Factors and their numbers of values; every combination is one image.

    Args:
        image_size: Height and width, in pixels.
        num_scales: Number of sizes of the shape, evenly from half to full; a single one is full.
        num_orientations: Number of angles from 0 up to, but without, a full turn, counter-clockwise.
        num_x: Number of places of the centroid from left to right; a single one is the middle.
        num_y: Number of places of the centroid from top to bottom; a single one is the middle.
        num_colours: Number of hues of the shape, around the circle of colours; 0 means white, and no such factor.
        num_backgrounds: Number of hues of the ground, which are darker; 0 means black, and no such factor.

    Raises:
        ValueError: If a number is too small, or there are more than 2^31 - 1 combinations.
    """

    image_size: int = 64
    num_scales: int = 6
    num_orientations: int = 40
    num_x: int = 32
    num_y: int = 32
    num_colours: int = 0
    num_backgrounds: int = 0

    def __post_init__(self) -> None:
        if min(self.image_size, self.num_scales, self.num_orientations, self.num_x, self.num_y) < 1:
            raise ValueError(f"expected an image size and numbers of values of at least 1; got {self}")
        if min(self.num_colours, self.num_backgrounds) < 0:
            raise ValueError(f"expected numbers of colours of at least 1, or 0 for none; got {self}")
        if len(self) >= 2**31:
            raise ValueError(f"expected at most 2^31 - 1 combinations; got {len(self)} of {self}; take fewer values")

    @property
    def sizes(self) -> dict[str, int]:
        """Factor -> number of its values. The last factor changes fastest from one combination to the next."""
        colours = {"colour": self.num_colours, "background": self.num_backgrounds}
        return {
            **{name: size for name, size in colours.items() if size},
            "shape": len(SHAPE_NAMES),
            "scale": self.num_scales,
            "orientation": self.num_orientations,
            "x": self.num_x,
            "y": self.num_y,
        }

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(height, width), and 3 for red, green and blue where there are colours."""
        rgb = (3,) if self.num_colours or self.num_backgrounds else ()
        return (self.image_size, self.image_size, *rgb)

    def __len__(self) -> int:
        return math.prod(self.sizes.values())

    def factors(self, combinations: Any) -> Any:
        """The index of each factor in some combinations.

        Args:
            combinations: (*any,) integers in [0, len(self)), numpy's or traced.

        Returns:
            (*any, num_factors), in the order of `sizes`.
        """
        sizes = tuple(self.sizes.values())
        strides = [math.prod(sizes[place + 1 :]) for place in range(len(sizes))]
        return combinations[..., None] // np.array(strides, np.int32) % np.array(sizes, np.int32)

    def draw(self, factors: Int[Array, " num_factors"]) -> Float[Array, "height width *rgb"]:
        """The image of one combination in [0, 1]: the share of each pixel that is covered, or its mean colour.

        Args:
            factors: The index of each factor, in the order of `sizes`.
        """
        covered = coverage(self.vertices(factors), self.image_size, self.image_size)
        if len(self.image_shape) == 2:
            return covered
        index = dict(zip(self.sizes, factors, strict=True))
        colour = _hue(index["colour"] / self.num_colours) if self.num_colours else jnp.ones(3)
        ground = _hue(index["background"] / self.num_backgrounds) / 3 if self.num_backgrounds else jnp.zeros(3)
        return ground + covered[..., None] * (colour - ground)

    def render(self, factors: Int[Array, " num_factors"]) -> UInt8[Array, "height width *rgb"]:
        """The image of one combination as it is stored: 255 times `draw`, rounded."""
        return jnp.round(255 * self.draw(factors)).astype(jnp.uint8)

    def vertices(self, factors: Int[Array, " num_factors"]) -> Float[Array, "num_vertices 2"]:
        """The shape's outline on the canvas: (x, y) in pixels, y counted downwards."""
        index = dict(zip(self.sizes, factors, strict=True))
        length = REACH * _evenly(0.5, 1.0, self.num_scales, alone=1.0)[index["scale"]]
        across = _evenly(REACH, 1 - REACH, self.num_x, alone=0.5)[index["x"]]
        down = _evenly(REACH, 1 - REACH, self.num_y, alone=0.5)[index["y"]]
        angle = 2 * jnp.pi * index["orientation"] / self.num_orientations
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        x, y = jnp.asarray(_OUTLINES)[index["shape"]].T
        # The rotation is written out, because a GPU multiplies matrices with ten bits of mantissa.
        turned = jnp.stack([cos * x + sin * y, cos * y - sin * x], axis=-1)
        return self.image_size * (jnp.stack([across, down]) + length * turned)


def _evenly(first: float, last: float, num: int, *, alone: float) -> Float[Array, " num"]:
    return jnp.linspace(first, last, num) if num > 1 else jnp.array([alone])


def _hue(turn: Array) -> Float[Array, "3"]:
    # Around the circle of pure colours: red, yellow, green, cyan, blue, magenta.
    return jnp.clip(jnp.abs((6 * turn + jnp.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0.0, 1.0)
