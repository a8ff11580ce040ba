"""Networks: parametrised functions of one example. The only room that knows Flax."""

from vae_jax.networks.activations import activation
from vae_jax.networks.convolution import ConvDecoder, ConvEncoder, conv_decoder, conv_encoder
from vae_jax.networks.mlp import MLP, mlp
from vae_jax.networks.network import Network, equinox, linen, nnx
from vae_jax.networks.spectral import largest_singular_value, spectrally_normalised, with_spectral_norm
from vae_jax.networks.strided import downsample, upsample

__all__ = [
    "MLP",
    "ConvDecoder",
    "ConvEncoder",
    "Network",
    "activation",
    "conv_decoder",
    "conv_encoder",
    "downsample",
    "equinox",
    "largest_singular_value",
    "linen",
    "mlp",
    "nnx",
    "spectrally_normalised",
    "upsample",
    "with_spectral_norm",
]
