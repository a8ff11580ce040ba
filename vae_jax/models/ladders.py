"""The usual ladders: dense ones, and ones whose latents lie on grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import ArrayLike

from vae_jax.messages import check_sizes
from vae_jax.models.ladder import Merge, Rung, ladder
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.merges import precision_weighted
from vae_jax.networks import (
    Network,
    grid_decoder,
    grid_encoder,
    image_block,
    in_precision,
    joined,
    mlp,
    pixel_readout,
    pixelwise,
)
from vae_jax.networks import activation as activation_of
from vae_jax.vae import Model


def dense_ladder(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    latent_sizes: Sequence[int],
    hidden_sizes: Sequence[int],
    activation: str = "leaky_relu",
    skip: bool = True,
    merge: Merge = precision_weighted,
    precision: DTypeLike | None = None,
) -> Model:
    """The ladder of multilayer perceptrons, two layers between two rungs in each direction.

    Args:
        mean: The mean of the examples as the model sees them, of an example's shape; the decoder predicts it before
            it is trained.
        likelihood: The family of p(x|z) for the decoder's output.
        latent_sizes: The latent dimensions of each group, the lowest first; as many groups as you like.
        hidden_sizes: The widths of the layers at each group.
        activation: The activation function behind the layers.
        skip: Whether the state that passes a group still tells of those above it; False for a chain, in which a group
            sees the z of the one above it and nothing else.
        merge: The posterior of a group from its prior and from x: `precision_weighted`, or `residual_normal`.
        precision: As in `models.fully_connected`.

    Raises:
        ValueError: If there is not a width for each group, or there is no group.

    Source: Sønderby et al. 2016, arXiv:1602.02282, section 3.1 (latent sizes 64, 32, 16, 8 and 4 over widths 512, 256,
    128, 64 and 64). Differs from the paper: no batch normalisation, whose statistics a function of one example has not.

    Example:
        >>> import jax
        >>> from vae_jax.models import likelihoods
        >>> model = dense_ladder(jnp.zeros((8, 8)), likelihoods.bernoulli(), latent_sizes=(4, 2), hidden_sizes=(16, 8))
        >>> model.bind(model.init(jax.random.key(0))).prior.names
        ('z2', 'z1')
    """
    check_sizes(latent_sizes=latent_sizes, hidden_sizes=hidden_sizes)
    _check_each("hidden_sizes", hidden_sizes, latent_sizes)
    shape, compute = jnp.shape(mean), _in(precision)
    rungs, below = [], shape
    for number, (latent_size, size) in enumerate(zip(latent_sizes, hidden_sizes, strict=True)):
        is_top = number == len(latent_sizes) - 1
        size_below = size if number == 0 else hidden_sizes[number - 1]
        size_above = 0 if is_top or not skip else size
        down = mlp((size_above + latent_size,), (size_below,), (size_below,), activation)
        rungs.append(
            Rung(
                (latent_size,),
                up=compute(_activated(mlp(below, (size,), (size,), activation), activation)),
                seen=compute(mlp((size,), (2 * latent_size,), ())),
                prior=None if is_top else compute(mlp((size,), (2 * latent_size,), ())),
                down=compute(_activated(joined(down) if skip else _of_latent(down), activation)),
            )
        )
        below = (size,)
    output_shape, bias = likelihood.output_shape(shape), likelihood.output_bias(mean)
    decoder = compute(mlp((hidden_sizes[0],), output_shape, (), output_bias=bias))
    return ladder(rungs, decoder, likelihood, merge=merge)


def convolutional_ladder(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    sides: Sequence[int],
    channels: Sequence[int],
    latent_size: int,
    activation: str = "relu",
    merge: Merge = precision_weighted,
    precision: DTypeLike | None = None,
) -> Model:
    """The ladder of convolutions: the latents of each group lie on a grid, and every state keeps what is above it.

    Args:
        mean: The mean of the images as the model sees them, (side, side) or (side, side, colours); the decoder predicts
            it before it is trained.
        likelihood: The family of p(x|z) for the decoder's output.
        sides: The side of each group's grid, the lowest group first: that of the grid or the image below it, which
            makes a residual block, or half of it, which makes a convolution that halves.
        channels: The channels of the grid at each group.
        latent_size: The channels of each group's latents.
        activation: The activation function of the convolutions that halve and double.
        merge: As in `dense_ladder`.
        precision: As in `models.fully_connected`.

    Raises:
        ValueError: If a side is neither that below it nor half of it, or there are not channels for each group.

    Example:
        >>> import jax
        >>> from vae_jax.models import likelihoods
        >>> model = convolutional_ladder(jnp.zeros((8, 8)), likelihoods.bernoulli(), sides=(4, 4, 2),
        ...                              channels=(8, 8, 8), latent_size=2)
        >>> jax.tree.map(jnp.shape, model.bind(jax.jit(model.init)(jax.random.key(0))).prior.mean())
        {'z1': (4, 4, 2), 'z2': (4, 4, 2), 'z3': (2, 2, 2)}
    """
    check_sizes(sides=sides, channels=channels, latent_size=latent_size)
    _check_each("channels", channels, sides)
    shape, compute = jnp.shape(mean), _in(precision)
    if len(shape) not in (2, 3) or shape[0] != shape[1]:
        raise ValueError(f"expected square images, (side, side) or (side, side, C); got {shape}; pad or resize them")
    rungs, below = [], shape if len(shape) == 3 else (*shape, 1)
    for number, (side, size) in enumerate(zip(sides, channels, strict=True)):
        grid, is_top = (side, side, size), number == len(sides) - 1
        below_size = size if number == 0 else below[-1]
        num_in = latent_size if is_top else size + latent_size
        if side == below[0]:
            up = image_block(below, size, max(1, size // 2))
            down = image_block((side, side, num_in), below_size, max(1, size // 2))
        elif 2 * side == below[0]:
            up = grid_encoder(below, size, (size,), activation)
            down = grid_decoder(num_in, (*below[:2], below_size), (size,), activation)
        else:
            raise ValueError(
                f"expected a side of {below[0]} or half of it on a grid of {below[0]}; got {side}; change sides"
            )
        rungs.append(
            Rung(
                (side, side, latent_size),
                up=compute(up),
                seen=compute(pixelwise(grid, 2 * latent_size)),
                prior=None if is_top else compute(pixelwise(grid, 2 * latent_size)),
                down=compute(_of_latent(down) if is_top else _beside(down)),
            )
        )
        below = grid
    output = pixel_readout(channels[0], likelihood.output_shape(shape), likelihood.output_bias(mean))
    return ladder(rungs, compute(output), likelihood, merge=merge)


def _activated(network: Network, name: str) -> Network:
    """The network with an activation function behind it."""
    function = activation_of(name)
    return Network(network.init, lambda params, x: function(network.apply(params, x)))


def _of_latent(network: Network) -> Network:
    """The network of a pair (state, z) that looks at z alone."""
    return Network(network.init, lambda params, pair: network.apply(params, pair[1]))


def _beside(network: Network) -> Network:
    """The network of a pair of grids, their channels beside each other."""
    return Network(network.init, lambda params, pair: network.apply(params, jnp.concatenate(pair, axis=-1)))


def _in(precision: DTypeLike | None) -> Any:
    return (lambda network: network) if precision is None else lambda network: in_precision(network, precision)


def _check_each(name: str, given: Sequence[Any], groups: Sequence[Any]) -> None:
    if len(given) != len(groups):
        raise ValueError(f"expected {name} for each of the {len(groups)} groups; got {len(given)}; give as many")
