"""The very deep VAE: blocks of latents over growing resolutions, from the top down."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, ArrayLike, Float

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Normal
from vae_jax.hierarchy import Group, Repeated, top_down
from vae_jax.messages import check_sizes
from vae_jax.models.likelihoods import Likelihood
from vae_jax.networks import (
    Neighbours,
    Network,
    image_block,
    in_precision,
    linen,
    pixel_readout,
    pixelwise,
    repeated,
)
from vae_jax.types import Key, Params
from vae_jax.vae import Model


def very_deep(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    resolutions: Sequence[int],
    num_blocks: Sequence[int],
    num_encoder_blocks: Sequence[int] | None = None,
    width: int,
    latent_size: int = 16,
    rematerialise: bool = False,
    precision: DTypeLike | None = None,
) -> Model:
    """The very deep VAE of images: groups of latents on grids of several resolutions, coarse ones above fine ones.

    An image of `width` channels runs down, doubled from one resolution to the next. Each block adds to it what its
    prior's network says, its latents, and a residual block. The posterior of a block sees the image before all that,
    and the encoder's at this resolution. The blocks of a resolution are one `hierarchy.Repeated`, named "07x07" for 7:
    the time to compile depends on the number of resolutions alone.

    Args:
        mean: The mean of the images as the model sees them, (side, side) or (side, side, colours): the encoder
            subtracts it, and the decoder predicts it before it is trained.
        likelihood: The family of p(x|z), such as `bernoulli()` or `discretised_logistic_mixture()`.
        resolutions: The sides of the grids, growing, each a divisor of the next; the last one is that of the images.
        num_blocks: The number of groups of each resolution.
        num_encoder_blocks: The number of the encoder's residual blocks of each; by default as many.
        width: The channels of the image that runs down, and of the encoder's; a quarter of them inside a block.
        latent_size: The channels of each group's latents.
        rematerialise: Keep only the image above each block for the backward pass: less memory, more time.
        precision: As in `models.fully_connected`; the image that runs down stays float32.

    Raises:
        ValueError: If the images are not square, a resolution does not divide the next, the last one is not that of the
            images, or there is not a number of blocks for each.

    Source: Child 2021, arXiv:2011.10650, section 3 and figure 3, with the weights of the authors' code as they start.
    Differs from the paper: log σ is bounded (as everywhere here), and an output bias for each pixel starts at the mean.

    Example:
        >>> from vae_jax.models import likelihoods
        >>> model = very_deep(jnp.zeros((8, 8)), likelihoods.bernoulli(), resolutions=(1, 4, 8), num_blocks=(1, 3, 2),
        ...                   width=8, latent_size=2)
        >>> vae = model.bind(jax.jit(model.init)(jax.random.key(0)))
        >>> jax.tree.map(jnp.shape, vae.prior.mean())
        {'01x01': (1, 1, 1, 2), '04x04': (3, 4, 4, 2), '08x08': (2, 8, 8, 2)}
    """
    shape = jnp.shape(mean)
    num_encoder_blocks = num_blocks if num_encoder_blocks is None else num_encoder_blocks
    check_sizes(width=width, latent_size=latent_size, num_blocks=num_blocks, num_encoder_blocks=num_encoder_blocks)
    _check(shape, tuple(resolutions), num_blocks, num_encoder_blocks)
    middle_size = max(1, width // 4)
    compute = (lambda network: network) if precision is None else (lambda network: in_precision(network, precision))
    names = [f"{side:02}x{side:02}" for side in resolutions]
    grids = {name: (side, side, width) for name, side in zip(names, resolutions, strict=True)}
    # Each residual branch starts so small that all of them together keep the scale of the image.
    small, small_in_encoder = (1 / math.sqrt(sum(nums)) for nums in (num_blocks, num_encoder_blocks))

    def encoder_blocks(name: str, num: int) -> Network:
        block = compute(image_block(grids[name], width, middle_size, scale=small_in_encoder, is_residual=True))
        return repeated(block, num, rematerialise=rematerialise)

    *_, colours = (*shape, 1) if len(shape) == 2 else shape
    encoder = {"input": compute(linen(Neighbours(width), (*shape[:2], colours)))} | {
        name: encoder_blocks(name, num) for name, num in zip(names, num_encoder_blocks, strict=True)
    }
    blocks = {
        name: {part: compute(network) for part, network in _block(grid, latent_size, middle_size, small).items()}
        for name, grid in grids.items()
    }
    output = compute(pixel_readout(width, likelihood.output_shape(shape), likelihood.output_bias(mean)))
    groups = {
        name: Repeated(
            _group(name, blocks[name]), num, _blocks_of(name), _larger(name, grids[name]), rematerialise=rematerialise
        )
        for name, num in zip(names, num_blocks, strict=True)
    }

    def init(key: Key) -> Params:
        keys = iter(jax.random.split(key, 2 + len(encoder) + len(groups)))
        each = lambda networks, key: {
            part: network.init(key)
            for (part, network), key in zip(networks.items(), jax.random.split(key, len(networks)), strict=True)
        }
        return {
            "encoder": {name: network.init(next(keys)) for name, network in encoder.items()},
            "decoder": {
                name: {
                    "bias": jnp.zeros(grids[name]),
                    "blocks": jax.vmap(lambda key, name=name: each(blocks[name], key))(
                        jax.random.split(next(keys), groups[name].num)
                    ),
                }
                for name in names
            },
            "output": output.init(next(keys)),
            "likelihood": likelihood.init(next(keys)),
        }

    def features(params: Params, x: Array) -> dict[str, Array]:
        image = encoder["input"].apply(params["encoder"]["input"], (x - mean).reshape(*shape[:2], -1))
        found = {}
        for name in reversed(names):
            image = found[name] = encoder[name].apply(params["encoder"][name], pooled(image, grids[name][0]))
        return found

    bind = top_down(
        groups,
        start=lambda params: jnp.zeros(grids[names[0]]),
        features=features,
        read=lambda params, image: likelihood.bind(params["likelihood"], output.apply(params["output"], image)),
    )
    return Model(init, bind)


class _Entered(NamedTuple):
    """The common part of a block's prior, posterior and state."""

    image: Array
    """The image above the block."""
    added: Array
    """The prior network's addition to it."""
    prior: Normal


