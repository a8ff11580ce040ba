"""The evidence lower bound of a mixture posterior, with a draw from every component."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Scalar

from vae_jax.arithmetic import weighted
from vae_jax.distributions import Mixture
from vae_jax.objectives.bounds.kl_estimators import sampled_kl
from vae_jax.objectives.gradients.apart import refuse_gradient_unless_reparametrised
from vae_jax.objectives.over_draws import split_over_draws
from vae_jax.types import Distribution, Key, Metrics
from vae_jax.vae import VAE, draw_at


def stratified_elbo(
    key: Key, vae: VAE, x: Any, *, beta: float | Scalar = 1.0, num_samples: int = 1
) -> tuple[Scalar, Metrics]:
    """The ELBO of one example whose posterior is a mixture Σₖ wₖ qₖ, its expectation over the components exact.

    Σₖ wₖ E_{zₖ ~ qₖ}[log p(x|zₖ) − β (log Σⱼ wⱼ qⱼ(zₖ) − log p(zₖ))], each expectation by L draws. No component is
    chosen at random, so the gradient goes through the draws of all and into the weights.

    Args:
        key: A random key.
        vae: A model whose posterior is a `Mixture` of reparametrised components, such as models.multimodal makes with
            `mixture_of_experts`; parameters bound.
        x: One example.
        beta: The weight of the KL, ≥ 0; 1 is the bound.
        num_samples: L ≥ 1, for each component.

    Returns:
        The value in nats per example (higher is better), and the metrics `log_likelihood` and `kl` (of the mixture).

    Raises:
        TypeError: If the posterior is no `Mixture`; when differentiated, if its components are not reparametrised.
        ValueError: If `num_samples` is below one.

    Source: Shi, Siddharth, Paige & Torr 2019, arXiv:1911.03393 (stratified sampling).
    """
    posterior: Any = vae.posterior(x)
    if not isinstance(posterior, Mixture):
        raise TypeError(
            f"expected a model with a mixture posterior; got a {type(posterior).__name__}; use objectives.elbo"
        )
    log_weights = jax.nn.log_softmax(posterior.logits)
    components = refuse_gradient_unless_reparametrised(posterior.components, posterior.components)

    def terms(key: Key, component: Distribution) -> tuple[Array, Array]:
        draw = draw_at(component.sample(key), posterior, vae)
        return draw.likelihood.log_prob(x), sampled_kl(draw)

    def means(key: Key, component: Distribution) -> tuple[Array, Array]:
        of_draws = jax.vmap(lambda key: terms(key, component))(split_over_draws(key, num_samples))
        return jax.tree.map(lambda draws: jnp.mean(draws, axis=0), of_draws)

    log_likelihoods, kls = jax.vmap(means)(jax.random.split(key, len(log_weights)), components)
    # A component without weight is left out, whatever log p(x|z) is at its draws.
    log_likelihood, kl = (weighted(jnp.exp(log_weights), each).sum() for each in (log_likelihoods, kls))
    return log_likelihood - beta * kl, {"log_likelihood": log_likelihood, "kl": kl}
