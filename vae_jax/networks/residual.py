"""The residual perceptron, a deep network whose signal keeps its size at any depth."""

from __future__ import annotations

from collections.abc import Sequence

from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float

from vae_jax.messages import check_sizes
from vae_jax.networks.activations import activation as activation_of
from vae_jax.networks.mlp import mlp
from vae_jax.networks.network import Network, linen
from vae_jax.networks.repeated import in_sequence, repeated


class ResidualBlock(nn.Module):
    """x + W₂ activation(W₁ LayerNorm(x)), with biases; the branch is normalised, never the stream x.

    Attributes:
        activation: A name that `activations.activation` knows.
        scale: The factor on Glorot's variance from which W₂ starts.

    Source: Xiong et al. 2020, arXiv:2002.04745, figure 1b and section 3; this is the half without attention.
    """

    activation: str = "relu"
    scale: float = 1.0

    @nn.compact
    def __call__(self, x: Float[Array, " width"]) -> Float[Array, " width"]:
        width = x.shape[-1]
        branch = nn.Dense(width, kernel_init=nn.initializers.glorot_uniform())(nn.LayerNorm()(x))
        branch = activation_of(self.activation)(branch)
        return x + nn.Dense(width, kernel_init=nn.initializers.variance_scaling(self.scale, "fan_avg", "uniform"))(
            branch
        )


def residual_mlp(
    input_shape: Sequence[int],
    output_shape: Sequence[int],
    width: int = 128,
    num_blocks: int = 8,
    activation: str = "relu",
    output_bias: ArrayLike = 0.0,
    *,
    rematerialise: bool = False,
) -> Network:
    """A projection to `width` numbers, residual blocks on them, a layer norm, and a projection to the output.

    The last projection of a block begins with the weights of Glorot divided by √num_blocks. Each block then adds at
    most 1 / num_blocks to the mean square of the signal (half of that with a rectifier), so all of them together add at
    most one, at any depth.

    Args:
        input_shape: The shape of one example; `(latent_size,)` for a decoder.
        output_shape: The shape of the result; `(2 * latent_size,)` for a Gaussian encoder.
        width: The width of the signal, and of each block's hidden layer.
        num_blocks: ≥ 1, two layers each. The time to compile does not depend on it.
        activation: "relu", "tanh", "gelu", ...
        output_bias: The initial value of the last bias; for a decoder `likelihood.output_bias(mean of the data)`.
        rematerialise: As in `repeated`.

    Raises:
        ValueError: If there is no block, or a size is below 1.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3, for 1/√num_blocks.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> network = residual_mlp((28, 28), (40,), width=16, num_blocks=30)
        >>> network.apply(jax.jit(network.init)(jax.random.key(0)), jnp.zeros((28, 28))).shape
        (40,)
    """
    check_sizes(input_shape=input_shape, output_shape=output_shape, width=width)
    block = linen(ResidualBlock(activation, scale=1 / max(num_blocks, 1)), (width,))
    return in_sequence(
        input=mlp(input_shape, (width,), ()),
        blocks=repeated(block, num_blocks, rematerialise=rematerialise),
        norm=linen(nn.LayerNorm(), (width,)),
        output=mlp((width,), output_shape, (), output_bias=output_bias),
    )
