"""All numbers about the order of a trained model's latent space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vae_jax.data.examples import Examples, part_of
from vae_jax.data.spread import spread
from vae_jax.distributions import centre, has_density
from vae_jax.distributions.centre import is_on_sphere
from vae_jax.evaluation.every_example import over_rows, over_stored
from vae_jax.evaluation.evidence.annealed import simulating
from vae_jax.evaluation.fitted import Fit
from vae_jax.evaluation.latent import rows_of
from vae_jax.evaluation.latent_space.completeness import share_far_from
from vae_jax.evaluation.latent_space.continuity import Continuity, continuity
from vae_jax.evaluation.latent_space.information import information
from vae_jax.generation import interpolation_codes
from vae_jax.hierarchy import top_of
from vae_jax.types import Key, Params
from vae_jax.vae import VAE

NUM_EXAMPLES = 2_000
"""Number of examples of each split whose codes are looked at, at most."""
NUM_PATHS, NUM_POINTS = 200, 21
"""Number of paths between codes, and of points on each."""


def latent_order(fit: Fit, *, seed: int = 0) -> Callable[[Params, Examples, Examples], dict[str, Any]]:
    """Continuity, completeness and information of the latent space; of a hierarchy's top group.

    Args:
        fit: The model, as it is evaluated.
        seed: Seed of the evaluation's own randomness.

    Returns:
        A function `(params, training examples, other examples) -> numbers`. `information` is a dict of `Information`'s
        (None for codes without a density); `share_in_holes` of draws from the prior and `share_out_of_reach` of codes,
        as of `share_far_from`, each 0.01 where codes fill the prior as draws do; `largest_step` and `detour`, medians
        over paths between codes (None where a code is not one vector of numbers); `bound_of_own` and `bound_of_data`,
        the bound of what the model draws itself and of the other examples, nats per example (None without a density):
        far apart where draws are unlike data.
    """

    def codes_of_one(transform_key: Key, key: Key, params: Params, stored: Any) -> dict[str, Any]:
        vae, x = fit(params).at(transform_key, stored)
        code_key, prior_key = jax.random.split(key)
        posterior, prior = top_of(vae.posterior(x)), top_of(vae.prior)
        return {
            "posterior": posterior,
            "prior": prior,
            "code": posterior.sample(code_key),
            "drawn": prior.sample(prior_key),
            "centre": centre(posterior),
        }

    def bound_of_one(fit: Fit) -> Callable[[Key, Key, Params, Any], Any]:
        def value(transform_key: Key, key: Key, params: Params, stored: Any) -> Any:
            fitted = fit(params)
            return fitted.bound(key, *fitted.at(transform_key, stored))[0]

        return value

    # The draws of one split are not those of the other.
    of_train, of_others = (over_stored(codes_of_one, seed=each) for each in (seed + 1, seed))
    of_data, of_own = (over_stored(bound_of_one(each), seed=seed) for each in (fit, simulating(fit)))

    def numbers(params: Params, train: Examples, others: Examples) -> dict[str, Any]:
        train, others = (part_of(split, spread(len(split), NUM_EXAMPLES)) for split in (train, others))
        found, trained_on = of_others(params, others), of_train(params, train)
        has_bound = has_density(jax.tree.map(lambda leaf: leaf[0], found["posterior"]))
        told = information(found["posterior"], found["prior"], found["code"])._asdict() if has_bound else None
        paths = _paths(fit, params, others, found["centre"])
        codes, other_codes = rows_of(trained_on["code"]), rows_of(found["code"])
        draws, other_draws = rows_of(trained_on["drawn"]), rows_of(found["drawn"])
        return {
            "num_examples": len(others),
            "information": told,
            "share_in_holes": share_far_from(codes, other_codes, other_draws),
            "share_out_of_reach": share_far_from(draws, other_draws, other_codes),
            "largest_step": None if paths is None else float(np.median(paths.largest_step)),
            "detour": None if paths is None else float(np.median(paths.detour)),
            "bound_of_own": float(np.mean(of_own(params, others), dtype=np.float64)) if has_bound else None,
            "bound_of_data": float(np.mean(of_data(params, others), dtype=np.float64)) if has_bound else None,
        }

    return numbers


def _paths(fit: Fit, params: Params, examples: Examples, centres: Any) -> Continuity | None:
    """Paths from the code of an example to that of another, decoded under the condition of the first."""
    if not (hasattr(centres, "ndim") and centres.ndim == 2 and jnp.issubdtype(centres.dtype, jnp.floating)):
        return None
    num = min(NUM_PATHS, len(centres) // 2)

    def along(params: Params, stored: Any, start: Any, end: Any) -> Continuity:
        vae, _ = fit(params).at(jax.random.key(0), stored)
        codes = interpolation_codes(start, end, NUM_POINTS, on_sphere=is_on_sphere(vae.prior))
        return continuity(lambda z: _mean(vae, z), codes)

    rows = np.arange(num)
    return over_rows(along, batch_size=50)(params, part_of(examples, rows), centres[:num], centres[num : 2 * num])


def _mean(vae: VAE, z: Any) -> Any:
    return vae.likelihood(z).mean()
