"""Posteriors: maps from an encoder's output to q(z|x)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import (
    Bernoulli,
    BinaryConcrete,
    Categorical,
    Concrete,
    ExpConcrete,
    LogisticNormal,
    LogitBinaryConcrete,
    LowRankNormal,
    Mixture,
    MultivariateNormal,
    Normal,
    PointMass,
    SphericalUniform,
    StraightThrough,
    VonMisesFisher,
    standard_normal,
    tril_from_vector,
)
from vae_jax.types import Distribution


class Posterior(NamedTuple):
    """A family of q(z|x), the prior that goes with it, and the sizes of an encoder and a decoder for it."""

    size: Callable[[int], int]
    """latent_size -> number of outputs of the encoder."""
    bind: Callable[[Float[Array, " output"]], Distribution]
    """The encoder's output -> q(z|x)."""
    prior: Callable[[int], Distribution]
    """latent_size -> p(z), without preference within the family."""
    code: Callable[[Array], Array] = lambda z: z
    """z -> the decoder's input."""


def diagonal() -> Posterior:
    """Independent normal latents: the means, then the logarithms of the scales."""

    def num_outputs(latent_size: int) -> int:
        return 2 * latent_size

    def bind(output: Array) -> Normal:
        return Normal(*_loc_and_scale(output, num_outputs))

    return Posterior(num_outputs, bind, standard_normal)


def point_mass() -> Posterior:
    """One code for each example, without a distribution around it, as in an autoencoder. Its prior is N(0, I)."""
    return Posterior(lambda latent_size: latent_size, PointMass, standard_normal)


def full_covariance() -> Posterior:
    """Normal latents with every correlation: the means, then the numbers of `tril_from_vector`.

    Source: Kingma & Welling 2019, arXiv:1906.02691, section 2.5.1.
    """

    def num_outputs(latent_size: int) -> int:
        return latent_size + latent_size * (latent_size + 1) // 2

    def bind(output: Array) -> MultivariateNormal:
        latent_size = _latent_size(output.size, num_outputs)
        return MultivariateNormal(output[:latent_size], tril_from_vector(output[latent_size:], latent_size))

    return Posterior(num_outputs, bind, standard_normal)


def low_rank(rank: int) -> Posterior:
    """Normal latents correlated along a few directions: the means, the logarithms of the scales, the directions.

    Args:
        rank: Number of directions, ≥ 1.
    """

    def num_outputs(latent_size: int) -> int:
        return (2 + rank) * latent_size

    def bind(output: Array) -> LowRankNormal:
        rows = output.reshape(2 + rank, _latent_size(output.size, num_outputs))
        return LowRankNormal(rows[0], rows[2:].T, bounded_exp(rows[1]))

    return Posterior(num_outputs, bind, standard_normal)


def mixture(num_components: int) -> Posterior:
    """A mixture of diagonal normals: its logits, then for each component the means and the logarithms of the scales.

    No gradient flows through its samples: train it with an objective that needs none.

    Args:
        num_components: Number of components, ≥ 1.
    """

    def num_outputs(latent_size: int) -> int:
        return num_components * (1 + 2 * latent_size)

    def bind(output: Array) -> Mixture:
        latent_size = _latent_size(output.size, num_outputs)
        loc, log_scale = jnp.split(output[num_components:].reshape(num_components, 2 * latent_size), 2, axis=1)
        return Mixture(output[:num_components], Normal(loc, bounded_exp(log_scale)))

    return Posterior(num_outputs, bind, standard_normal)


def von_mises_fisher() -> Posterior:
    """Directions in `latent_size` dimensions: the mean direction, of any length, then the concentration.

    The concentration is 1 + softplus, so that no posterior starts as the prior.

    Source: Davidson, Falorsi, De Cao, Kipf & Tomczak 2018, arXiv:1804.00891, section 3, and the authors' code.
    """

    def bind(output: Array) -> VonMisesFisher:
        loc, first = output[:-1], jnp.eye(1, output.size - 1, dtype=output.dtype)[0]
        # The origin has no direction, and the gradient of its length is not finite.
        loc = jnp.where(jnp.square(loc).sum() > 1e-30, loc, first)
        return VonMisesFisher(loc / jnp.linalg.norm(loc), 1 + jax.nn.softplus(output[-1]))

    return Posterior(lambda latent_size: latent_size + 1, bind, SphericalUniform)


def bernoulli() -> Posterior:
    """Binary latents: their logits. No gradient flows through a sample."""
    return Posterior(lambda latent_size: latent_size, Bernoulli, lambda size: Bernoulli(jnp.zeros(size)))


