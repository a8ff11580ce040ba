"""A normalising flow fitted to codes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.aggregate.ascent import ascend, standardising
from vae_jax.distributions import standard_normal
from vae_jax.flows import Affine, Flow, Transformed, chain, without_context
from vae_jax.types import Key, Params


def flow_density(
    key: Key,
    codes: Float[Array, "num size"],
    flow: Flow,
    *,
    num_steps: int = 2_000,
    batch_size: int = 256,
    learning_rate: float | Scalar = 1e-3,
) -> Transformed:
    """The flow of highest likelihood found: N(0, I) through the flow, then to the codes' own location and scale.

    A pure function: jit it, or vmap it over keys and learning rates.

    Args:
        key: A random key.
        codes: Draws from the aggregate posterior.
        flow: A flow without context and with an inverse: `flows.masked_autoregressive`, `flows.coupling`, ….
        num_steps: The number of steps of Adam.
        batch_size: The number of codes per step.
        learning_rate: The rate of the first step; it falls to 0 by a cosine.

    Raises:
        ValueError: If the size of the flow is not that of a code, or it asks for a context.
        TypeError: If the flow has no inverse.

    Source: Ghosh et al. 2020, arXiv:1903.12436, section 4: density estimation after training, there by a mixture;
        the flow: Papamakarios et al. 2017, arXiv:1705.07057.
    """
    codes = jnp.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != flow.size:
        raise ValueError(f"expected codes of shape (num, {flow.size}), as the flow's size; got {codes.shape}")
    to_codes = Affine(*standardising(codes))

    def density(params: Params) -> Transformed:
        return Transformed(standard_normal(flow.size), chain(without_context(flow, params), to_codes))

    def value(key: Key, params: Params, code: Array) -> Scalar:
        del key
        return density(params).log_prob(code)

    init_key, ascent_key = jax.random.split(key)
    return density(
        ascend(
            ascent_key,
            value,
            flow.init(init_key),
            codes,
            num_steps=num_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
        )
    )
