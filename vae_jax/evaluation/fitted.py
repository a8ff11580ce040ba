"""A model with its parameters, its bound and its transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Scalar

from vae_jax.types import Key, Objective, Params
from vae_jax.vae import VAE, Conditional, at_example


class Fitted(NamedTuple):
    """The parts of a run that an evaluation needs; like a VAE, they are made anew from parameters."""

    vae: VAE | Conditional
    bound: Objective
    """The bound that is evaluated for one example: `elbo`, or another objective."""
    transform: Callable[[Key, Any], Any]
    """`(key, stored example) -> x`."""
    log_det: Callable[[Any], Scalar] | None = None
    """x -> log |dx / d stored| of the transform, nats; None for 0."""

    def at(self, key: Key, stored: Any) -> tuple[VAE, Any]:
        """The VAE of a stored example, and the x that it models.

        Args:
            key: The key of the transform.
            stored: The example.
        """
        return at_example(self.vae, self.transform(key, stored))


Fit = Callable[[Params], Fitted]
"""Parameters -> `Fitted`. The parameters of a lane of a sweep hold the swept numbers, too."""
