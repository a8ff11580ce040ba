"""Annealed importance sampling of every example of a split, and of examples that the model draws itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from vae_jax.data.examples import Examples
from vae_jax.evaluation.every_example import over_stored
from vae_jax.evaluation.evidence.annealing import (
    Path,
    Walk,
    log_ratio,
    lower_bound,
    temperatures_of,
    thermodynamic_integral,
    upper_bound,
    walk,
)
from vae_jax.evaluation.evidence.flat import flat, ravelled
from vae_jax.evaluation.evidence.settings import Annealing
from vae_jax.evaluation.evidence.weights import of_weights
from vae_jax.evaluation.fitted import Fit, Fitted
from vae_jax.types import Key, Params
from vae_jax.vae import VAE, Conditional, condition_and_x, given

FIRST_STEP_SIZE = 0.1


class Annealed(NamedTuple):
    """Bounds and estimates of log p(x) from chains, nats, one number for each example."""

    lower: Float[np.ndarray, " num"]
    """From the prior to the posterior: in expectation at most log p(x)."""
    upper: Float[np.ndarray, " num"] | None
    """From an exact sample of the posterior to the prior: in expectation at least log p(x); None without a sample."""
    lower_error: Float[np.ndarray, " num"]
    """Standard error of `lower` over its chains. That of `upper`, whose chains share their start, varies over examples
    alone."""
    thermodynamic: Float[np.ndarray, " num"]
    """The thermodynamic integral along the same chains: no bound."""
    acceptance: Float[np.ndarray, " num"]
    """The mean acceptance of the transitions."""


def annealed(
    fit: Fit, annealing: Annealing, *, simulated: bool = False, seed: int = 0, num_at_once: int = 1_000
) -> Callable[[Params, Examples], Annealed]:
    """Bounds on log p(x) by annealing along p(z) p(x|z)ᵗ with Hamiltonian transitions.

    A first set of chains steers the step sizes and is thrown away, so that those that count leave each temperature's
    density exactly invariant, and their bounds hold.

    Args:
        fit: The model, as it is evaluated.
        annealing: The numbers of chains, temperatures and steps.
        simulated: Whether to take, in the place of each stored example, one that the model draws under its condition.
            Its z is an exact sample of p(z|x), from which chains also run backwards.
        seed: Seed of the evaluation's own randomness.
        num_at_once: Number of chains in memory at once.

    Returns:
        A function `(params, stored examples) -> Annealed`.

    Raises:
        TypeError: If the latents are no vector of real numbers.

    Source: Neal 2001, Statistics and Computing 11; Wu, Burda, Salakhutdinov & Grosse 2017, arXiv:1611.04273.
        Differs from the latter: step sizes are steered on chains of their own.
    """
    temperatures = temperatures_of(annealing.temperatures)
    own_fit = simulating(fit) if simulated else fit

    def of_one(transform_key: Key, key: Key, params: Params, stored: Any) -> tuple[Walk, Walk | None]:
        vae, x = own_fit(params).at(transform_key, stored)
        exact = None
        if simulated:
            fitted = fit(params)
            exact = ravelled(simulated_at(transform_key, fitted.vae, fitted.transform(transform_key, stored))[0])
        return _there_and_back(key, vae, x, exact, annealing)

    over = over_stored(of_one, seed=seed, batch_size=max(1, num_at_once // annealing.chains))

    def bounds(params: Params, examples: Examples) -> Annealed:
        there, back = over(params, examples)
        forwards = log_ratio(there.slopes[:, :-1], temperatures)
        backwards = None if back is None else log_ratio(back.slopes, temperatures[::-1])
        return Annealed(
            lower_bound(forwards),
            None if backwards is None else upper_bound(backwards),
            of_weights(forwards).standard_error,
            thermodynamic_integral(np.moveaxis(there.slopes, 1, -2), temperatures),
            there.acceptance.mean(axis=1),
        )

    return bounds


def _there_and_back(
    key: Key, vae: VAE, x: Any, exact: Float[jax.Array, " size"] | None, annealing: Annealing
) -> tuple[Walk, Walk | None]:
    joint = flat(vae, x)
    path = Path(joint.log_prior, joint.log_joint)
    temperatures = jnp.asarray(temperatures_of(annealing.temperatures)[1:], jnp.result_type(float))
    start_key, steer_key, there_key, back_key = jax.random.split(key, 4)
    draw = jax.vmap(joint.sample_prior)
    steering, start = (draw(jax.random.split(key, annealing.chains)) for key in jax.random.split(start_key))
    steps = {"num_leapfrog_steps": annealing.leapfrog_steps}
    first = jnp.full_like(temperatures, FIRST_STEP_SIZE)
    steered = walk(steer_key, path, steering, temperatures, first, acceptance=annealing.acceptance, **steps)
    there = walk(there_key, path, start, temperatures, steered.step_sizes, **steps)
    if exact is None:
        return there, None
    # The transition at t = 1 leaves the exact sample what it is, so the way back begins with the one before it.
    back = walk(
        back_key,
        path,
        jnp.broadcast_to(exact, (annealing.chains, *exact.shape)),
        temperatures[-2::-1],
        steered.step_sizes[-2::-1],
        **steps,
    )
    return there, back


def simulating(fit: Fit) -> Fit:
    """The same model, which meets in the place of each stored example one that it has drawn itself."""

    def simulated_fit(params: Params) -> Fitted:
        fitted = fit(params)
        return fitted._replace(
            transform=lambda key, stored: simulated_at(key, fitted.vae, fitted.transform(key, stored))[1]
        )

    return simulated_fit


def simulated_at(key: Key, bound: VAE | Conditional, example: Any) -> tuple[Any, Any]:
    """z ~ p(z) and x ~ p(x|z), under the condition of an example: (z, the example that x makes)."""
    condition, _ = condition_and_x(bound, example)
    vae = given(bound, condition)
    z_key, x_key = jax.random.split(jax.random.fold_in(key, 1))
    z = vae.prior.sample(z_key)
    x = vae.likelihood(z).sample(x_key)
    if not isinstance(bound, Conditional):
        return z, x
    return z, {"condition": condition} | (dict(x) if isinstance(x, Mapping) else {"x": x})