def categorical(num_categories: int) -> Posterior:
    """Latents of a few categories each, as one-hot vectors: their logits. No gradient flows through a sample.

    Args:
        num_categories: K ≥ 2; z and the decoder's input are (latent_size, K).
    """
    return Posterior(
        lambda latent_size: latent_size * num_categories,
        lambda output: Categorical(_rows(output, num_categories)),
        lambda latent_size: Categorical(jnp.zeros((latent_size, num_categories))),
    )


def straight_through(num_categories: int, temperature: float | Scalar) -> Posterior:
    """`categorical` latents whose samples have the (biased) gradient of their relaxation.

    Args:
        num_categories: K ≥ 2.
        temperature: τ > 0 of the relaxation.
    """
    return categorical(num_categories)._replace(
        bind=lambda output: StraightThrough(Concrete(_rows(output, num_categories), jnp.asarray(temperature)))
    )


def concrete(
    num_categories: int, temperature: float | Scalar, *, prior_temperature: float | Scalar | None = None
) -> Posterior:
    """Relaxed categorical latents: their logits. z is log x, which is exact; the decoder reads x, on the simplex.

    Args:
        num_categories: K ≥ 2; z and x are (latent_size, K).
        temperature: τ > 0; 2/3 in the paper.
        prior_temperature: Temperature of p(z), by default the same. The bound is on log p(x) of the relaxed model.

    Source: Maddison, Mnih & Teh 2017, arXiv:1611.00712, section 4 and appendix C.
    """
    of_prior = temperature if prior_temperature is None else prior_temperature
    return Posterior(
        lambda latent_size: latent_size * num_categories,
        lambda output: ExpConcrete(_rows(output, num_categories), jnp.asarray(temperature)),
        lambda latent_size: ExpConcrete(jnp.zeros((latent_size, num_categories)), jnp.asarray(of_prior)),
        jnp.exp,
    )


def binary_concrete(temperature: float | Scalar, *, prior_temperature: float | Scalar | None = None) -> Posterior:
    """Relaxed binary latents: their logits. z is the logit of x, which is exact; the decoder reads x, in (0, 1).

    Args:
        temperature: τ > 0; 2/3 in the paper.
        prior_temperature: Temperature of p(z), by default the same.

    Source: Maddison, Mnih & Teh 2017, arXiv:1611.00712, appendices B and C.
    """
    of_prior = temperature if prior_temperature is None else prior_temperature
    return Posterior(
        lambda latent_size: latent_size,
        lambda output: LogitBinaryConcrete(output, jnp.asarray(temperature)),
        lambda latent_size: LogitBinaryConcrete(jnp.zeros(latent_size), jnp.asarray(of_prior)),
        jax.nn.sigmoid,
    )


def binary_straight_through(temperature: float | Scalar) -> Posterior:
    """`bernoulli` latents whose samples have the (biased) gradient of their relaxation.

    Args:
        temperature: τ > 0 of the relaxation.
    """
    return bernoulli()._replace(bind=lambda output: StraightThrough(BinaryConcrete(output, jnp.asarray(temperature))))


def logistic_normal() -> Posterior:
    """A point on the simplex of `latent_size` entries: means, then logarithms of the scales, of its log-ratios.

    Source: Srivastava & Sutton 2017, arXiv:1703.01488, section 3. Differs from the paper: the last entry is the
    reference of the ratios, so that the density exists.
    """

    def num_outputs(latent_size: int) -> int:
        return 2 * (latent_size - 1)

    def bind(output: Array) -> LogisticNormal:
        return LogisticNormal(*_loc_and_scale(output, num_outputs))

    return Posterior(
        num_outputs,
        bind,
        lambda latent_size: LogisticNormal(jnp.zeros(latent_size - 1), jnp.ones(latent_size - 1)),
    )


def _loc_and_scale(output: Array, num_outputs: Callable[[int], int]) -> tuple[Array, Array]:
    _latent_size(output.size, num_outputs)
    loc, log_scale = jnp.split(output, 2)
    return loc, bounded_exp(log_scale)


def _rows(output: Array, num_categories: int) -> Float[Array, "latent categories"]:
    latent_size = _latent_size(output.size, lambda latent_size: latent_size * num_categories)
    return output.reshape(latent_size, num_categories)


def _latent_size(num: int, num_outputs: Callable[[int], int]) -> int:
    """The latent size for which an encoder gives `num` numbers."""
    latent_size = 1
    while num_outputs(latent_size) < num:
        latent_size += 1
    if num_outputs(latent_size) != num:
        raise ValueError(
            f"expected an encoder's output of {num_outputs(latent_size)} numbers, for a latent size of {latent_size}; "
            f"got {num}; give the encoder an output of posterior.size(latent_size)"
        )
    return latent_size
