"""A model with its parameters, and how it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Array, Scalar

from vae_jax.types import Key, Objective, Params
from vae_jax.vae import VAE


class Fitted(NamedTuple):
    """What an evaluation needs of a run; like a VAE, made anew from parameters wherever those are."""

    vae: VAE
    bound: Objective
    """What is evaluated of one example: `elbo`, or another objective."""
    transform: Callable[[Key, Array], Array]
    """`(key, stored example) -> x`."""
    log_det: Callable[[Array], Scalar] | None = None
    """x -> log |dx / d stored| of the transform, nats; None for 0."""


Fit = Callable[[Params], Fitted]
"""Parameters -> `Fitted`. The parameters of a lane of a sweep hold the swept numbers, too."""
