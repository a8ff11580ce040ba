"""The row of a table whose columns are of different kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Scalar

from vae_jax.distributions.statements import has_density, is_reparametrised
from vae_jax.distributions.support import Support, support_of
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class MixedColumns:
    """Independent groups of columns, each group with a distribution of its own; one event is a row of floats.

    log p(row) = Σ log pᵢ(the columns of part i): a density in the continuous columns, a mass in the others.

    Args:
        parts: Distributions over vectors.
        columns: For each part, the columns that its vector is made of; all parts together have every column once.

    Example:
        >>> from vae_jax.distributions import Bernoulli, Normal
        >>> row = MixedColumns((Normal(jnp.zeros(2), jnp.ones(2)), Bernoulli(jnp.zeros(1))), ((0, 2), (1,)))
        >>> float(row.log_prob(jnp.array([0.0, 1.0, 0.0])))  # −log 2π − log 2
        -2.531024...
    """

    parts: tuple[Any, ...]
    columns: tuple[tuple[int, ...], ...] = field(metadata={"static": True})

    @property
    def is_reparametrised(self) -> bool:
        """Whether every part is reparametrised."""
        return is_reparametrised(self.parts)

    @property
    def has_density(self) -> bool:
        """Whether every part has a density."""
        return has_density(self.parts)

    @property
    def is_discrete(self) -> Bool[np.ndarray, " columns"]:
        """Whether each column has masses."""
        kinds = [np.full(len(columns), part.is_discrete) for part, columns in self._each()]
        return np.concatenate(kinds)[self._order()]

    @property
    def support(self) -> Support:
        """The values that each column may have."""
        supports = [(support_of(part), columns) for part, columns in self._each()]
        words = [support.words_of(place) for support, columns in supports for place in range(len(columns))]
        return Support(
            tuple(words[place] for place in self._order()),
            lambda row: self._row([support.contains(row[np.array(columns)]) for support, columns in supports]),
        )

    def sample(self, key: Key) -> Float[Array, " columns"]:
        """A draw of a row."""
        keys = jax.random.split(key, len(self.parts))
        return self._row([part.sample(key) for part, key in zip(self.parts, keys, strict=True)])

    def log_prob(self, value: Float[Array, " columns"]) -> Scalar:
        """Log-probability of one row, in nats."""
        return jnp.stack([part.log_prob(value[np.array(columns)]) for part, columns in self._each()]).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " columns"], Scalar]:
        """A draw of a row and its log-probability in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, " columns"]:
        """The expectation of each column; for a category, that of its code."""
        return self._row([part.mean() for part in self.parts])

    def _each(self) -> list[tuple[Any, tuple[int, ...]]]:
        return list(zip(self.parts, self.columns, strict=True))

    def _row(self, vectors: list[Array]) -> Array:
        return jnp.concatenate(vectors)[self._order()]

    def _order(self) -> np.ndarray:
        """The position of each column in the concatenated vectors of the parts."""
        return np.argsort(np.concatenate(self.columns))
