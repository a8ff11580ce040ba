"""KL(q(z|x) ‖ p(z)) from one draw: the `kl=` of the evidence lower bound.

All have the same expectation; they differ in what their value varies with.
"""

from __future__ import annotations

from jaxtyping import Array, Float, Scalar

from vae_jax.distributions import has_density, kl_divergence, kl_per_dimension
from vae_jax.vae import Draw


def analytic_kl(draw: Draw) -> Scalar:
    """KL(q ‖ p) in closed form: no noise of its own, for pairs of families that have one.

    Returns:
        Nats, ≥ 0.

    Raises:
        TypeError: If the pair of families has no closed form.
    """
    return kl_divergence(draw.posterior, draw.prior)


def analytic_kl_per_dimension(draw: Draw) -> Float[Array, "*event"]:
    """The terms of `analytic_kl`, one for each dimension of z, for a penalty such as `free_bits`.

    Returns:
        Nats for each dimension, each ≥ 0.

    Raises:
        TypeError: If the pair of families has no closed form, dimension by dimension.
    """
    return kl_per_dimension(draw.posterior, draw.prior)


def sampled_kl(draw: Draw) -> Scalar:
    """log q(z|x) − log p(z) at the drawn z: an unbiased estimate for any posterior and prior.

    Returns:
        Nats; a single estimate may be negative.

    Raises:
        TypeError: If the posterior has no density, like a point mass, or does not state whether it has one.
    """
    if not has_density(draw.posterior):
        raise TypeError(
            f"expected a posterior with a density; got a {type(draw.posterior).__name__}, whose KL to a continuous "
            "prior is infinite; train it with objectives.autoencoder"
        )
    return draw.log_posterior - draw.prior.log_prob(draw.z)
