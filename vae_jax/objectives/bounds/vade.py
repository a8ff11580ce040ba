"""Variational deep embedding: a VAE whose prior is a mixture, behind the autoencoder that it starts from."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

from vae_jax.objectives.bounds.kl_estimators import component_kl
from vae_jax.types import Key, Value
from vae_jax.vae import VAE, draw_at


def vade(key: Key, vae: VAE, x: Any, *, num_steps_left: int | Scalar = 0) -> Value:
    """The autoencoder's log p(x|z) at the mean code while it is pretrained, and then VaDE's lower bound.

    log p(x|z) − `component_kl`, z ~ q(z|x): the bound on log p(x) of a model with a mixture prior. In both stages the
    third result tells `models.with_clusters` what it starts the mixture from.

    Args:
        key: A random key.
        vae: A model with a mixture prior, parameters bound.
        x: One example.
        num_steps_left: Steps of pretraining that are left; from 0 on, the bound. In training a schedule,
            `over_batch(vade, num_steps_left=lambda step: num_pretraining_steps - step)`.

    Returns:
        The value in nats per example (higher is better), the metrics `log_likelihood` and `kl`, and `code` (the mean of
        q(z|x)), `noise` (uniform in [0, 1)) and `num_steps_left` for `Model.after`.

    Raises:
        TypeError: As for `component_kl`.

    Source: Jiang, Zheng, Tan, Tang & Zhou 2017, arXiv:1611.05148, equation 12 and section 3.1. Differs from the paper:
    the autoencoder is pretrained as a whole, not layer by layer.
    """
    code_key, noise_key = jax.random.split(key)
    is_started = jnp.asarray(num_steps_left) <= 0
    posterior = vae.posterior(x)
    code = posterior.mean()
    draw = draw_at(jnp.where(is_started, posterior.sample(code_key), code), posterior, vae)
    log_likelihood, kl = draw.likelihood.log_prob(x), component_kl(draw)
    seen = {"code": code, "noise": jax.random.uniform(noise_key), "num_steps_left": jnp.asarray(num_steps_left)}
    return log_likelihood - jnp.where(is_started, kl, 0.0), {"log_likelihood": log_likelihood, "kl": kl}, seen
