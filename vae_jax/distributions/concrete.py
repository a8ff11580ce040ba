"""The Concrete (Gumbel-softmax) distribution: a categorical variable made continuous, so that gradients flow."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.categorical import Categorical
from vae_jax.distributions.random_softmax import mean_of_gumbel_softmax
from vae_jax.distributions.simplex import log_of_simplex, smallest_entry
from vae_jax.distributions.support import LOG_SIMPLEX, SIMPLEX
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class Concrete:
    """Independent points x = softmax((a + g) / τ) on the simplex, g standard Gumbel; one event is the array of them.

    As τ falls to zero, x becomes the one-hot vector of a category drawn with the probabilities softmax(a). At any τ
    the largest entry is at a category drawn with these probabilities.

    An entry below 4e-31 is clipped there, before its logarithm loses its gradient. That is rare above τ ≈ 0.3; below
    it, and in an ELBO that must hold to the last digit, use `ExpConcrete`, whose event is log x.

    Args:
        logits: a, along the last axis; any constant may be added. −∞ masks a category: its entry is 0, and the density
            is that of the others.
        temperature: τ > 0, a number.

    Example:
        >>> import jax.numpy as jnp
        >>> float(Concrete(jnp.zeros(3), 1.0).log_prob(jnp.full(3, 1 / 3)))  # uniform on a triangle of area 1/2
        0.693147...

    Source: Maddison, Mnih & Teh 2017, arXiv:1611.00712, definition 1; Jang, Gu & Poole 2017, arXiv:1611.01144.
    """

    logits: Float[Array, "*variables categories"]
    temperature: float | Scalar
    is_reparametrised = True
    has_density = True
    support = SIMPLEX

    def sample(self, key: Key) -> Float[Array, "*variables categories"]:
        """softmax((a + g) / τ), so a gradient flows to both parameters."""
        return self.sample_and_log_prob(key)[0]

    def log_prob(self, value: Float[Array, "*variables categories"]) -> Scalar:
        """Log-density of one event, in nats, with respect to all entries but the last of each point."""
        is_there, logs = self.logits > -jnp.inf, log_of_simplex(value)
        is_nothing = ~is_there & (value <= smallest_entry(logs))
        of_logs = ExpConcrete(self.logits, self.temperature).log_prob(jnp.where(is_nothing, -jnp.inf, logs))
        return of_logs - jnp.where(is_there, logs, 0.0).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*variables categories"], Scalar]:
        """A draw and its log-density in nats."""
        logs = ExpConcrete(*at_least_float32(self.logits, self.temperature)).sample(key)
        value = jnp.where(self.logits > -jnp.inf, jnp.maximum(jnp.exp(logs), smallest_entry(logs)), 0.0)
        value = value.astype(jnp.result_type(self.logits, self.temperature, float))
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*variables categories"]:
        """E x, by quadrature; softmax(a) as τ falls to zero."""
        return _means(self.logits, self.temperature)[0]

    def discrete(self) -> Categorical:
        """The categorical distribution that this one relaxes."""
        return Categorical(self.logits)

    @staticmethod
    def nearest(value: Float[Array, "*variables categories"]) -> Float[Array, "*variables categories"]:
        """The one-hot vectors nearest to points on the simplex."""
        return jax.nn.one_hot(jnp.argmax(value, axis=-1), value.shape[-1], dtype=value.dtype)


@register_dataclass
@dataclass(frozen=True)
class ExpConcrete:
    """log x for x ~ `Concrete`: exact in floating point at any temperature; give exp of it to the decoder.

    A divergence between two of these is that between the Concrete distributions.

    Args:
        logits: a, along the last axis; any constant may be added.
        temperature: τ > 0, a number.

    Source: Maddison, Mnih & Teh 2017, arXiv:1611.00712, appendix C.
    """

    logits: Float[Array, "*variables categories"]
    temperature: float | Scalar
    is_reparametrised = True
    has_density = True
    support = LOG_SIMPLEX

    def sample(self, key: Key) -> Float[Array, "*variables categories"]:
        """log softmax((a + g) / τ), so a gradient flows to both parameters."""
        dtype = jnp.result_type(self.logits, self.temperature, float)
        logits, temperature = at_least_float32(self.logits, self.temperature)
        noise = jax.random.gumbel(key, logits.shape, logits.dtype)
        return jax.nn.log_softmax((logits + noise) / temperature).astype(dtype)

    def log_prob(self, value: Float[Array, "*variables categories"]) -> Scalar:
        """Log-density of one event, in nats, with respect to the log-ratios log xₖ/x_K of each point."""
        value, logits, temperature = at_least_float32(value, self.logits, self.temperature)
        is_there = logits > -jnp.inf
        num = is_there.sum(axis=-1).astype(logits.dtype)
        constant = gammaln(num) + (num - 1) * jnp.log(temperature)
        scores = jnp.where(is_there, logits - temperature * jnp.where(is_there, value, 0.0), -jnp.inf)
        log_density = constant + jnp.where(is_there, jax.nn.log_softmax(scores), 0.0).sum(axis=-1)
        return jnp.where(jnp.any(~is_there & (value > -jnp.inf), axis=-1), -jnp.inf, log_density).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*variables categories"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*variables categories"]:
        """E log x, by quadrature."""
        return _means(self.logits, self.temperature)[1]


def _means(
    logits: Float[Array, "*variables categories"], temperature: float | Scalar
) -> tuple[Float[Array, "*variables categories"], Float[Array, "*variables categories"]]:
    dtype = jnp.result_type(logits, temperature, float)
    logits, temperature = at_least_float32(logits, temperature)
    rows = logits.reshape(-1, logits.shape[-1])
    means = jax.vmap(mean_of_gumbel_softmax, in_axes=(0, None))(rows, temperature)
    return jax.tree.map(lambda mean: mean.reshape(logits.shape).astype(dtype), means)
