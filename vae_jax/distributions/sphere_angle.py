"""The angle between a von Mises-Fisher draw and its mean direction: drawn by rejection, differentiated implicitly."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.sphere_moments import sphere_moments
from vae_jax.distributions.spherical_uniform import random_direction
from vae_jax.precision import constants
from vae_jax.types import Key

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)


def sample_angle(key: Key, concentration: Scalar, size: int) -> Scalar:
    """θ in [0, π] with density ∝ exp(κ cos θ) sinᵈ⁻² θ, differentiable in κ (once).

    With F the distribution function and p the density, θ at fixed F(θ; κ) moves by dθ/dκ = −(∂F/∂κ) / p.

    Source: Wood 1994, Communications in Statistics 23(1), algorithm VM* (the draw); Figurnov, Mohamed & Mnih 2018,
    arXiv:1805.08498, section 3 (the gradient).
    """
    fixed = jax.lax.stop_gradient(concentration)
    angle = _by_rejection(key, fixed, size)
    # The second term is zero and carries the gradient.
    return angle + jax.lax.stop_gradient(_slope(angle, fixed, size)) * (concentration - fixed)


def _by_rejection(key: Key, concentration: Scalar, size: int) -> Scalar:
    """Wood's algorithm, for 1 − cos θ in place of cos θ: it keeps all digits of a small angle."""
    b = (size - 1) / (2 * concentration + jnp.hypot(2 * concentration, size - 1.0))
    centre = 2 * b / (1 + b)  # 1 − x₀

    def propose(key: Key) -> tuple[Scalar, Scalar]:
        """A proposal for 1 − cos θ and the logarithm of its chance."""
        # A Beta((d − 1)/2, (d − 1)/2) variable is where a random direction lies along an axis.
        beta = 0.5 * (1 - random_direction(key, size)[0].astype(concentration.dtype))
        height = 2 * b * beta / (1 - (1 - b) * beta)
        away = (centre + height - centre * height) / (centre * (2 - centre))  # (1 − x₀ cos θ) / (1 − x₀²)
        return height, concentration * (centre - height) + (size - 1) * jnp.log(away)

    def another(state: tuple[Key, Scalar, Array]) -> tuple[Key, Scalar, Array]:
        key, proposal_key, chance_key = jax.random.split(state[0], 3)
        height, log_chance = propose(proposal_key)
        rejected = jnp.log(jax.random.uniform(chance_key, dtype=concentration.dtype)) > log_chance
        return key, height, rejected

    start = (key, jnp.zeros_like(concentration), jnp.asarray(True))
    _, height, _ = jax.lax.while_loop(lambda state: state[2], another, start)
    return 2 * jnp.arcsin(jnp.sqrt(jnp.clip(0.5 * height, 0, 1)))


def _slope(angle: Scalar, concentration: Scalar, size: int) -> Scalar:
    """dθ/dκ = −∫₀^θ (cos φ − A) p(φ) dφ / p(θ), which is the same integral from θ to π without the sign."""
    moments = sphere_moments(concentration, size)
    # 1 − A; as a difference it would lose the digits of a large κ.
    gap = jnp.where(
        concentration > 1, moments.scaled_resultant_gap / jnp.maximum(concentration, 1), 1 - moments.resultant
    )
    # Integrate on the side where p falls away from θ, and only as far as p has not vanished.
    power = size - 2
    mode = jnp.arccos(2 * concentration / (power + jnp.hypot(power, 2 * concentration)))
    reach = 9 / jnp.sqrt(concentration + power + 0.1)
    end = jnp.where(angle > mode, jnp.minimum(angle + reach, jnp.pi), jnp.maximum(angle - reach, 0.0))
    half = 0.5 * (end - angle)
    nodes, weights = constants(angle, _NODES, _WEIGHTS)
    places = angle + half * (nodes + 1)

    log_sine = jnp.log(jnp.maximum(jnp.sin(places), _tiny(angle))) - jnp.log(jnp.maximum(jnp.sin(angle), _tiny(angle)))
    # cos φ − cos θ, of which float32 would keep no digit as a difference.
    climb = -2 * jnp.sin(0.5 * (places + angle)) * jnp.sin(0.5 * (places - angle))
    relative = jnp.exp(concentration * climb + power * log_sine)
    # On the left `half` is negative, and so is the sign of the first form: one expression serves both.
    cosine_above_mean = gap - 2 * jnp.square(jnp.sin(0.5 * places))
    return half * jnp.sum(weights * cosine_above_mean * relative)


def _tiny(array: Float[Array, ""]) -> float:
    return float(jnp.finfo(array.dtype).tiny)
