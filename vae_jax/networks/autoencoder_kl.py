"""The autoencoder of latent diffusion, its parameters named and laid out as in diffusers' `AutoencoderKL`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.messages import check_sizes
from vae_jax.networks.network import Network
from vae_jax.types import Key

Shapes = dict[str, tuple[int, ...]]
Weights = Mapping[str, Array]
Image = Float[Array, "_ _ _"]
"""(height, width, channels)."""
_EPSILON = 1e-6


class AutoencoderKL(NamedTuple):
    """Two networks around a grid of latents that is coarser by 2^(levels − 1)."""

    encoder: Network
    """(H, W, C) -> (h, w, 2 L): the means, then the logarithms of the variances."""
    decoder: Network
    """(h, w, L) -> (H, W, C)."""


def autoencoder_kl(
    *,
    image_channels: int = 3,
    latent_channels: int = 4,
    channels: Sequence[int] = (128, 256, 512, 512),
    num_blocks: int = 2,
    num_groups: int = 32,
) -> AutoencoderKL:
    """Residual convolutions with group normalisation on several levels, and attention at the coarsest.

    The parameters are a flat dict, diffusers' name -> array in PyTorch's layout: `read_safetensors` puts the weights of
    such a model in their place. The defaults are Stable Diffusion's, of 84 million parameters.

    Args:
        image_channels: C, of an image (H, W, C).
        latent_channels: L.
        channels: The channels of each level, multiples of `num_groups`; the image is halved between two levels.
        num_blocks: Residual blocks a level in the encoder; the decoder has one more.
        num_groups: Groups of each normalisation.

    Raises:
        ValueError: If a size is below one, or a level's channels are no multiple of the number of groups.

    Source: Rombach et al. 2022, arXiv:2112.10752, appendix E; Esser et al. 2021, arXiv:2012.09841, table 7; the code of
    diffusers, whose output it equals.

    Example:
        >>> encoder, decoder = autoencoder_kl(channels=(4, 8), num_blocks=1, num_groups=2)
        >>> z = encoder.apply(encoder.init(jax.random.key(0)), jnp.zeros((16, 8, 3)))
        >>> z.shape, decoder.apply(decoder.init(jax.random.key(0)), z[..., :4]).shape
        ((8, 4, 8), (16, 8, 3))
    """
    channels = tuple(channels)
    check_sizes(
        image_channels=image_channels, latent_channels=latent_channels, channels=channels, num_blocks=num_blocks
    )
    if not channels or any(width % num_groups for width in channels):
        raise ValueError(f"expected channels that are multiples of the {num_groups} groups; got {channels}")
    last, num_levels = channels[-1], len(channels)

    encoder_shapes = {
        **_conv("encoder.conv_in", image_channels, channels[0]),
        **_levels("encoder.down_blocks", channels[0], channels, num_blocks, "downsamplers"),
        **_middle("encoder.mid_block", last),
        **_norm("encoder.conv_norm_out", last),
        **_conv("encoder.conv_out", last, 2 * latent_channels),
        **_conv("quant_conv", 2 * latent_channels, 2 * latent_channels, 1),
    }
    decoder_shapes = {
        **_conv("post_quant_conv", latent_channels, latent_channels, 1),
        **_conv("decoder.conv_in", latent_channels, last),
        **_middle("decoder.mid_block", last),
        **_levels("decoder.up_blocks", last, channels[::-1], num_blocks + 1, "upsamplers"),
        **_norm("decoder.conv_norm_out", channels[0]),
        **_conv("decoder.conv_out", channels[0], image_channels),
    }

    def encode(params: Weights, x: Array) -> Image:
        _check_image(x, image_channels, 2 ** (num_levels - 1))
        x = _convolved(params, "encoder.conv_in", x)
        for level in range(num_levels):
            x = _residual_blocks(params, f"encoder.down_blocks.{level}", x, num_blocks, num_groups)
            if level + 1 < num_levels:
                # PyTorch's side: one row and column of zeros, below and to the right.
                padded = jnp.pad(x, ((0, 1), (0, 1), (0, 0)))
                x = _convolved(params, f"encoder.down_blocks.{level}.downsamplers.0.conv", padded, stride=2, padding=0)
        x = _through_middle(params, "encoder.mid_block", x, num_groups)
        x = jax.nn.silu(_normalised(params, "encoder.conv_norm_out", x, num_groups))
        return _convolved(params, "quant_conv", _convolved(params, "encoder.conv_out", x), padding=0)

    def decode(params: Weights, z: Image) -> Image:
        x = _convolved(params, "decoder.conv_in", _convolved(params, "post_quant_conv", z, padding=0))
        x = _through_middle(params, "decoder.mid_block", x, num_groups)
        for level in range(num_levels):
            x = _residual_blocks(params, f"decoder.up_blocks.{level}", x, num_blocks + 1, num_groups)
            if level + 1 < num_levels:
                doubled = x.repeat(2, axis=0).repeat(2, axis=1)
                x = _convolved(params, f"decoder.up_blocks.{level}.upsamplers.0.conv", doubled)
        x = jax.nn.silu(_normalised(params, "decoder.conv_norm_out", x, num_groups))
        return _convolved(params, "decoder.conv_out", x)

    return AutoencoderKL(
        Network(lambda key: _initial(key, encoder_shapes), encode),
        Network(lambda key: _initial(key, decoder_shapes), decode),
    )


# The shapes of the weights, by name


def _conv(name: str, num_inputs: int, num_outputs: int, size: int = 3) -> Shapes:
    return {f"{name}.weight": (num_outputs, num_inputs, size, size), f"{name}.bias": (num_outputs,)}


def _dense(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size, size), f"{name}.bias": (size,)}


def _norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def _block(name: str, num_inputs: int, num_outputs: int) -> Shapes:
    return {
        **_norm(f"{name}.norm1", num_inputs),
        **_conv(f"{name}.conv1", num_inputs, num_outputs),
        **_norm(f"{name}.norm2", num_outputs),
        **_conv(f"{name}.conv2", num_outputs, num_outputs),
        **({} if num_inputs == num_outputs else _conv(f"{name}.conv_shortcut", num_inputs, num_outputs, 1)),
    }


def _levels(name: str, num_inputs: int, channels: Sequence[int], num_blocks: int, resampling: str) -> Shapes:
    shapes: Shapes = {}
    for level, width in enumerate(channels):
        for number in range(num_blocks):
            shapes |= _block(f"{name}.{level}.resnets.{number}", num_inputs, width)
            num_inputs = width
        if level + 1 < len(channels):
            shapes |= _conv(f"{name}.{level}.{resampling}.0.conv", width, width)
    return shapes


def _middle(name: str, width: int) -> Shapes:
    attention = f"{name}.attentions.0"
    return {
        **_block(f"{name}.resnets.0", width, width),
        **_norm(f"{attention}.group_norm", width),
        **{
            k: v
            for part in ("to_q", "to_k", "to_v", "to_out.0")
            for k, v in _dense(f"{attention}.{part}", width).items()
        },
        **_block(f"{name}.resnets.1", width, width),
    }


def _initial(key: Key, shapes: Shapes) -> dict[str, Array]:
    """PyTorch's own start: uniform up to 1/√(number of inputs); normalisations are the identity."""

    def start(key: Key, name: str, shape: tuple[int, ...]) -> Array:
        weight = shapes[f"{name.rpartition('.')[0]}.weight"]
        if len(weight) == 1:
            return jnp.ones(shape) if name.endswith("weight") else jnp.zeros(shape)
        bound = 1 / math.sqrt(math.prod(weight[1:]))
        return jax.random.uniform(key, shape, minval=-bound, maxval=bound)

    keys = jax.random.split(key, len(shapes))
    return {name: start(key, name, shape) for key, (name, shape) in zip(keys, shapes.items(), strict=True)}


