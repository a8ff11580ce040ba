"""The types that every signature uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import jaxtyping
from jaxtyping import Array, Float, PRNGKeyArray, Scalar

Key: TypeAlias = PRNGKeyArray
"""A JAX random key: a typed one, `jax.random.key(seed)`, or a raw one, `jax.random.PRNGKey(seed)`."""

Keys: TypeAlias = jaxtyping.Key[Array, " num"]
"""Typed random keys along the first axis: one for each example, say."""

Params: TypeAlias = Any
"""A pytree of arrays that a gradient trains, except those in an `Untrained`."""

Metrics: TypeAlias = dict[str, Array]
"""Arrays by name, for the user to look at. Nothing downstream depends on them."""

Value: TypeAlias = tuple[Scalar, Metrics] | tuple[Scalar, Metrics, dict[str, Any]]
"""The value of one example in nats, higher is better, its metrics, and perhaps what `Model.after` sees, by name."""

Values: TypeAlias = tuple[Float[Array, " batch"], Metrics] | tuple[Float[Array, " batch"], Metrics, dict[str, Any]]
"""A `Value` for each example of a batch: every array has a leading batch axis."""

Objective: TypeAlias = Callable[..., Value]
"""The function of ONE example that training maximises: `(key, vae, x, *, ...) -> (value, metrics)`."""

BatchObjective: TypeAlias = Callable[[Key, Any, Any, Any], Values]
"""The function of a batch and a training step that training maximises: `(key, vae, batch, step) -> (values, metrics)`.
To get shares of a batch, it must state whether it couples the examples: `objectives.coupled`,
`objectives.separable`."""


class StatefulObjective(NamedTuple):
    """A batch objective that remembers something from step to step that no gradient trains: a multiplier, say."""

    init: Callable[[], Any]
    """() -> the objective's first state, a pytree of arrays."""
    apply: Callable[[Key, Any, Any, Any, Any], Values]
    """(key, vae, batch, step, state) -> (values, metrics, seen), as for a `BatchObjective`."""
    after: Callable[[Any, Any], Any]
    """(state, what was seen of the whole batch) -> next state, as `Model.after` does for the parameters."""


class Distribution(Protocol):
    """A probability distribution over one *event*: no batch axes, `jax.vmap` outside.

    An implementation is a small pytree of its parameters, and the whole array (or pytree) that `sample` returns is
    the event: `log_prob` is one number, summed over it. Every family states both properties, as class attributes or,
    where it is made of other families, from theirs. There is no default: a family that does not state one is refused
    where it is needed.
    """

    @property
    def is_reparametrised(self) -> bool:
        """Whether samples are differentiable in the parameters, as a pathwise gradient needs."""
        ...

    @property
    def has_density(self) -> bool:
        """Whether `log_prob` is that of a density or of masses, as a KL and a bound need; False for a `PointMass`."""
        ...

    def sample(self, key: Key) -> Any:
        """A draw, differentiable in the parameters where the family can be reparametrised."""
        ...

    def log_prob(self, value: Any) -> Scalar:
        """Log-density or log-mass of one event, in nats."""
        ...

    def sample_and_log_prob(self, key: Key) -> tuple[Any, Scalar]:
        """A draw and its log-probability, together where that is cheaper than one after the other."""
        ...

    def mean(self) -> Any:
        """The expectation, of the event's shape."""
        ...
