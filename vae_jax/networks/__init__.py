"""Networks: parametrised functions of one example. The only subpackage that uses Flax."""

from vae_jax.networks.activations import activation
from vae_jax.networks.autoencoder_kl import AutoencoderKL, autoencoder_kl
from vae_jax.networks.convolution import ConvDecoder, ConvEncoder, conv_decoder, conv_encoder
from vae_jax.networks.grid import GridDecoder, GridEncoder, grid_decoder, grid_encoder
from vae_jax.networks.image_blocks import ImageBlock, PixelReadout, image_block, pixel_readout, pixelwise
from vae_jax.networks.joined import joined, of_first
from vae_jax.networks.mlp import MLP, mlp
from vae_jax.networks.neighbours import Neighbours, convolve
from vae_jax.networks.network import Network, equinox, linen, nnx
from vae_jax.networks.precision import in_precision
from vae_jax.networks.repeated import in_sequence, repeated
from vae_jax.networks.residual import ResidualBlock, residual_mlp
from vae_jax.networks.safetensors import read_safetensors
from vae_jax.networks.spectral import largest_singular_value, spectrally_normalised, with_spectral_norm
from vae_jax.networks.strided import downsample, upsample
from vae_jax.networks.transformer import Transformer, transformer

__all__ = [
    "MLP",
    "AutoencoderKL",
    "ConvDecoder",
    "ConvEncoder",
    "GridDecoder",
    "GridEncoder",
    "ImageBlock",
    "Neighbours",
    "Network",
    "PixelReadout",
    "ResidualBlock",
    "Transformer",
    "activation",
    "autoencoder_kl",
    "conv_decoder",
    "conv_encoder",
    "convolve",
    "downsample",
    "equinox",
    "grid_decoder",
    "grid_encoder",
    "image_block",
    "in_precision",
    "in_sequence",
    "joined",
    "largest_singular_value",
    "linen",
    "mlp",
    "nnx",
    "of_first",
    "pixel_readout",
    "pixelwise",
    "read_safetensors",
    "repeated",
    "residual_mlp",
    "spectrally_normalised",
    "transformer",
    "upsample",
    "with_spectral_norm",
]
