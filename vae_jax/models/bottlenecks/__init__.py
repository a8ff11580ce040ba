"""Bottlenecks: finite sets of codes between an encoder and a decoder."""

from vae_jax.models.bottlenecks.bottleneck import Bottleneck
from vae_jax.models.bottlenecks.fsq import fsq
from vae_jax.models.bottlenecks.lfq import lfq
from vae_jax.models.bottlenecks.passing import rotation, straight_through
from vae_jax.models.bottlenecks.sim_vq import sim_vq
from vae_jax.models.bottlenecks.vq import residual_vq, vq

__all__ = ["Bottleneck", "fsq", "lfq", "residual_vq", "rotation", "sim_vq", "straight_through", "vq"]
