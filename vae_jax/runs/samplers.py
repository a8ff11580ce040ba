"""Densities that are fitted to a trained model's codes, to be sampled from in the place of its prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np

from vae_jax.data.examples import part_of
from vae_jax.data.spread import spread
from vae_jax.distributions.support import is_real
from vae_jax.evaluation.every_example import over_stored
from vae_jax.flows import masked_autoregressive
from vae_jax.hierarchy import top_of
from vae_jax.keys import key_of
from vae_jax.messages import UsageError
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import Conditional

if TYPE_CHECKING:
    from vae_jax.runs.trained import Trained

Sampler = Literal["prior", "gaussian_mixture", "flow", "two_stage"]
NUM_CODES = 10_000
"""Number of training examples, at most, whose codes a density is fitted to."""


def fitted_to_codes(trained: Trained, sampler: Sampler, seed: int = 0) -> Distribution | None:
    """The density of the codes of training examples, one draw z ~ q(z|x) each; of a hierarchy, of its top group.

    Args:
        trained: The model.
        sampler: The density, a function of `vae_jax.aggregate`; "prior" for none.
        seed: Seed of the draws and of the fit.

    Raises:
        UsageError: If the model has conditions, or codes that are not vectors of real numbers.
    """
    if sampler == "prior":
        return None
    if isinstance(trained.vae, Conditional):
        raise UsageError(f"expected a model without conditions for the sampler {sampler}; sample from the prior")
    if not is_real(top_of(trained.vae.prior)):
        raise UsageError(f"expected codes that are real numbers for the sampler {sampler}; sample from the prior")
    from vae_jax import aggregate

    examples = trained.experiment.dataset.train.examples
    codes = over_stored(_code(trained), seed=seed)(trained.params, part_of(examples, spread(len(examples), NUM_CODES)))
    if np.ndim(codes) != 2:
        raise UsageError(f"expected codes that are one vector each for the sampler {sampler}; sample from the prior")
    key = key_of(seed)
    match sampler:
        case "gaussian_mixture":
            return aggregate.gaussian_mixture(codes, seed=seed)
        case "flow":
            return aggregate.flow_density(key, codes, masked_autoregressive(codes.shape[1], 4, (64,)))
        case "two_stage":
            return aggregate.two_stage(key, codes)


def _code(trained: Trained) -> Any:
    def code(transform_key: Key, key: Key, params: Params, stored: Any) -> jax.Array:
        vae, x = trained.experiment.fitted(params).at(transform_key, stored)
        return top_of(vae.posterior(x)).sample(key)

    return code