# The layers


def _convolved(params: Weights, name: str, x: Image, *, stride: int = 1, padding: int = 1) -> Image:
    convolved = jax.lax.conv_general_dilated(
        x[None],
        params[f"{name}.weight"],
        (stride, stride),
        ((padding, padding),) * 2,
        dimension_numbers=("NHWC", "OIHW", "NHWC"),
    )
    return convolved[0] + params[f"{name}.bias"]


def _normalised(params: Weights, name: str, x: Image, num_groups: int) -> Image:
    grouped = x.reshape(-1, num_groups, x.shape[-1] // num_groups)
    mean, variance = grouped.mean(axis=(0, 2), keepdims=True), grouped.var(axis=(0, 2), keepdims=True)
    standardised = ((grouped - mean) * jax.lax.rsqrt(variance + _EPSILON)).reshape(x.shape)
    return standardised * params[f"{name}.weight"] + params[f"{name}.bias"]


def _residual_blocks(params: Weights, name: str, x: Image, num_blocks: int, num_groups: int) -> Image:
    for number in range(num_blocks):
        x = _residual_block(params, f"{name}.resnets.{number}", x, num_groups)
    return x


def _residual_block(params: Weights, name: str, x: Image, num_groups: int) -> Image:
    hidden = jax.nn.silu(_normalised(params, f"{name}.norm1", x, num_groups))
    hidden = _convolved(params, f"{name}.conv1", hidden)
    hidden = jax.nn.silu(_normalised(params, f"{name}.norm2", hidden, num_groups))
    hidden = _convolved(params, f"{name}.conv2", hidden)
    if f"{name}.conv_shortcut.weight" in params:
        x = _convolved(params, f"{name}.conv_shortcut", x, padding=0)
    return x + hidden


def _through_middle(params: Weights, name: str, x: Image, num_groups: int) -> Image:
    x = _residual_block(params, f"{name}.resnets.0", x, num_groups)
    x = _attended(params, f"{name}.attentions.0", x, num_groups)
    return _residual_block(params, f"{name}.resnets.1", x, num_groups)


def _attended(params: Weights, name: str, x: Image, num_groups: int) -> Image:
    """Every place looks at every other, by one head."""
    places = _normalised(params, f"{name}.group_norm", x, num_groups).reshape(-1, x.shape[-1])

    def dense(part: str, values: Array) -> Array:
        return values @ params[f"{name}.{part}.weight"].T + params[f"{name}.{part}.bias"]

    query, key, value = (dense(part, places) for part in ("to_q", "to_k", "to_v"))
    weights = jax.nn.softmax(query @ key.T / math.sqrt(x.shape[-1]), axis=-1)
    return x + dense("to_out.0", weights @ value).reshape(x.shape)


def _check_image(x: Array, image_channels: int, factor: int) -> None:
    if x.ndim != 3 or x.shape[-1] != image_channels or x.shape[0] % factor or x.shape[1] % factor:
        raise ValueError(
            f"expected an image of (height, width, {image_channels}), height and width multiples of {factor}; "
            f"got {x.shape}; crop or pad it"
        )
