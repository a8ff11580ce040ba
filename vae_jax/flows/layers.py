"""Layers one after another, with reversals between them."""

from __future__ import annotations

from collections.abc import Sequence

from vae_jax.flows.bijection import Bijection, Chain
from vae_jax.flows.permutation import reversal


def with_reversals(size: int, bijections: Sequence[Bijection]) -> Chain:
    """The bijections with reversals between them, and one at the end if that restores the order.

    A flow whose layers are all the identity is the identity.

    Args:
        size: Size of a vector.
        bijections: The layers.
    """
    between = reversal(size)
    steps = [step for bijection in bijections for step in (bijection, between)]
    # Every second reversal restores the order; after an odd number of them one more does.
    return Chain(tuple(steps if len(bijections) % 2 == 0 else steps[:-1]))
