"""A mixture prior that starts from the codes of a pretrained autoencoder: VaDE's model."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.models.mixture_fit import next_centre, refit
from vae_jax.models.priors import with_mixture_prior
from vae_jax.types import Key, Params
from vae_jax.untrained import Untrained
from vae_jax.vae import Model


def with_clusters(
    model: Model, num_components: int, *, num_pretraining_steps: int, num_refits: int = 100, num_kept: int = 5_000
) -> Model:
    """The model of `with_mixture_prior`, whose mixture is fitted to codes in the last steps of pretraining.

    The model keeps the newest codes. Before the bound takes over, one step after the other chooses a centre among them
    as k-means++ does, then `num_refits` steps improve the mixture on them: the first half by k-means, the second by
    expectation maximisation. After that a gradient trains the mixture as it does the networks. So the start is a part
    of every run: it is resumed to the bit, and lanes of a sweep have one each.

    Args:
        model: A model with a `Normal` posterior and prior.
        num_components: K ≥ 1, the number of clusters.
        num_pretraining_steps: Steps of `objectives.vade` before its bound; 0 for a mixture that starts at random.
        num_refits: Number of refits; fewer where pretraining is too short for them.
        num_kept: Number of codes that are kept.

    Returns:
        A model with the parameters `{"model", "prior", "codes"}`, to be trained by `objectives.vade`.

    Raises:
        ValueError: If pretraining is shorter than the start of the mixture; as for `with_mixture_prior`.

    Source: Jiang, Zheng, Tan, Tang & Zhou 2017, arXiv:1611.05148, section 3.1, who fit the mixture by scikit-learn
    between two programs; Arthur & Vassilvitskii 2007, "k-means++".
    """
    if 0 < num_pretraining_steps < num_components + 2:
        raise ValueError(
            f"expected at least {num_components + 2} steps of pretraining, to choose {num_components} centres and fit "
            f"the mixture; got {num_pretraining_steps}; pretrain for longer, or not at all"
        )
    num_refits = max(0, min(num_refits, num_pretraining_steps - num_components))
    plain = with_mixture_prior(model, num_components)

    def init(key: Key) -> Params:
        params = plain.init(key)
        latent_size = params["prior"]["loc"].shape[-1]
        codes = {"newest": jnp.zeros((num_kept, latent_size)), "num_seen": jnp.zeros((), jnp.int32)}
        return params | {"codes": Untrained(codes)}

    def after(params: Params, seen: dict[str, Any]) -> Params:
        params = params if plain.after is None else plain.after(params, seen)
        codes = _kept(params["codes"].value, seen["code"])
        num_left = seen["num_steps_left"][0]
        is_there = jnp.arange(num_kept) < codes["num_seen"]
        number = num_components + num_refits - num_left

        def choose(prior: Params) -> Params:
            chosen = next_centre(seen["noise"][0], codes["newest"], is_there, prior["loc"], number)
            return prior | {"loc": prior["loc"].at[number].set(chosen)}

        def improve(prior: Params) -> Params:
            return refit(prior, codes["newest"], is_there, is_hard=num_left > num_refits // 2)

        is_choosing = (number >= 0) & (number < num_components)
        stage = jnp.where(is_choosing, 1, jnp.where((num_left > 0) & (num_left <= num_refits), 2, 0))
        prior = jax.lax.switch(stage, [lambda prior: prior, choose, improve], params["prior"])
        return params | {"prior": prior, "codes": Untrained(codes)}

    return Model(init, plain.bind, after)


def _kept(codes: dict[str, Array], new: Float[Array, "batch latent"]) -> dict[str, Any]:
    """The newest codes with those of a batch in place of the oldest."""
    num_kept = len(codes["newest"])
    places: Any = (codes["num_seen"] + jnp.arange(len(new))) % num_kept
    num_seen = codes["num_seen"] + len(new)
    # Whole rounds are taken off, so that the count never overflows.
    num_seen = jnp.where(num_seen >= 2 * num_kept, num_seen - num_seen // num_kept * num_kept + num_kept, num_seen)
    return {"newest": codes["newest"].at[places].set(new), "num_seen": num_seen}
