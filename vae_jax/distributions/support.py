"""The values to which a family gives a probability; data outside of them have a log-likelihood of −∞ at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
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


def _all_along(is_one: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """For each entry, whether the vector along the last axis that it stands in is such a vector."""
    return lambda value: jnp.broadcast_to(is_one(value)[..., None], jnp.shape(value))


SIMPLEX = Support(
    "numbers in [0, 1] that sum to 1",
    _all_along(lambda value: (value >= 0).all(-1) & (jnp.abs(value.sum(-1) - 1) < 1e-3)),
)
LOG_SIMPLEX = Support(
    "logarithms of numbers that sum to 1",
    _all_along(lambda value: jnp.abs(jax.nn.logsumexp(value, axis=-1)) < 1e-3),
)
ONE_HOT = Support(
    "one-hot vectors", _all_along(lambda value: ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == 1))
)
BINARY = Support("zeros and ones", lambda value: (value == 0) | (value == 1))
SPHERE = Support("unit vectors", _all_along(lambda value: jnp.abs(jnp.sum(jnp.square(value), -1) - 1) < 1e-3))


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


def is_real(distribution: Any) -> bool:
    """Whether every entry of an event may be any finite number, as walks along a gradient need.

    Example:
        >>> from vae_jax.distributions import Categorical, standard_normal
        >>> is_real(standard_normal(2)), is_real(Categorical(jnp.zeros((1, 3))))
        (True, False)
    """
    supports = jax.tree.leaves(support_of(distribution), is_leaf=lambda node: isinstance(node, Support))
    return all(support is REAL for support in supports)
