"""A discriminator, and what it maximises: the log-probability of telling two samples apart."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.types import Metrics

Discriminator = Callable[[Array], Array]
"""A code -> the logit that it is of the first sample: at its best the log-ratio of the two densities there. One of
patches has a logit for each."""


def telling_apart(
    discriminator: Discriminator, first: Float[Array, "batch *latent"], second: Float[Array, "batch *latent"]
) -> tuple[Float[Array, " batch"], Metrics]:
    """The log-probability of telling two samples apart: ½ log s(D(a)) + ½ log s(−D(b)), with s the logistic function.

    At its best, the mean is JS(p_a, p_b) − log 2 with JS the Jensen-Shannon divergence: −log 2 where the samples have
    the same distribution, 0 where they have nothing in common.

    Args:
        discriminator: A function from one code to a logit, or to several, over which values are means.
        first: Codes aᵢ whose logit shall be high.
        second: As many codes bᵢ whose logit shall be low.

    Returns:
        Nats for each pair, ≤ 0, higher is better for the discriminator; the metric `accuracy`, between 0 and 1.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1 and theorem 1.
    """

    def logits(codes: Array) -> Array:
        return jax.vmap(discriminator)(codes).astype(jnp.promote_types(codes.dtype, jnp.float32))

    of_first, of_second = logits(first), logits(second)
    values = 0.5 * (jax.nn.log_sigmoid(of_first) + jax.nn.log_sigmoid(-of_second))
    is_right = 0.5 * ((of_first > 0).astype(values.dtype) + (of_second < 0).astype(values.dtype))
    patches = tuple(range(1, values.ndim))
    return values.mean(axis=patches), {"accuracy": is_right.mean(axis=patches)}
