"""Independent parts of different families: latents that are partly discrete, partly on a sphere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Scalar

from vae_jax.distributions.centre import centre
from vae_jax.distributions.statements import has_density, is_reparametrised
from vae_jax.distributions.support import support_of
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key


@register_dataclass
@dataclass(frozen=True)
class Product:
    """Independent distributions with names; one event is a dictionary with an event of each part.

    Args:
        parts: name -> distribution.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import Categorical, standard_normal
        >>> both = Product({"kind": Categorical(jnp.zeros(3)), "style": standard_normal(2)})
        >>> jax.tree.map(jnp.shape, both.sample(jax.random.key(0)))
        {'kind': (3,), 'style': (2,)}

    Source: Dupont 2018, arXiv:1804.00104, section 3 (continuous and discrete latents beside each other).
    """

    parts: Mapping[str, Distribution]

    @property
    def is_reparametrised(self) -> bool:
        """Whether every part is reparametrised."""
        return is_reparametrised(dict(self.parts))

    @property
    def has_density(self) -> bool:
        """Whether every part has a density."""
        return has_density(dict(self.parts))

    @property
    def support(self) -> dict[str, Any]:
        """The parts' supports."""
        return {name: support_of(part) for name, part in self.parts.items()}

    def sample(self, key: Key) -> dict[str, Any]:
        """A draw of every part, each with a key of its own."""
        return {name: part.sample(part_key) for name, part, part_key in self._with_keys(key)}

    def log_prob(self, value: Mapping[str, Any]) -> Scalar:
        """The sum of the parts' log-probabilities, in nats."""
        return sum(part.log_prob(value[name]) for name, part in self.parts.items())  # pyright: ignore

    def sample_and_log_prob(self, key: Key) -> tuple[dict[str, Any], Scalar]:
        """A draw and its log-probability in nats."""
        draws = {name: part.sample_and_log_prob(part_key) for name, part, part_key in self._with_keys(key)}
        return {name: value for name, (value, _) in draws.items()}, sum(log_prob for _, log_prob in draws.values())  # pyright: ignore

    def mean(self) -> dict[str, Any]:
        """The parts' means."""
        return {name: part.mean() for name, part in self.parts.items()}

    def centre(self) -> dict[str, Any]:
        """The parts' centres."""
        return {name: centre(part) for name, part in self.parts.items()}

    def _with_keys(self, key: Key) -> list[tuple[str, Distribution, Key]]:
        # Parts in the order of names: JAX rebuilds a dictionary in that order, and a sample must not depend on it.
        names = sorted(self.parts)
        return [
            (name, self.parts[name], key) for name, key in zip(names, jax.random.split(key, len(names)), strict=True)
        ]
