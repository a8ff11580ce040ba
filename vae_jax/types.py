"""The words that every signature uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from jaxtyping import Array, Float, PRNGKeyArray, Scalar

Key: TypeAlias = PRNGKeyArray
"""A typed JAX random key, `jax.random.key(seed)`."""

Params: TypeAlias = Any
"""A pytree of arrays that a gradient trains."""

Metrics: TypeAlias = dict[str, Array]
"""What may be looked at: a name and an array. Nothing downstream depends on it."""


Objective: TypeAlias = Callable[..., tuple[Scalar, Metrics]]
"""What training maximises, for ONE example: `(key, vae, x, *, ...) -> (value in nats, metrics)`; higher is better."""

BatchObjective: TypeAlias = Callable[[Key, Any, Any, Any], tuple[Float[Array, " batch"], Metrics]]
"""What training maximises, for a batch at a training step: `(key, vae, batch, step) -> (values, metrics)`, both with a
leading batch axis."""


class Distribution(Protocol):
    """A probability distribution over one *event*: no batch axes, `jax.vmap` outside.

    An implementation is a small pytree of its parameters, and the whole array (or pytree) that `sample` returns is
    the event: `log_prob` is one number, summed over it.
    """

    def sample(self, key: Key) -> Array:
        """A draw, differentiable in the parameters where the family can be reparametrised."""
        ...

    def log_prob(self, value: Array) -> Scalar:
        """Log-density or log-mass of one event, in nats."""
        ...

    def sample_and_log_prob(self, key: Key) -> tuple[Array, Scalar]:
        """A draw and its log-probability, together where that is cheaper than one after the other."""
        ...

    def mean(self) -> Array:
        """The expectation, of the event's shape."""
        ...
