"""Steps of a mixture of normals towards a set of codes: k-means++, k-means, expectation maximisation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Scalar

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Mixture, Normal

SMALLEST_SHARE = 1e-3
"""The smallest variance of a component, as a share of the mean variance of the codes."""


def next_centre(
    noise: Float[Array, ""],
    codes: Float[Array, "num latent"],
    is_there: Bool[Array, " num"],
    centres: Float[Array, "component latent"],
    num_chosen: int | Int[Array, ""],
) -> Float[Array, " latent"]:
    """A code drawn with a probability proportional to its squared distance to the nearest of the centres so far.

    Args:
        noise: Uniform in [0, 1).
        codes: The codes to choose from.
        is_there: The rows that hold a code.
        centres: Of which the first `num_chosen` are chosen; without any, every code is as likely.
        num_chosen: Number of centres so far.

    Source: Arthur & Vassilvitskii 2007, "k-means++: The Advantages of Careful Seeding", section 2.2.
    """
    distances = jnp.where(jnp.arange(len(centres)) < num_chosen, _squared_distances(codes, centres), jnp.inf).min(
        axis=1
    )
    weights = jnp.where(is_there, jnp.where(num_chosen == 0, 1.0, distances), 0.0)
    cumulative = jnp.cumsum(weights)
    return codes[jnp.searchsorted(cumulative, noise * cumulative[-1], side="right")]


def refit(
    prior: dict[str, Array],
    codes: Float[Array, "num latent"],
    is_there: Bool[Array, " num"],
    *,
    is_hard: bool | Bool[Array, ""],
) -> dict[str, Array]:
    """The mixture after one step of expectation maximisation, or of k-means.

    Args:
        prior: `logits`, `loc` and `log_scale` of `models.with_mixture_prior`.
        codes: The codes to fit.
        is_there: The rows that hold a code.
        is_hard: Whether each code counts for the nearest centre alone (k-means), and not by its probabilities.

    Returns:
        The same entries; a component without codes stays where it is.
    """
    mixture = Mixture(prior["logits"], Normal(prior["loc"], bounded_exp(prior["log_scale"])))
    nearest = jnp.argmin(_squared_distances(codes, prior["loc"]), axis=1)
    shares = jnp.where(
        is_hard,
        jax.nn.one_hot(nearest, len(prior["loc"])),
        jax.nn.softmax(jax.vmap(mixture.log_joint)(codes)),
    )
    shares = jnp.where(is_there[:, None], shares, 0.0)
    totals = shares.sum(axis=0)
    loc = _mean(shares, totals, codes)
    floor = SMALLEST_SHARE * _variance(is_there, codes)
    # About the component's own mean: a difference of squares would lose the digits of a narrow one.
    squares = jax.vmap(lambda own, share: share @ jnp.square(codes - own), in_axes=(0, 1))(loc, shares)
    variance = squares / jnp.maximum(totals, 1e-6)[:, None] + floor
    is_used = totals > 1e-3
    return {
        "logits": jnp.log(jnp.maximum(totals, 1e-3)),
        "loc": jnp.where(is_used[:, None], loc, prior["loc"]),
        "log_scale": jnp.where(is_used[:, None], 0.5 * jnp.log(variance), prior["log_scale"]),
    }


def _mean(
    shares: Float[Array, "num component"], totals: Float[Array, " component"], codes: Float[Array, "num latent"]
) -> Float[Array, "component latent"]:
    return shares.T @ codes / jnp.maximum(totals, 1e-6)[:, None]


def _variance(is_there: Bool[Array, " num"], codes: Float[Array, "num latent"]) -> Scalar:
    """The variance of all codes, averaged over their entries."""
    weights = is_there / jnp.maximum(is_there.sum(), 1)
    return (weights @ jnp.square(codes - weights @ codes)).mean()


def _squared_distances(
    codes: Float[Array, "num latent"], centres: Float[Array, "component latent"]
) -> Float[Array, "num component"]:
    return jnp.square(codes[:, None] - centres).sum(axis=-1)
