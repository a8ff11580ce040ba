"""Posteriors of a group of latents from two normals: its prior given the groups above, and what x says of it."""

from __future__ import annotations

import jax.numpy as jnp

from vae_jax.distributions import Normal


def precision_weighted(prior: Normal, seen: Normal) -> Normal:
    """The product of both densities: precisions add up, and the mean lies between the means, nearer to the surer one.

    1/σ² = 1/σ̂² + 1/σ_p², μ = σ² (μ̂/σ̂² + μ_p/σ_p²). Where x says nothing (σ̂ → ∞), it is the prior.

    Args:
        prior: p(z_l | z_>l), with μ_p and σ_p.
        seen: The estimate from x alone, with μ̂ and σ̂.

    Source: Sønderby, Raiko, Maaløe, Sønderby & Winther 2016, arXiv:1602.02282, equations 17 to 19.

    Example:
        >>> q = precision_weighted(Normal(jnp.zeros(1), jnp.ones(1)), Normal(jnp.ones(1), jnp.ones(1)))
        >>> round(float(q.loc[0]), 6), round(float(q.scale[0] ** 2), 6)
        (0.5, 0.5)
    """
    # Both scales as shares of their hypotenuse: no square of a scale overflows.
    length = jnp.hypot(prior.scale, seen.scale)
    of_prior, of_seen = prior.scale / length, seen.scale / length
    return Normal(of_prior**2 * seen.loc + of_seen**2 * prior.loc, prior.scale * of_seen)


def residual_normal(prior: Normal, seen: Normal) -> Normal:
    """The prior, moved and scaled by what x says: N(μ_p + μ̂, (σ_p σ̂)²).

    Args:
        prior: p(z_l | z_>l), with μ_p and σ_p.
        seen: The change that x makes, with μ̂ and σ̂; N(0, 1) changes nothing.

    Source: Vahdat & Kautz 2020, arXiv:2007.03898, section 3.2 (residual normal distributions). Differs from the paper:
    in a `ladder` the change depends on x alone, not on the groups above.

    Example:
        >>> q = residual_normal(Normal(jnp.ones(1), 2 * jnp.ones(1)), Normal(jnp.ones(1), 0.5 * jnp.ones(1)))
        >>> float(q.loc[0]), float(q.scale[0])
        (2.0, 1.0)
    """
    return Normal(prior.loc + seen.loc, prior.scale * seen.scale)
