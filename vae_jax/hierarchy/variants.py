"""Variants of a hierarchy: another prior on top, other temperatures, and priors that know an example."""

from __future__ import annotations

import dataclasses
from typing import Any

from jaxtyping import Scalar

from vae_jax.hierarchy.groups import Repeated
from vae_jax.hierarchy.latents import TopDown, tempered
from vae_jax.types import Distribution
from vae_jax.vae import VAE


def top_of(distribution: Distribution) -> Distribution:
    """The distribution of a hierarchy's top group; a flat one is its own top."""
    if isinstance(distribution, TopDown):
        return distribution.factor(distribution.names[0], distribution.start)
    return distribution


def with_top(prior: Distribution, top: Distribution) -> Distribution:
    """A hierarchy's prior with another distribution of its top group; a flat prior is replaced whole.

    Raises:
        TypeError: If the top group is one of a repeated group, whose distributions are of one family.
    """
    if not isinstance(prior, TopDown):
        return top
    name, entry = prior.groups[0]
    if isinstance(entry, Repeated):
        raise TypeError(
            f"expected a hierarchy whose top group is a group of its own; got {name}, {entry.num} groups in a loop; "
            "put a Group above them"
        )
    return dataclasses.replace(prior, top=top)


def at_temperature(vae: VAE, temperature: float | Scalar) -> VAE:
    """The model with the scale of every normal prior multiplied by a temperature: below 1, samples nearer the modes.

    Args:
        vae: A flat model with a normal prior, or a hierarchy of normal groups.
        temperature: A factor > 0.

    Raises:
        TypeError: If a prior is not normal; for a hierarchy, when it is sampled.
    """
    if isinstance(vae.prior, TopDown):
        return vae._replace(prior=dataclasses.replace(vae.prior, temperature=temperature))
    return vae._replace(prior=tempered(vae.prior, temperature))


def informed_by(vae: VAE, x: Any, num_groups: int) -> VAE:
    """The model whose prior knows an example in its top groups: q(z_l | z_<l, x) there, p(z_l | z_<l) below.

    Samples of it show which group holds what: with 0 groups they are samples of the model, with all of them
    reconstructions.

    Args:
        vae: A hierarchy.
        x: One example.
        num_groups: k, the number of groups from the top; a repeated group counts as many as it has.

    Raises:
        TypeError: If the model is not a hierarchy.
        ValueError: If the model has fewer groups, or `num_groups` is negative.
    """
    posterior = vae.posterior(x)
    if not (isinstance(posterior, TopDown) and isinstance(vae.prior, TopDown)):
        raise TypeError(f"expected a hierarchy made by top_down; got a {type(posterior).__name__}; use reconstruct")
    if not 0 <= num_groups <= posterior.num_groups:
        raise ValueError(f"expected between 0 and {posterior.num_groups} groups; got {num_groups}; take fewer")
    prior = vae.prior
    return vae._replace(prior=dataclasses.replace(prior, features=posterior.features, num_informed=num_groups))
