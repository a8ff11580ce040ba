"""Draws taken apart: the gradient of the decoder, and that of the encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions import is_reparametrised
from vae_jax.objectives.over_draws import split_over_draws
from vae_jax.types import Key
from vae_jax.vae import VAE, Draw, draw_at

Tree = TypeVar("Tree")


class Apart(NamedTuple):
    """The terms of K draws with z held fixed, and the two ways by which they depend on the posterior's parameters.

    Both gradients below are numbers of value zero: added to a value, they only add to its gradient.
    """

    terms: Any
    """The terms of all draws; a gradient reaches prior and likelihood, and the posterior in a closed-form KL."""
    slopes: Any
    """∂ terms of draw k / ∂ log q(zₖ|x)."""
    scores: Float[Array, " num"]
    """log q(zₖ|x) − log q(zₖ|x) = 0, where the first term has the posterior's gradient at fixed z."""
    through_z: Callable[[Any], Scalar]
    """Cotangents of the terms -> zero, with the gradient ⟨cotangents, ∂terms/∂z · ∇z⟩ in the posterior alone."""

    def pathwise_gradient(self, value: Callable[[Any], Scalar]) -> Scalar:
        """The gradient of `value(terms)` in the posterior's parameters: through z, and of log q at fixed z."""
        weights = jax.grad(value)(jax.lax.stop_gradient(self.terms))
        return self.through_z(weights) + jax.lax.stop_gradient(dot_each(weights, self.slopes)) @ self.scores

    def doubly_reparametrised_gradient(self, value: Callable[[Any], Scalar]) -> Scalar:
        """The same gradient as `pathwise_gradient` in expectation, through z alone."""
        terms = jax.lax.stop_gradient(self.terms)
        gradient = jax.grad(value)

        def curvature(k: Array) -> Any:
            # E[c(z) ∇ log q(z)] = E[∂c/∂z · ∇z] for c = ∂value/∂log qₖ, which depends on zₖ through the terms of k.
            alone = jax.tree.map(lambda slope: slope * _one_hot(k, slope), self.slopes)
            _, change = jax.jvp(gradient, (terms,), (alone,))
            return jax.tree.map(lambda array: array[k], change)

        curvatures = jax.vmap(curvature)(jnp.arange(len(self.scores)))
        return self.through_z(jax.tree.map(jnp.add, gradient(terms), curvatures))


def apart(key: Key, vae: VAE, x: Any, num_samples: int, terms: Callable[[Draw], Any]) -> Apart:
    """Draw as `over_draws` does, and take the draws apart.

    The derivative in z is taken at the fixed z, so the decoder is run once.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.
        num_samples: K ≥ 1.
        terms: The numbers that one draw contributes.

    Raises:
        ValueError: If `num_samples` is below one.
        TypeError: When differentiated, if the posterior's samples are not differentiable.
    """
    keys = split_over_draws(key, num_samples)
    posterior = vae.posterior(x)
    posterior = refuse_gradient_unless_reparametrised(posterior, posterior)
    frozen = jax.lax.stop_gradient(posterior)
    z, _ = jax.vmap(posterior.sample_and_log_prob)(keys)
    fixed = jax.lax.stop_gradient(z)

    def at(z: Any) -> tuple[Any, Any]:
        return with_slopes(terms, draw_at(z, posterior, vae)._replace(log_posterior=frozen.log_prob(z)))

    of_draws, pull_back, slopes = jax.vjp(jax.vmap(at), fixed, has_aux=True)
    log_posterior = jax.vmap(posterior.log_prob)(fixed)

    def through_z(cotangents: Any) -> Scalar:
        (direction,) = jax.lax.stop_gradient(pull_back(jax.lax.stop_gradient(cotangents)))
        return jax.tree.reduce(
            jnp.add, jax.tree.map(lambda a, sample, at: jnp.vdot(a, sample - at), direction, z, fixed)
        )

    return Apart(of_draws, slopes, log_posterior - jax.lax.stop_gradient(log_posterior), through_z)


def with_slopes(terms: Callable[[Draw], Any], draw: Draw) -> tuple[Any, Any]:
    """The terms of a draw, and their derivatives in log q(z|x): 1 for a sampled KL, 0 for a closed form."""
    return jax.jvp(
        lambda log_posterior: terms(draw._replace(log_posterior=log_posterior)),
        (draw.log_posterior,),
        (jnp.ones_like(draw.log_posterior),),
    )


def dot_each(some: Any, other: Any) -> Float[Array, " num"]:
    """⟨a, b⟩ for each index of the leading axis of two pytrees."""
    products = jax.tree.map(lambda a, b: (a * b).reshape(len(a), -1).sum(axis=1), some, other)
    return jax.tree.reduce(jnp.add, products)


def refuse_gradient_unless_reparametrised(posterior: Any, of: Tree) -> Tree:
    """`of` as it is, which can then be differentiated only if the posterior states that its samples are differentiable.

    The value alone is right for any posterior, so evaluation is not refused; training is refused when it is traced.
    """
    try:
        if is_reparametrised(posterior):
            return of
        refusal = (
            f"expected a posterior whose samples are differentiable; got a {type(posterior).__name__}, with which the "
            "gradient would silently be wrong; use estimator=leave_one_out or estimator=score_function"
        )
    except TypeError as unsaid:
        refusal = str(unsaid)

    @jax.custom_jvp
    def guarded(of: Tree) -> Tree:
        return of

    @guarded.defjvp
    def refuse(primals: Any, tangents: Any) -> Any:
        raise TypeError(refusal)

    return guarded(of)


def _one_hot(k: Array, like: Array) -> Array:
    return (jnp.arange(len(like)) == k).astype(like.dtype).reshape(-1, *[1] * (like.ndim - 1))
