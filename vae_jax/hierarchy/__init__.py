"""Hierarchies of latents: one pass from the top group down, from which everything else follows.

The latents z = (z₁, …, z_L) come in groups. A state runs through them from the top down: p(z_l | z_<l) and
q(z_l | z_<l, x) are made from it, and z_l changes it. Sampling, inference and decoding are the same pass; they differ
only in how a group's z is chosen.
"""

from vae_jax.hierarchy.groups import Group, Repeated
from vae_jax.hierarchy.latents import TopDown
from vae_jax.hierarchy.readout import Readout
from vae_jax.hierarchy.top_down import top_down
from vae_jax.hierarchy.variants import at_temperature, informed_by, top_of, with_top

__all__ = ["Group", "Readout", "Repeated", "TopDown", "at_temperature", "informed_by", "top_down", "top_of", "with_top"]
