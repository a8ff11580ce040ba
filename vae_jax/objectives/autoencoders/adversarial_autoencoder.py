"""The adversarial autoencoder: the codes matched to the prior by a discriminator. For `adversarial_trainer`."""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array, Float, Scalar

from vae_jax.axis import axis_size, own_share
from vae_jax.objectives.of_a_batch.codes import over_codes
from vae_jax.objectives.of_a_batch.discriminator import Discriminator, telling_apart
from vae_jax.objectives.of_a_batch.matching import prior_samples
from vae_jax.stated import coupled
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


@coupled
def adversarial_autoencoder(
    key: Key,
    vae: VAE,
    discriminator: Discriminator,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    weight: float | Scalar,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """Reconstruction, and a reward for codes that pass for samples of the prior: the model's part.

    log p(x|z) + λ log s(D(z)), z ~ q(z|x), which may be a point mass; D(z) is the logit that z comes from the prior and
    s the logistic function. It is the Wasserstein autoencoder with an adversary (WAE-GAN), too.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        discriminator: A function from one code to a logit, its parameters bound.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        weight: λ ≥ 0.
        axis_name: Name of the axis of devices that the batch is spread over.

    Returns:
        Nats for each example (higher is better), which bound nothing; the metrics, in nats, are `log_likelihood` and
        `passes_for_prior`, log s(D(z)): −log 2 where the discriminator cannot tell.

    Source: Makhzani, Shlens, Jaitly, Goodfellow & Frey 2016, arXiv:1511.05644, section 2; Tolstikhin et al. 2018,
        arXiv:1711.01558, algorithm 1. Differs from the paper: one step on the sum, not a phase for each of its terms.
    """
    del step
    codes_key, _ = jax.random.split(key)
    log_likelihood, passes = over_codes(
        codes_key,
        vae,
        batch,
        lambda draw, x: (draw.likelihood.log_prob(x), jax.nn.log_sigmoid(discriminator(draw.z))),
        axis_name,
    )
    return log_likelihood + weight * passes, {"log_likelihood": log_likelihood, "passes_for_prior": passes}


@coupled
def prior_discriminator(
    key: Key,
    vae: VAE,
    discriminator: Discriminator,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The log-probability of telling prior samples from codes: the discriminator's part of `adversarial_autoencoder`.

    Args:
        key: A random key, the same as the model's: both see the same codes.
        vae: The model, parameters bound.
        discriminator: A function from one code to a logit, its parameters bound.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        axis_name: Name of the axis of devices that the batch is spread over.

    Returns:
        Those of `telling_apart`: nats, higher is better for the discriminator, and its `accuracy`.

    Source: Makhzani et al. 2016, arXiv:1511.05644, section 2.
    """
    del step
    codes_key, prior_key = jax.random.split(key)
    codes = over_codes(codes_key, vae, batch, lambda draw, x: draw.z, axis_name)
    from_prior = prior_samples(prior_key, vae, len(codes) * axis_size(axis_name))
    return telling_apart(discriminator, own_share(from_prior, axis_name), codes)
