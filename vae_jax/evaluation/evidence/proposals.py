"""The best normal q(z|x) of one example: fitted to it alone, whatever the encoder says."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Normal
from vae_jax.evaluation.evidence.flat import Flat, flat, ravelled
from vae_jax.types import Key
from vae_jax.vae import VAE

NUM_MOMENTS = 64
"""The number of draws whose mean and scale the fit begins at, for a posterior of another family."""


def fitted_proposal(
    key: Key, vae: VAE, x: Any, *, num_steps: int = 500, num_draws: int = 8, learning_rate: float = 0.05
) -> Normal:
    """The diagonal normal whose ELBO of this example is highest, found by gradient ascent from the encoder's q(z|x).

    Each step has fresh draws, and the learning rate falls to zero along a cosine, so nothing is fitted to the draws.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.
        num_steps: Number of steps of Adam.
        num_draws: Number of draws of a step; each is reparametrised.
        learning_rate: The first one.

    Returns:
        q over the latents as one vector (`flat`).

    Raises:
        TypeError: If the latents are no vector of real numbers.

    Source: Cremer, Li & Duvenaud 2018, arXiv:1801.03558 (the optimal q of a family, found for each example).
    """
    joint, (start_key, fit_key) = flat(vae, x), jax.random.split(key)
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))
    start = _start(start_key, vae.posterior(x))

    def step(state: tuple[Any, Any], key: Key) -> tuple[tuple[Any, Any], None]:
        variational, memory = state
        gradient = jax.grad(lambda own: -_elbo(key, joint, own, num_draws))(variational)
        update, memory = optimizer.update(gradient, memory)
        return (optax.apply_updates(variational, update), memory), None

    (variational, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), jax.random.split(fit_key, num_steps))
    return _normal(variational)


def _elbo(key: Key, joint: Flat, variational: tuple[Array, Array], num_draws: int) -> Scalar:
    q = _normal(variational)
    log_joint = jax.vmap(lambda key: joint.log_joint(q.sample(key)))(jax.random.split(key, num_draws))
    return jnp.mean(log_joint) + jnp.sum(variational[1])  # the entropy of q, up to a constant


def _normal(variational: tuple[Float[Array, " size"], Float[Array, " size"]]) -> Normal:
    loc, log_scale = variational
    return Normal(loc, bounded_exp(log_scale))


def _start(key: Key, posterior: Any) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
    if isinstance(posterior, Normal):
        loc, scale = jnp.broadcast_arrays(posterior.loc, posterior.scale)
        return loc.ravel(), jnp.log(scale).ravel()
    draws = jax.vmap(lambda key: ravelled(posterior.sample(key)))(jax.random.split(key, NUM_MOMENTS))
    return jnp.mean(draws, axis=0), jnp.log(jnp.std(draws, axis=0) + 1e-6)
