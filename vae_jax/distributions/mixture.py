"""A mixture of distributions of one family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import log_sum_exp
from vae_jax.distributions.statements import has_density
from vae_jax.distributions.support import support_of
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key


@register_dataclass
@dataclass(frozen=True)
class Mixture:
    """Σₖ wₖ pₖ: one of several distributions of the same family, chosen at random; an event is an event of a component.

    Args:
        logits: log wₖ; any constant may be added, and −∞ leaves a component out.
        components: A distribution whose every array has a leading axis of the components, as `jax.vmap` makes it.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import Normal
        >>> two = Mixture(jnp.zeros(2), Normal(jnp.array([[-1.0], [1.0]]), jnp.ones((2, 1))))
        >>> two.mean().tolist()
        [0.0]
    """

    logits: Float[Array, " component"]
    components: Any
    is_reparametrised = False

    @property
    def has_density(self) -> bool:
        """Whether the components have a density."""
        return has_density(self.components)

    @property
    def support(self) -> Any:
        """The support of the components, which are of one family."""
        return support_of(self.components)

    def sample(self, key: Key) -> Any:
        """A draw from a component drawn by its weight; no gradient flows through it.

        The gradient through the chosen component alone would be biased: it misses that the choice depends on the
        weights. An estimator that needs `log_prob` only (the score function) is unbiased.
        """
        choice_key, component_key = jax.random.split(key)
        choice = jax.random.categorical(choice_key, jnp.asarray(self.logits, jnp.float32))
        chosen: Distribution = jax.tree.map(lambda leaf: leaf[choice], self.components)
        return jax.lax.stop_gradient(chosen.sample(component_key))

    def log_prob(self, value: Any) -> Scalar:
        """log Σₖ wₖ pₖ(value) of one event, in nats."""
        return log_sum_exp(self.log_joint(value))

    def log_joint(self, value: Any) -> Float[Array, " component"]:
        """log wₖ pₖ(value), in nats: the softmax over k is the probability that a value came from each component."""
        (logits,) = at_least_float32(self.logits)
        log_probs = jax.vmap(lambda component: component.log_prob(value))(self.components)
        return jax.nn.log_softmax(logits) + log_probs

    def sample_and_log_prob(self, key: Key) -> tuple[Any, Scalar]:
        """A draw and its log-probability in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Any:
        """The weighted average of the components' means."""
        weights = jax.nn.softmax(self.logits)
        return jax.tree.map(
            lambda means: jnp.tensordot(weights, means, axes=1).astype(means.dtype),
            jax.vmap(lambda component: component.mean())(self.components),
        )
