"""The same training step with nothing of the library: what JAX itself can do on this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from benchmarks.settings import BATCH_SIZE, HIDDEN_SIZE, LATENT_SIZE, LEARNING_RATE


def epochs(images: np.ndarray, *, binarise: bool, with_gradient_norm: bool) -> Callable[[], None]:
    """A function that trains for another epoch each time it is called: one compiled, donated scan over its batches.

    Args:
        images: (num, 28, 28) bytes.
        binarise: Draw zeros and ones in each step; else scale to [0, 1].
        with_gradient_norm: Also compute in each step the norm of the gradient, which the library reports and tests for
            what is not finite.
    """
    num_steps = len(images) // BATCH_SIZE
    optimizer = optax.adam(LEARNING_RATE)

    def loss(params: Any, key: jax.Array, x: jax.Array) -> jax.Array:
        (w1, b1), (w2, b2), (w3, b3), (w4, b4) = params
        mean, log_scale = jnp.split(jax.nn.relu(x @ w1 + b1) @ w2 + b2, 2, axis=-1)
        z = mean + jnp.exp(log_scale) * jax.random.normal(key, mean.shape)
        logits = jax.nn.relu(z @ w3 + b3) @ w4 + b4
        cross_entropy = jnp.maximum(logits, 0) + jnp.log1p(jnp.exp(-jnp.abs(logits))) - x * logits
        kl = 0.5 * (jnp.exp(2 * log_scale) + mean**2 - 1) - log_scale
        return (cross_entropy.sum(-1) + kl.sum(-1)).mean()

    def step(carry: Any, rows: jax.Array, images: jax.Array) -> tuple[Any, Any]:
        params, opt_state, key, index = carry
        pixel_key, noise_key = jax.random.split(jax.random.fold_in(key, index))
        x = images[rows].astype(jnp.float32) / 255
        if binarise:
            x = jax.random.bernoulli(pixel_key, x).astype(jnp.float32)
        value, gradient = jax.value_and_grad(loss)(params, noise_key, x)
        updates, opt_state = optimizer.update(gradient, opt_state, params)
        norm = optax.tree.norm(gradient) if with_gradient_norm else 0.0
        return (optax.apply_updates(params, updates), opt_state, key, index + 1), (value, norm)

    @partial(jax.jit, donate_argnums=0)
    def epoch(carry: Any, images: jax.Array, order: jax.Array) -> tuple[Any, Any]:
        return jax.lax.scan(lambda carry, rows: step(carry, rows, images), carry, order)

    @jax.jit
    def order_of(index: jax.Array) -> jax.Array:
        order = jax.random.permutation(jax.random.fold_in(jax.random.key(3), index), len(images))
        return order[: num_steps * BATCH_SIZE].reshape(num_steps, BATCH_SIZE)

    on_device = jnp.asarray(images.reshape(len(images), -1))
    params = _initial_params()
    carry = (params, optimizer.init(params), jax.random.key(2), jnp.zeros((), jnp.int32))

    def another_epoch() -> None:
        nonlocal carry
        carry, results = epoch(carry, on_device, order_of(carry[3]))
        jax.block_until_ready((carry, results))

    return another_epoch


def _initial_params() -> list[tuple[jax.Array, jax.Array]]:
    sizes = [(784, HIDDEN_SIZE), (HIDDEN_SIZE, 2 * LATENT_SIZE), (LATENT_SIZE, HIDDEN_SIZE), (HIDDEN_SIZE, 784)]
    keys = jax.random.split(jax.random.key(0), len(sizes))
    initial = jax.nn.initializers.glorot_uniform()
    return [(initial(key, size), jnp.zeros(size[1])) for key, size in zip(keys, sizes, strict=True)]
