"""The words that every signature uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

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
leading batch axis. To be given shares of a batch it states whether it couples the examples: `objectives.coupled`,
`objectives.separable`."""


class StatefulObjective(NamedTuple):
    """A batch objective that remembers something from step to step that no gradient trains: a multiplier, say."""

    init: Callable[[], Any]
    """() -> its state, a pytree of arrays."""
    apply: Callable[[Key, Any, Any, Any, Any], tuple[Float[Array, " batch"], Metrics, Any]]
    """(key, vae, batch, step, state) -> (values, metrics, next state); the first two as of a `BatchObjective`.
    To be given a device's share it is `objectives.coupled`, as the state is that of the whole batch."""


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
