"""The negative binomial distribution, by its mean and dispersion."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import log_quotient, quotient
from vae_jax.distributions.poisson import sample_counts
from vae_jax.distributions.stirling import HALF_LOG_TWO_PI, deviance_of_two, stirling_error
from vae_jax.distributions.support import COUNTS, is_count
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class NegativeBinomial:
    """Independent counts that vary more than Poisson's: variance μ + μ²/θ; one event is the whole array.

    p(x) = Γ(x + θ) / (Γ(θ) x!) · (θ/(θ + μ))^θ · (μ/(θ + μ))^x

    Args:
        expectation: μ > 0, of the event's shape or one that broadcasts to it.
        dispersion: θ > 0, likewise, "inverse dispersion" in scVI; Poisson for θ → ∞.

    Source: Lopez et al. 2018, "Deep generative modeling for single-cell transcriptomics" (scVI), for the parameters.

    Example:
        >>> float(NegativeBinomial(jnp.ones(1), jnp.ones(1)).log_prob(jnp.zeros(1)))  # geometric: −log 2
        -0.693147...
    """

    expectation: float | Float[Array, "*#event"]
    dispersion: float | Float[Array, "*#event"]

    is_discrete = True
    is_reparametrised = False
    has_density = True
    support = COUNTS

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """Poisson counts whose rate is drawn from a Γ distribution, as floats of at least 32 bits."""
        expectation, dispersion = at_least_float32(self.expectation, self.dispersion)
        rate_key, count_key = jax.random.split(key)
        shape = jnp.broadcast_shapes(expectation.shape, dispersion.shape)
        rate = jax.random.gamma(rate_key, dispersion, shape, expectation.dtype) / dispersion * expectation
        return sample_counts(count_key, rate)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is no count."""
        value, expectation, dispersion = at_least_float32(value, self.expectation, self.dispersion)
        # Computed as the mass of x among x + θ trials of a binomial distribution, times θ/(x + θ).
        some = jnp.where(value > 0, value, 1.0)
        total = some + dispersion
        expected_total = dispersion + expectation
        log_ratio = log_quotient(total, expected_total, some - expectation)
        # The ratio for the counts, (x + θ) μ / ((θ + μ) x), differs from one by θ (μ − x) / ((θ + μ) x).
        ratio = quotient(total, expected_total) * quotient(expectation, some)
        excess = quotient(dispersion, expected_total) * quotient(expectation - some, some)
        of_some = (
            -deviance_of_two(dispersion, log_ratio, some, log_quotient(ratio, 1.0, excess))
            + stirling_error(total)
            - stirling_error(dispersion)
            - stirling_error(some)
            - 0.5 * (log_quotient(total, dispersion, some) + jnp.log(some))
            - HALF_LOG_TWO_PI
        )
        of_none = -dispersion * log_quotient(expected_total, dispersion, expectation)
        return jnp.where(is_count(value), jnp.where(value > 0, of_some, of_none), -jnp.inf).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """μ, of the event's shape."""
        return jnp.broadcast_to(
            self.expectation, jnp.broadcast_shapes(jnp.shape(self.expectation), jnp.shape(self.dispersion))
        )
