"""The multi-layer perceptron."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float

from vae_jax.messages import check_sizes
from vae_jax.networks.activations import activation
from vae_jax.networks.network import Network, linen


class MLP(nn.Module):
    """Dense layers with an activation between them, from an array of any shape to one of `output_shape`.

    Attributes:
        hidden_sizes: The width of each hidden layer; empty for a linear map.
        output_shape: The shape of the result.
        activation: A name that `activations.activation` knows.
        output_bias: The initial value of the last bias, a number or an array of `output_shape`.
    """

    hidden_sizes: Sequence[int]
    output_shape: tuple[int, ...]
    activation: str = "relu"
    output_bias: ArrayLike = 0.0

    # By identity, not by field: an array in `output_bias` has no hash, and `jax.jit(module.apply)` asks for one.
    __hash__ = object.__hash__

    @nn.compact
    def __call__(self, x: Float[Array, "*input"]) -> Float[Array, "*output"]:
        x = x.reshape(-1)
        for size in self.hidden_sizes:
            # Glorot-uniform weights, as in the reference implementations of the VAE and IWAE papers.
            x = nn.Dense(size, kernel_init=nn.initializers.glorot_uniform())(x)
            x = activation(self.activation)(x)
        bias = jnp.broadcast_to(jnp.asarray(self.output_bias, x.dtype), self.output_shape).reshape(-1)
        output = nn.Dense(
            math.prod(self.output_shape),
            kernel_init=nn.initializers.glorot_uniform(),
            bias_init=lambda key, shape, dtype: bias.astype(dtype),
        )(x)
        return output.reshape(self.output_shape)


def mlp(
    input_shape: Sequence[int],
    output_shape: Sequence[int],
    hidden_sizes: Sequence[int] = (400,),
    activation: str = "relu",
    output_bias: ArrayLike = 0.0,
) -> Network:
    """A multi-layer perceptron as a `Network`.

    Args:
        input_shape: The shape of one example; `(latent_size,)` for a decoder.
        output_shape: The shape of the result; `(2 * latent_size,)` for a Gaussian encoder.
        hidden_sizes: The width of each hidden layer.
        activation: "relu", "tanh", "gelu", ...
        output_bias: The initial value of the last bias; for a decoder `likelihood.output_bias(mean of the data)`.

    Raises:
        ValueError: If a size is below 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> network = mlp((28, 28), (40,), hidden_sizes=(16,))
        >>> network.apply(network.init(jax.random.key(0)), jnp.zeros((28, 28))).shape
        (40,)
    """
    check_sizes(input_shape=input_shape, output_shape=output_shape, hidden_sizes=hidden_sizes)
    module = MLP(tuple(hidden_sizes), tuple(output_shape), activation, output_bias)
    return linen(module, tuple(input_shape))
