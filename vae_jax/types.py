"""The words that every signature uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

from jaxtyping import Array, Float, PRNGKeyArray, Scalar

Key: TypeAlias = PRNGKeyArray
"""A typed JAX random key, `jax.random.key(seed)`."""

Params: TypeAlias = Any
"""A pytree of arrays that a gradient trains, but for those in an `Untrained`."""

Metrics: TypeAlias = dict[str, Array]
"""What may be looked at: a name and an array. Nothing downstream depends on it."""

Value: TypeAlias = tuple[Scalar, Metrics] | tuple[Scalar, Metrics, dict[str, Any]]
"""Of one example: a value in nats, higher is better, the metrics, and perhaps what `Model.after` is to see, by name."""

Values: TypeAlias = tuple[Float[Array, " batch"], Metrics] | tuple[Float[Array, " batch"], Metrics, dict[str, Any]]
"""The same of each example of a batch: every array with a leading batch axis."""

Objective: TypeAlias = Callable[..., Value]
"""What training maximises, for ONE example: `(key, vae, x, *, ...) -> (value, metrics)`."""

BatchObjective: TypeAlias = Callable[[Key, Any, Any, Any], Values]
"""What training maximises, for a batch at a training step: `(key, vae, batch, step) -> (values, metrics)`. To be given
shares of a batch it states whether it couples the examples: `objectives.coupled`, `objectives.separable`."""


class StatefulObjective(NamedTuple):
    """A batch objective that remembers something from step to step that no gradient trains: a multiplier, say."""

    init: Callable[[], Any]
    """() -> its state, a pytree of arrays."""
    apply: Callable[[Key, Any, Any, Any, Any], Values]
    """(key, vae, batch, step, state) -> (values, metrics, seen), as of a `BatchObjective`."""
    after: Callable[[Any, Any], Any]
    """(state, what was seen of the whole batch) -> next state, as `Model.after` of the parameters."""


class Distribution(Protocol):
    """A probability distribution over one *event*: no batch axes, `jax.vmap` outside.

    An implementation is a small pytree of its parameters, and the whole array (or pytree) that `sample` returns is
    the event: `log_prob` is one number, summed over it. Every family says both properties, as class attributes or,
    where it is made of others, from theirs. There is no default: one that does not say is refused where it is asked.
    """

    @property
    def is_reparametrised(self) -> bool:
        """Whether samples are differentiable in the parameters, as a pathwise gradient needs them."""
        ...

    @property
    def has_density(self) -> bool:
        """Whether `log_prob` is that of a density or of masses, as a KL and a bound need it; not of a `PointMass`."""
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
