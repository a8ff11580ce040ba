"""The VAE of groups of latents."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from vae_jax.hierarchy.groups import Features, Group, Repeated, State, num_single
from vae_jax.hierarchy.latents import TopDown
from vae_jax.hierarchy.readout import Readout
from vae_jax.types import Distribution, Params
from vae_jax.vae import VAE


def top_down(
    groups: Mapping[str, Group | Repeated],
    *,
    start: Callable[[Params], State],
    features: Callable[[Params, Any], Features],
    read: Callable[[Params, State], Distribution],
) -> Callable[[Params], VAE]:
    """The hierarchical VAE of some groups: the `bind` of a `Model`.

    p(x, z) = p(x | state_L) Π_l p(z_l | z_<l) and q(z|x) = Π_l q(z_l | z_<l, x), with state_l = down(state_{l−1}, z_l).
    A draw evaluates each function once; its factors are `Product`s, so that every objective and every estimate of the
    KL takes it as it takes a flat model. An event is a dictionary: name -> z_l.

    Args:
        groups: name -> group, or a repeated group, the top one first. Make it once, outside of what is traced: its
            functions are a part of the structure of the distributions.
        start: parameters -> the state above the top group.
        features: (parameters, x) -> what the posteriors see of an example; the bottom-up network.
        read: (parameters, state below the last group) -> p(x|z).

    Returns:
        parameters -> `VAE`.

    Raises:
        ValueError: If there is no group, or one is repeated less than once.

    Source: Sønderby et al. 2016, arXiv:1602.02282, section 2 (the ladder); Kingma et al. 2016, arXiv:1606.04934,
    appendix C (one pass top down).

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.distributions import Normal
        >>> unit = lambda loc: Normal(loc, jnp.ones(1))
        >>> group = Group(
        ...     prior=lambda params, above: unit(above),
        ...     posterior=lambda params, above, x: unit((above + x) / 2),
        ...     down=lambda params, above, z: z,
        ... )
        >>> bind = top_down(
        ...     {"top": group, "bottom": group},
        ...     start=lambda params: jnp.zeros(1),
        ...     features=lambda params, x: x,
        ...     read=lambda params, state: unit(params["scale"] * state),
        ... )
        >>> sorted(bind({"scale": 2.0}).prior.sample(jax.random.key(0)))
        ['bottom', 'top']
    """
    if not groups:
        raise ValueError("expected groups of latents; got none; a model without latents needs no hierarchy")
    for name, entry in groups.items():
        if num_single(entry) < 1:
            raise ValueError(f"expected {name} once or more; got {num_single(entry)} times; leave it out for none")
    entries = tuple(groups.items())

    def bind(params: Params) -> VAE:
        prior = TopDown(params, start(params), None, None, entries, 0)
        return VAE(
            posterior=lambda x: dataclasses.replace(prior, features=features(params, x), num_informed=prior.num_groups),
            likelihood=Readout(params, prior.start, entries, read),
            prior=prior,
        )

    return bind
