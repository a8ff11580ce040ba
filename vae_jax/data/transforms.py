"""From a stored example to what a model sees: pure functions of one example, under vmap, on the device."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.types import Key


class Transform(NamedTuple):
    """What is done to one stored example before the model sees it."""

    apply: Callable[[Key, Array], Array]
    """(key, stored example) -> float32 example."""
    name: str
    """What a report calls it."""
    is_binary: bool = False
    """Whether the result is zeros and ones, of which a Bernoulli likelihood is a likelihood."""
    log_scale: float = 0.0
    """log |dx / d stored|, for each dimension: it turns a density of x into one of the stored values."""


def scale(max_value: float) -> Transform:
    """To [0, 1]: x = stored / max_value."""
    return Transform(
        apply=lambda key, example: example.astype(jnp.float32) / max_value,
        name="scaled to [0, 1]",
        log_scale=-math.log(max_value),
    )


def binarise_dynamically(max_value: float) -> Transform:
    """To zeros and ones, drawn anew each time an example is seen: x ~ Bernoulli(stored / max_value).

    Training draws from the run's key, so anew in every epoch; evaluation draws once, from a fixed key.

    Source: Salakhutdinov & Murray 2008; as in Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, section 5.
    """

    def apply(key: Key, example: Array) -> Array:
        # In one row: XLA's CPU loops are fast along the last axis alone, and an image's is short.
        row = jax.random.bernoulli(key, example.reshape(-1).astype(jnp.float32) / max_value)
        return row.astype(jnp.float32).reshape(example.shape)

    return Transform(apply, name="dynamic binarisation", is_binary=True)


def binarise_statically(max_value: float, threshold: float = 0.5) -> Transform:
    """To zeros and ones by a threshold: x = 1 where stored / max_value > threshold."""
    return Transform(
        apply=lambda key, example: (example.astype(jnp.float32) / max_value > threshold).astype(jnp.float32),
        name=f"static binarisation at {threshold:g}",
        is_binary=True,
    )


def already_binary() -> Transform:
    """For data that are stored as zeros and ones, such as Larochelle's binarized MNIST."""
    return Transform(lambda key, example: example.astype(jnp.float32), name="binary as stored", is_binary=True)
