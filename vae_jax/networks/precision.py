"""The number format that a network computes in, apart from the one that its parameters are kept in."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array

from vae_jax.networks.network import Network
from vae_jax.precision import at_least_float32
from vae_jax.types import Params


def in_precision(network: Network, dtype: DTypeLike) -> Network:
    """A network that computes in `dtype`, from parameters in float32 to an output in float32.

    Parameters and input are rounded where the network is applied. So the parameters and the optimizer's state stay
    float32, and every log-density, KL and mean over a batch of them is computed in float32, from outputs that carry
    bfloat16's relative error of 2⁻⁹ per rounding. The gradient is float32, too, but its values were summed over the
    batch by the network's own rules: in float32 and then rounded for a matrix, partly in bfloat16 for a bias.

    Args:
        network: Any network that computes in the format of its parameters and input. Layers with a `dtype` of their own
            keep that.
        dtype: `jnp.bfloat16`, or float32. bfloat16 has float32's range, so neither loss nor gradient has to be scaled.

    Raises:
        ValueError: If `dtype` is another one: in float16, whose largest number is 65,504 and whose smallest 6e-8,
            gradients vanish unless the loss is scaled.

    Source: Micikevicius et al. 2018, arXiv:1710.03740, section 3.1, for the parameters; Kalamkar et al. 2019,
    arXiv:1905.12322, for bfloat16 without a scaled loss.

    Example:
        >>> from vae_jax.networks.mlp import mlp
        >>> network = in_precision(mlp((3,), (2,)), jnp.bfloat16)
        >>> params = network.init(jax.random.key(0))
        >>> params["Dense_0"]["kernel"].dtype, network.apply(params, jnp.ones(3)).dtype
        (dtype('float32'), dtype('float32'))
    """
    if jnp.dtype(dtype) not in (jnp.bfloat16, jnp.float32):
        raise ValueError(f"expected bfloat16 or float32; got {jnp.dtype(dtype)}; its range would need a scaled loss")

    def rounded(leaf: Array) -> Array:
        return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    def apply(params: Params, x: Any) -> Array:
        (output,) = at_least_float32(network.apply(*jax.tree.map(rounded, (params, x))))
        return output

    return Network(network.init, apply)
