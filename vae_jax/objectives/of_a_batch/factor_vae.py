"""FactorVAE: the codes' total correlation, estimated by a discriminator. Two players, for `adversarial_trainer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array, Float, Scalar

from vae_jax.axis import gathered, own_share
from vae_jax.objectives.bounds.kl_estimators import analytic_kl
from vae_jax.objectives.of_a_batch.codes import over_codes
from vae_jax.objectives.of_a_batch.discriminator import Discriminator, telling_apart
from vae_jax.stated import coupled
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE, Draw


@coupled
def factor_vae(
    key: Key,
    vae: VAE,
    discriminator: Discriminator,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    gamma: float | Scalar,
    kl: Callable[[Draw], Scalar] = analytic_kl,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The ELBO less γ times the total correlation of the codes, which the discriminator estimates: the model's part.

    log p(x|z) − KL(q(z|x) ‖ p(z)) − γ D(z), z ~ q(z|x), where D(z) ≈ log q(z) − Σₖ log q(zₖ) is the logit that the
    dimensions of z belong together, rather than each to another example.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        discriminator: A function from one code to a logit, its parameters bound.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        gamma: γ ≥ 0.
        kl: An estimator of the KL from one draw.
        axis_name: Name of the axis of devices that the batch is spread over.

    Returns:
        Nats for each example (higher is better); the metrics, in nats, are `log_likelihood`, `kl` and
        `total_correlation` (the discriminator's estimate).

    Raises:
        TypeError: If `kl` cannot be computed for this pair of posterior and prior.

    Source: Kim & Mnih 2018, arXiv:1802.05983, equations 2 and 3.
    """
    del step
    codes_key, _ = jax.random.split(key)
    log_likelihood, divergence, total_correlation = over_codes(
        codes_key,
        vae,
        batch,
        lambda draw, x: (draw.likelihood.log_prob(x), kl(draw), discriminator(draw.z)),
        axis_name,
    )
    return log_likelihood - divergence - gamma * total_correlation, {
        "log_likelihood": log_likelihood,
        "kl": divergence,
        "total_correlation": total_correlation,
    }


@coupled
def factor_vae_discriminator(
    key: Key,
    vae: VAE,
    discriminator: Discriminator,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The log-probability of telling codes from permuted ones: the discriminator's part of `factor_vae`.

    Each dimension is permuted over all codes of the batch.

    Args:
        key: A random key, the same as the model's: both see the same codes.
        vae: The model, parameters bound; its posterior is over a vector.
        discriminator: A function from one code to a logit, its parameters bound.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        axis_name: Name of the axis of devices that the batch is spread over, whose codes are then gathered.

    Returns:
        Those of `telling_apart`: nats, higher is better for the discriminator, and its `accuracy`.

    Source: Kim & Mnih 2018, arXiv:1802.05983, algorithm 2. Differs from the paper: the codes that are permuted are
        those of the same batch, not of a second one.
    """
    del step
    codes_key, permutation_key = jax.random.split(key)
    codes = over_codes(codes_key, vae, batch, lambda draw, x: draw.z, axis_name)
    permuted = permute_codes(permutation_key, gathered(codes, axis_name))
    return telling_apart(discriminator, codes, own_share(permuted, axis_name))


def permute_codes(key: Key, codes: Float[Array, "batch latent"]) -> Float[Array, "batch latent"]:
    """Codes with each dimension permuted over the batch by itself: a sample of Πₖ q(zₖ) from one of q(z).

    Example:
        >>> import jax.numpy as jnp
        >>> codes = jnp.array([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0]])
        >>> sorted(permute_codes(jax.random.key(0), codes)[:, 1].tolist())
        [10.0, 11.0, 12.0]

    Source: Kim & Mnih 2018, arXiv:1802.05983, algorithm 1.
    """
    return jax.random.permutation(key, codes, axis=0, independent=True)
