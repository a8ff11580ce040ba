"""The evidence lower bound of a model whose top latent is a class: exact over the classes, or at a known one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import weighted
from vae_jax.distributions import Categorical, enumerate_states, kl_divergence, kl_per_part
from vae_jax.hierarchy import TopDown, top_of
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


def elbo_over_classes(key: Key, vae: VAE, x: Any, *, beta: float | Scalar = 1.0) -> tuple[Scalar, Metrics]:
    """The ELBO of one example, its expectation over the class exact and that over the other groups by one draw each.

    Σ_y q(y|x) (log p(x|y, z_y) − β KL(q(z|x, y) ‖ p(z|y))) − β KL(q(y|x) ‖ p(y)), z_y ~ q(z|x, y). Since every class is
    decoded, the gradient in q(y|x) is exact given the z, and no estimator for discrete latents is needed.

    Args:
        key: A random key; all classes share its noise.
        vae: A hierarchy whose top group is `Categorical`, such as models.with_latent_class makes; parameters bound.
        x: One example.
        beta: The weight of all KL, ≥ 0; 1 is the bound.

    Returns:
        The value in nats per example (higher is better), and the metrics `log_likelihood`, `kl` (of all groups) and
        `class_kl` (KL(q(y|x) ‖ p(y)), log K where q is sure and p uniform).

    Raises:
        TypeError: If the model has no class on top, or a KL below it has no closed form.

    Source: Kingma, Rezende, Mohamed & Welling 2014, arXiv:1406.5298, equation 7.
    """
    given = _given_class(key, vae, x)
    classes, log_probs = enumerate_states(given.posterior)
    log_likelihoods, kls = jax.vmap(given.terms)(classes)
    probabilities = jnp.exp(log_probs)
    log_likelihood = weighted(probabilities, log_likelihoods).sum()
    class_kl = kl_divergence(given.posterior, given.prior)
    kl = weighted(probabilities, kls).sum() + class_kl
    return log_likelihood - beta * kl, {"log_likelihood": log_likelihood, "kl": kl, "class_kl": class_kl}


def elbo_of_class(key: Key, vae: VAE, x: Any, label: Float[Array, " class"]) -> tuple[Scalar, Metrics]:
    """The lower bound on log p(x, y) of one example whose class is known, estimated with one draw.

    log p(x|y, z) + log p(y) − KL(q(z|x, y) ‖ p(z|y)), z ~ q(z|x, y).

    Args:
        key: A random key.
        vae: As for `elbo_over_classes`.
        x: One example.
        label: y, as a one-hot vector.

    Returns:
        The value in nats per example (higher is better), and the metrics `log_likelihood`, `kl` (of the groups below
        the class) and `label_log_prob` (log q(y|x), which no bound trains).

    Raises:
        TypeError: As for `elbo_over_classes`.

    Source: Kingma, Rezende, Mohamed & Welling 2014, arXiv:1406.5298, equation 6.
    """
    given = _given_class(key, vae, x)
    log_likelihood, kl = given.terms(label)
    metrics = {"log_likelihood": log_likelihood, "kl": kl, "label_log_prob": given.posterior.log_prob(label)}
    return log_likelihood + given.prior.log_prob(label) - kl, metrics


class _GivenClass(NamedTuple):
    """q(y|x), p(y), and y -> (log p(x|y, z), KL of the groups below)."""

    posterior: Categorical
    prior: Categorical
    terms: Callable[[Array], tuple[Scalar, Scalar]]


def _given_class(key: Key, vae: VAE, x: Any) -> _GivenClass:
    posterior = vae.posterior(x)
    top = top_of(posterior)
    if not (isinstance(posterior, TopDown) and isinstance(top, Categorical) and top.logits.ndim == 1):
        raise TypeError(
            f"expected a hierarchy with one class on top; got {type(top).__name__} latents; "
            "use models.with_latent_class, or the objective elbo"
        )
    name = posterior.names[0]

    def terms(label: Array) -> tuple[Scalar, Scalar]:
        one = posterior.draw_given(key, {name: label}, vae)
        below = {group: kl for group, kl in kl_per_part(one.posterior, one.prior).items() if group != name}
        return one.likelihood.log_prob(x), sum(below.values(), jnp.zeros(()))

    prior: Any = top_of(vae.prior)
    return _GivenClass(top, prior, terms)