def _block(grid: tuple[int, int, int], latent_size: int, middle_size: int, small: float) -> dict[str, Network]:
    """The networks of one block."""
    height, width, size = grid
    return {
        "prior": image_block(grid, 2 * latent_size + size, middle_size, scale=0.0),
        "posterior": image_block((height, width, 2 * size), 2 * latent_size, middle_size),
        "latent": pixelwise((height, width, latent_size), size, scale=small),
        "residual": image_block(grid, size, middle_size, scale=small, is_residual=True),
    }


def _group(name: str, networks: Mapping[str, Network]) -> Group:
    apply = lambda block, part, image: networks[part].apply(block[part], image)

    def enter(block: Params, image: Array) -> _Entered:
        output = apply(block, "prior", image)
        num = output.shape[-1] - image.shape[-1]
        return _Entered(image, output[..., num:], _normal(output[..., :num]))

    def posterior(block: Params, above: _Entered, features: Mapping[str, Array]) -> Normal:
        return _normal(apply(block, "posterior", jnp.concatenate([above.image, features[name]], axis=-1)))

    def down(block: Params, above: _Entered, z: Array) -> Array:
        return apply(block, "residual", above.image + above.added + apply(block, "latent", z))

    return Group(lambda block, above: above.prior, posterior, down, enter)


def _normal(output: Array) -> Normal:
    loc, log_scale = jnp.split(output, 2, axis=-1)
    return Normal(loc, bounded_exp(log_scale))


def _blocks_of(name: str) -> Any:
    return lambda params: params["decoder"][name]["blocks"]


def _larger(name: str, grid: tuple[int, int, int]) -> Any:
    """(parameters, image above) -> the image at the resolution of a group, with that resolution's bias."""
    return lambda params, image: enlarged(image, grid[0]) + params["decoder"][name]["bias"]


def pooled(image: Float[Array, "height width channel"], side: int) -> Float[Array, "side side channel"]:
    """The means over squares: a square image made smaller.

    Example:
        >>> pooled(jnp.arange(4.0).reshape(2, 2, 1), 1).ravel().tolist()
        [1.5]
    """
    factor = image.shape[0] // side
    return image.reshape(side, factor, side, factor, -1).mean(axis=(1, 3))


def enlarged(image: Float[Array, "height width channel"], side: int) -> Float[Array, "side side channel"]:
    """Every pixel repeated: a square image made larger.

    Example:
        >>> enlarged(jnp.ones((1, 1, 3)), 2).shape
        (2, 2, 3)
    """
    factor = side // image.shape[0]
    return jnp.repeat(jnp.repeat(image, factor, axis=0), factor, axis=1)


def _check(shape: tuple[int, ...], resolutions: tuple[int, ...], *nums: Sequence[int]) -> None:
    if len(shape) not in (2, 3) or shape[0] != shape[1]:
        raise ValueError(f"expected square images, (side, side) or (side, side, C); got {shape}; pad or resize them")
    if any(len(num) != len(resolutions) for num in nums):
        raise ValueError(
            f"expected a number of blocks for each of the {len(resolutions)} resolutions {resolutions}; "
            f"got {', then '.join(str(tuple(num)) for num in nums)}; give as many"
        )
    if not resolutions or resolutions[-1] != shape[0] or min(resolutions) < 1:
        raise ValueError(f"expected resolutions up to the images' side, {shape[0]}; got {resolutions}; change the last")
    for coarse, fine in itertools.pairwise(resolutions):
        if coarse >= fine or fine % coarse:
            raise ValueError(
                f"expected growing resolutions, each a divisor of the next; got {coarse} before {fine}; change one"
            )
