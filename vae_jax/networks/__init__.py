"""Networks: parametrised functions of one example. The only room that knows Flax."""

from vae_jax.networks.activations import activation
from vae_jax.networks.mlp import MLP, mlp
from vae_jax.networks.network import Network, equinox, linen, nnx

__all__ = ["MLP", "Network", "activation", "equinox", "linen", "mlp", "nnx"]
