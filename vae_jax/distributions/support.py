"""The values to which a family gives a probability; data outside of them have a log-likelihood of −∞ at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vae_jax.distributions.levels import is_level, level_of


class Support(NamedTuple):
    """The values of each entry of an event that have a probability; a family states them by its attribute `support`."""

    words: str | tuple[str, ...]
    """A noun phrase such as "counts 0, 1, 2, ..."; one for each column of a row where they differ."""
    contains: Callable[[Array], Array]
    """An event -> whether each of its entries is such a value."""

    def words_of(self, entry: int) -> str:
        """The words for an entry of an event, by its place in the flat event."""
        return self.words if isinstance(self.words, str) else self.words[entry]


def is_count(value: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
    """Whether a value is a count 0, 1, 2, ..."""
    return (value >= 0) & (value == jnp.floor(value))


REAL = Support("finite numbers", jnp.isfinite)
COUNTS = Support("counts 0, 1, 2, ...", lambda value: is_count(value) & jnp.isfinite(value))
UNIT_INTERVAL = Support("numbers in [0, 1]", lambda value: (value >= 0) & (value <= 1))


def codes(num_codes: int) -> Support:
    """The codes 0, ..., K − 1 of K classes."""
    return Support(f"codes 0, ..., {num_codes - 1} of {num_codes} classes", lambda v: is_count(v) & (v < num_codes))


def levels(num_levels: int) -> Support:
    """Numbers in [0, 1], which are rounded to the nearest of K levels."""
    return Support(
        f"numbers in [0, 1], of {num_levels} levels", lambda value: is_level(level_of(value, num_levels), num_levels)
    )


def support_of(distribution: Any) -> Any:
    """The support of a family, or the pytree of those of its parts; all finite numbers where it states none.

    Example:
        >>> from vae_jax.distributions import Poisson
        >>> support_of(Poisson(jnp.zeros(2))).words
        'counts 0, 1, 2, ...'
    """
    return getattr(distribution, "support", REAL)
