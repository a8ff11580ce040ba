"""Maximum likelihood on codes: a whole fit as one pure function."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Scalar

from vae_jax.types import Key, Params


def ascend(
    key: Key,
    value: Callable[[Key, Params, Float[Array, " size"]], Scalar],
    params: Params,
    codes: Float[Array, "num size"],
    *,
    num_steps: int,
    batch_size: int,
    learning_rate: float | Scalar,
) -> Params:
    """Parameters after steps of Adam that increase the mean value of a code, the step size falling to 0 by a cosine.

    Args:
        key: A random key.
        value: (key, parameters, one code) -> what to increase, in nats.
        params: The parameters to begin with.
        codes: The data; each step takes some of them at random, with replacement.
        num_steps: The number of steps.
        batch_size: The number of codes per step.
        learning_rate: The rate of the first step, a number or a traced scalar.
    """
    unit_schedule = optax.cosine_decay_schedule(1.0, num_steps)
    optimizer = optax.adam(lambda count: learning_rate * unit_schedule(count))

    def loss(params: Params, key: Key) -> Scalar:
        choice_key, value_key = jax.random.split(key)
        batch = codes[jax.random.randint(choice_key, (batch_size,), 0, len(codes))]
        keys = jax.random.split(value_key, batch_size)
        return -jnp.mean(jax.vmap(value, (0, None, 0))(keys, params, batch))

    def step(state: tuple[Params, optax.OptState], key: Key) -> tuple[tuple[Params, optax.OptState], None]:
        params, opt_state = state
        updates, opt_state = optimizer.update(jax.grad(loss)(params, key), opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), jax.random.split(key, num_steps))
    return params


def standardising(codes: Float[Array, "num size"]) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
    """Mean and logarithm of the standard deviation of each dimension; a deviation counts as at least 10⁻³."""
    return jnp.mean(codes, axis=0), jnp.log(jnp.maximum(jnp.std(codes, axis=0), 1e-3))
