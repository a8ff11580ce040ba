"""Estimators of KL(q(z|x) ‖ p(z)) from one draw: the `kl=` of an objective.

All three have the same expectation; they differ in what their value and their gradient vary with.
"""

from __future__ import annotations

import jax
from jaxtyping import Scalar

from vae_jax.distributions import PointMass, kl_divergence
from vae_jax.types import Distribution
from vae_jax.vae import Draw


def analytic_kl(draw: Draw) -> Scalar:
    """KL(q ‖ p) in closed form: no noise of its own, for pairs of families that have one.

    Returns:
        Nats, ≥ 0.

    Raises:
        TypeError: If the pair of families has no closed form.
    """
    return kl_divergence(draw.posterior, draw.prior)


def sampled_kl(draw: Draw) -> Scalar:
    """log q(z|x) − log p(z) at the drawn z: an unbiased estimate for any posterior and prior.

    Returns:
        Nats; a single estimate may be negative.

    Raises:
        TypeError: If the posterior is a point mass, which has no density.
    """
    _refuse_point_mass(draw.posterior)
    return draw.log_posterior - draw.prior.log_prob(draw.z)


def sticking_the_landing_kl(draw: Draw) -> Scalar:
    """`sampled_kl` without the score term in its gradient, so that the noise vanishes as q nears the true posterior.

    The value is that of `sampled_kl`. The posterior's parameters get a gradient through z alone: the dropped term,
    the score ∇ log q(z|x) at fixed z, has expectation zero.

    Returns:
        Nats; a single estimate may be negative.

    Raises:
        TypeError: If the posterior is a point mass, which has no density.

    Source: Roeder, Wu & Duvenaud 2017, arXiv:1703.09194, equation 8.
    """
    _refuse_point_mass(draw.posterior)
    return jax.lax.stop_gradient(draw.posterior).log_prob(draw.z) - draw.prior.log_prob(draw.z)


def _refuse_point_mass(posterior: Distribution) -> None:
    if isinstance(posterior, PointMass):
        raise TypeError(
            "expected a posterior with a density; got a PointMass, whose KL to a continuous prior is infinite; "
            "train it with objectives.autoencoder"
        )
