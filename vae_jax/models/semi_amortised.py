"""Semi-amortised inference: the encoder proposes a posterior, and a few gradient steps improve it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.arithmetic import bounded, bounded_exp
from vae_jax.distributions import Normal
from vae_jax.keys import key_of
from vae_jax.types import Distribution, Key
from vae_jax.vae import VAE, Model

Rate = float | Scalar | Callable[[Int[Array, ""]], Any]


def semi_amortised(model: Model, *, num_steps: int, learning_rate: Rate, num_samples: int = 8, seed: int = 0) -> Model:
    """The model with each example's posterior refined by gradient ascent on its own ELBO.

    λ₀ = encoder(x), λₖ₊₁ = λₖ + αₖ ∇_λ ELBO(x, λₖ) for the means and the logarithms of the scales λ of q(z|x), and
    q(z|x; λ_K) is the posterior. The gradient of an objective goes through the steps, so that the encoder learns where
    to begin and the decoder is trained on the refined posteriors.

    Args:
        model: A model with a `Normal` posterior; its parameters are those of the result, so it may be trained already.
        num_steps: K ≥ 0, the number of steps; 0 for the model itself.
        learning_rate: α > 0, a number, a traced scalar, or a function of k, such as an optax schedule: the noise of the
            draws stays in λ at a constant α, and leaves it as α falls.
        num_samples: Number of draws for the ELBO of a step, even: each draw comes with its mirror image.
        seed: Seed of these draws, which are new for every step and example.

    Raises:
        ValueError: If `num_samples` is not positive and even, or `num_steps` is negative.

    Source: Kim, Wiseman, Miller, Sontag & Rush 2018, arXiv:1802.02550, algorithm 1.
        Differs from the paper: the draws are a function of x, so that q(z|x) is one; and the gradient through the steps
        is exact, not by finite differences.

    Example:
        >>> from vae_jax.models import gaussian, likelihoods
        >>> from vae_jax.networks import mlp
        >>> model = gaussian(mlp((5,), (4,)), mlp((2,), (5,)), likelihoods.gaussian(), latent_size=2)
        >>> better = semi_amortised(model, num_steps=5, learning_rate=0.1)
        >>> better.bind(model.init(jax.random.key(0))).posterior(jnp.zeros(5)).mean().shape
        (2,)
    """
    if num_steps < 0:
        raise ValueError(f"expected num_steps of at least 0; got {num_steps}")
    if num_samples < 2 or num_samples % 2:
        raise ValueError(f"expected an even number of samples, at least 2; got {num_samples}; use {num_samples + 1}")

    def bind(params: Any) -> VAE:
        vae = model.bind(params)

        def posterior(x: Any) -> Normal:
            first = _unconstrained(vae.posterior(x))
            key = _key_of(seed, x)

            def step(variational: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
                # Draws that stay the same would be fitted: λ would rise on them, and fall on all others.
                noise = _noise(jax.random.fold_in(key, k), num_samples, first[0])
                gradient = jax.grad(_elbo)(variational, vae, x, noise)
                rate = learning_rate(k) if callable(learning_rate) else learning_rate
                moved = jax.tree.map(lambda a, slope: (a + rate * slope).astype(a.dtype), variational, gradient)
                return moved, None

            (loc, log_scale), _ = jax.lax.scan(step, first, jnp.arange(num_steps))
            return Normal(loc, bounded_exp(log_scale))

        return vae._replace(posterior=posterior)

    return model._replace(bind=bind)


def _key_of(seed: int, x: Any) -> Key:
    """A key of one example: of its bits, so that examples that differ have draws of their own."""
    key = key_of(seed)
    for leaf in jax.tree.leaves(jax.lax.stop_gradient(x)):
        bits = jax.lax.bitcast_convert_type(jnp.asarray(leaf, jnp.float32), jnp.uint32).reshape(-1)
        # Odd factors, so that no place is lost modulo 2³².
        factors = 2 * jax.random.bits(key_of(0), bits.shape, jnp.uint32) + 1
        key = jax.random.fold_in(key, jnp.sum(bits * factors, dtype=jnp.uint32))
    return key


def _noise(key: Key, num_samples: int, like: Float[Array, "*latent"]) -> Float[Array, "num_samples *latent"]:
    """Standard normal draws and their mirror images, scaled to mean 0 and variance 1 in each dimension.

    Averages over so few draws are then exact for a quadratic log-joint without correlations: the steps do not move a
    posterior that is right. For any other a step has a bias that falls with the number of draws.
    """
    half = jax.random.normal(key, (num_samples // 2, *like.shape), like.dtype)
    half = half / jnp.sqrt(jnp.mean(half**2, axis=0))
    return jnp.concatenate([half, -half])


def _elbo(
    variational: tuple[Array, Array], vae: VAE, x: Any, noise: Float[Array, "num_samples *latent"]
) -> Float[Array, ""]:
    """The ELBO up to a constant, with z = μ + σ ε and the entropy of q in closed form: any prior will do."""
    loc, log_scale = variational[0], bounded(variational[1])

    def log_joint(one: Array) -> Scalar:
        z = loc + jnp.exp(log_scale) * one
        return vae.likelihood(z).log_prob(x) + vae.prior.log_prob(z)

    return jnp.mean(jax.vmap(log_joint)(noise)) + jnp.sum(log_scale)


def _unconstrained(posterior: Distribution) -> tuple[Array, Array]:
    if not isinstance(posterior, Normal):
        raise TypeError(
            f"expected a model with a Normal posterior, whose means and scales the steps refine; got "
            f"{type(posterior).__name__}; use models.gaussian"
        )
    loc, scale = jnp.broadcast_arrays(posterior.loc, posterior.scale)
    return loc, jnp.log(scale)
