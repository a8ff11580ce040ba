"""The lift of an objective from one example to a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

from vae_jax.axis import keys_of_share
from vae_jax.keys import typed
from vae_jax.objectives.scheduled import check_schedules
from vae_jax.stated import separable
from vae_jax.types import BatchObjective, Key, Keys, Objective, Values
from vae_jax.vae import VAE, Conditional, at_example


def over_batch(objective: Objective, **schedules: Callable[[Scalar | int], Any]) -> BatchObjective:
    """Lift an objective for one example to a batch, its hyper-parameters following schedules.

    Every example gets a key of its own, derived from its place in the batch, so the noise does not depend on how the
    batch is spread over devices.

    Args:
        objective: A function `(key, vae, x, *, ...) -> (value, metrics)` of one example.
        **schedules: For any of its options, a function of the training step: an optax schedule for a float, or
            `lambda step: free_bits(nats(step))` for a penalty.

    Returns:
        A function `(key, vae, batch, step) -> (values, metrics)`, which states that it is `separable`: the batch along
        the first axis, values in nats per example, higher is better. In place of the key it also takes an array with a
        key for each example.

    Raises:
        TypeError: If a schedule names no option of the objective, or is not a function; where it is traced, if the
            objective does not return a value and metrics.
        ValueError: Where it is traced, if the value is not a single number.

    Example:
        >>> import optax
        >>> from vae_jax.objectives import elbo
        >>> warm_up = over_batch(elbo, beta=optax.linear_schedule(0.0, 1.0, 1_000))
        >>> over_batch(elbo, betta=optax.linear_schedule(0.0, 1.0, 1_000))
        Traceback (most recent call last):
        TypeError: expected schedules for options of elbo (beta, ...); got 'betta'; did you mean 'beta'?
    """
    check_schedules(objective, schedules)

    @separable
    def batch_objective(key: Key | Keys, vae: VAE | Conditional, batch: Any, step: Scalar | int, /) -> Values:
        options = {name: schedule(step) for name, schedule in schedules.items()}
        key = typed(key)
        keys = key if key.ndim else keys_of_share(key, batch)

        def of_one(key: Key, example: Any) -> Any:
            given = objective(key, *at_example(vae, example), **options)
            _check_values(objective, given)
            return given

        return jax.vmap(of_one)(keys, batch)

    return batch_objective


def _check_values(objective: Objective, given: Any) -> None:
    """Refuse what is no value with metrics, where it is traced: JAX would say so later, and not of what."""
    name = getattr(objective, "__name__", "the objective")
    if not (isinstance(given, tuple) and len(given) in (2, 3) and isinstance(given[1], Mapping)):
        raise TypeError(
            f"expected {name} to return (value, metrics), metrics a dict; got {type(given).__name__}; "
            "return {} for no metrics"
        )
    if jnp.shape(given[0]) != ():
        raise ValueError(
            f"expected one value for an example from {name}; got values of shape {jnp.shape(given[0])}; "
            "take the mean over draws"
        )
