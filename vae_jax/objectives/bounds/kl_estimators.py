"""KL(q(z|x) ‖ p(z)) from one draw: the `kl=` of the evidence lower bound.

All have the same expectation; they differ in what their value varies with.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import weighted
from vae_jax.distributions import Mixture, Product, has_density, kl_divergence, kl_per_dimension, kl_per_part
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


def analytic_kl_per_group(draw: Draw) -> Float[Array, " group"]:
    """The terms of `analytic_kl`, one for each group of a hierarchy, in the order of their names.

    For a penalty of each group: `free_bits(λ)` leaves λ nats of each group free, `weighted_parts` weighs them.

    Returns:
        Nats for each group, each ≥ 0; a repeated group has as many terms as groups, the upper one first.

    Raises:
        TypeError: If the model has no groups, or a group's pair of families has no closed form.
    """
    if not (isinstance(draw.posterior, Product) and isinstance(draw.prior, Product)):
        raise TypeError(
            "expected a model with groups of latents, a hierarchy or a product; "
            f"got a {type(draw.posterior).__name__}; use kl=analytic_kl"
        )
    of_groups = kl_per_part(draw.posterior, draw.prior)
    return jnp.stack([of_groups[name] for name in sorted(of_groups)])


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


def hamiltonian_kl(draw: Draw) -> Scalar:
    """`sampled_kl` of a Hamiltonian posterior with the density of the momentum's start at its mean: less noise.

    log q(z₀|x) + E log N(γ; 0, I) − log p(z, ρ): the noise γ that the momentum starts from is independent of z₀, and
    E log N(γ; 0, I) = −(1 + log 2π)/2 for each dimension. For the ELBO only: exp of a bound with it is biased.

    Returns:
        Nats; a single estimate may be negative.

    Raises:
        TypeError: If the model is not one of `models.hamiltonian`.

    Source: Caterini, Doucet & Sejdinovic 2018, arXiv:1805.11328 (Rao-Blackwellisation).
    """
    noise = getattr(draw.posterior, "noise", None)
    if noise is None:
        raise TypeError(
            f"expected a posterior with a momentum; got a {type(draw.posterior).__name__}; use models.hamiltonian, or "
            "kl=sampled_kl"
        )
    return sampled_kl(draw) + 0.5 * jnp.sum(noise**2 - 1)


def component_kl(draw: Draw) -> Scalar:
    """KL(q(z|x) γ ‖ p(z, c)) for a mixture prior whose component c is a latent, too; γ = p(c|z) at the drawn z.

    Σ_c γ_c (KL(q(z|x) ‖ p(z|c)) + log γ_c − log p(c)). Whatever γ is, that is at least the KL to the mixture, so a
    bound with it stays a bound.

    Returns:
        Nats, ≥ 0.

    Raises:
        TypeError: If the prior is no `Mixture`, or the posterior and its components have no KL in closed form.

    Source: Jiang, Zheng, Tan, Tang & Zhou 2017, arXiv:1611.05148, equations 12 and 16 (VaDE).
    """
    prior = draw.prior
    if not isinstance(prior, Mixture):
        raise TypeError(
            f"expected a model with a mixture prior; got a {type(prior).__name__}; use models.with_mixture_prior"
        )
    log_gamma = jax.nn.log_softmax(prior.log_joint(draw.z))
    of_components = jax.vmap(lambda component: kl_divergence(draw.posterior, component))(prior.components)
    return weighted(jnp.exp(log_gamma), of_components + log_gamma - jax.nn.log_softmax(prior.logits)).sum()
