"""The use that a model makes of its codes, where its latent is a choice among finitely many."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Scalar

from vae_jax.distributions import Quantised, kl_divergence
from vae_jax.objectives import use_of_codes
from vae_jax.vae import Draw


class Chosen(NamedTuple):
    """The codes of one example."""

    codes: Int[Array, "place quantiser"]
    num_codes: Int[Array, ""]
    """Number of codes that each was chosen among."""
    kl: Scalar
    """The length of the message that names them, in nats."""


def chosen(draw: Draw) -> Chosen | None:
    """The codes of a draw; None if its posterior is not `Quantised`."""
    posterior = draw.posterior
    if not isinstance(posterior, Quantised):
        return None
    codes = posterior.codes.reshape(-1, posterior.num_quantisers)
    return Chosen(codes, jnp.asarray(posterior.num_codes), kl_divergence(posterior, draw.prior))


def use_of(of_all: Chosen) -> dict[str, float]:
    """Usage, perplexity and rate over a split, from the codes of its examples along a first axis.

    Returns:
        `code_usage` and `code_perplexity`, as `objectives.use_of_codes` has them, and `rate_in_bits`, a mean over the
        examples.
    """
    num_codes = int(np.asarray(of_all.num_codes).flat[0])
    usage, perplexity = use_of_codes(jnp.asarray(of_all.codes.reshape(-1, of_all.codes.shape[-1])), num_codes)
    rate = float(np.mean(of_all.kl, dtype=np.float64)) / math.log(2)
    return {"code_usage": float(usage), "code_perplexity": float(perplexity), "rate_in_bits": rate}
