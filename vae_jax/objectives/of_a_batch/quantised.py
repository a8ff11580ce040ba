"""The objective of an autoencoder with codes, and the use that a batch makes of them."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.axis import gathered
from vae_jax.distributions import Quantised, kl_divergence
from vae_jax.objectives.of_a_batch.codes import over_codes
from vae_jax.stated import coupled
from vae_jax.types import Key, Values
from vae_jax.vae import VAE, Conditional, Draw


@coupled
def quantised_autoencoder(
    key: Key,
    vae: VAE | Conditional,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    axis_name: str | None = None,
) -> Values:
    """The ELBO, less what the bottleneck asks for its codes: commitment, the codebook's own term, entropies.

    log p(x|z) + log p(codes) − penalty(x) + w H(p̄), p̄ the mean assignment of the batch where the bottleneck weighs its
    diversity. log p(codes) is a constant for a prior of equally likely codes, and trains one that is learned. The codes
    and what chose them are shown to `Model.after`, by which a codebook follows them, wherever their examples lie.

    Args:
        key: A random key; without effect on the codes.
        vae: The model, parameters bound; its posterior is `Quantised`.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        axis_name: Name of the axis of devices that the batch is spread over, whose codes are then gathered.

    Returns:
        Nats for each example (higher is better), which bound nothing, and `codes` and `inputs`. The metrics are
        `log_likelihood`, `kl` and `penalty` (nats), `rate_in_bits` (the KL in bits: the length of the message that
        names the codes of an example), and those of `use_of_codes` over the batch, `code_usage` and `code_perplexity`.

    Raises:
        TypeError: If the posterior is of another family.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, equation 3; the entropy: Yu et al. 2023,
        arXiv:2310.05737, equation 5.
    """
    del step

    def of_one(draw: Draw, x: Any) -> tuple[Scalar, Quantised, Scalar]:
        if not isinstance(draw.posterior, Quantised):
            raise TypeError(
                f"expected a posterior of codes; got a {type(draw.posterior).__name__}; use models.quantised, or "
                "objectives.elbo for this one"
            )
        return draw.likelihood.log_prob(x), draw.posterior, kl_divergence(draw.posterior, draw.prior)

    log_likelihood, posterior, kl = over_codes(key, vae, batch, of_one, axis_name)
    values = log_likelihood - kl - posterior.penalty
    if posterior.assignment.size:
        mean = gathered(posterior.assignment, axis_name).mean(axis=0)
        values = values + posterior.diversity * _entropy(mean)
    usage, perplexity = use_of_codes(
        gathered(posterior.codes, axis_name).reshape(-1, posterior.num_quantisers), posterior.num_codes
    )
    shared = {"code_usage": usage, "code_perplexity": perplexity}
    metrics = {
        "log_likelihood": log_likelihood,
        "kl": kl,
        "penalty": posterior.penalty,
        "rate_in_bits": kl / math.log(2),
    }
    metrics |= {name: jnp.broadcast_to(value, log_likelihood.shape) for name, value in shared.items()}
    return values, metrics, {"codes": posterior.codes, "inputs": posterior.inputs}


def use_of_codes(codes: Int[Array, "num quantiser"], num_codes: int) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The share of the codes that are used at all, and the perplexity of their frequencies.

    Args:
        codes: Codes of each of several quantisers, 0, ..., num_codes − 1.
        num_codes: Number of codes that each has.

    Returns:
        The share, in [0, 1], a mean over the quantisers; and the perplexity, from 1 to num_codes, their geometric mean.

    Example:
        >>> usage, perplexity = use_of_codes(jnp.array([[0], [0], [3], [3]]), 4)
        >>> print(f"{usage:.2f}, {perplexity:.2f}")
        0.50, 2.00
    """
    quantiser = jnp.broadcast_to(jnp.arange(codes.shape[1]), codes.shape)
    count = jnp.zeros((codes.shape[1], num_codes)).at[quantiser, codes].add(1.0)
    return (count > 0).mean(), jnp.exp(_entropy(count / len(codes)).mean())


def _entropy(probabilities: Float[Array, "*distribution code"]) -> Float[Array, "*distribution"]:
    """Entropy in nats, with a gradient of zero where a probability is zero."""
    logs = jnp.log(jnp.maximum(probabilities, 1e-30))
    return -jnp.where(probabilities > 0, probabilities * logs, 0.0).sum(axis=-1)
