"""Pixels, genes or columns that are counts 0, 1, 2, ..."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from vae_jax.arithmetic import bounded, bounded_exp
from vae_jax.distributions import NegativeBinomial, Poisson, ZeroInflated
from vae_jax.models.likelihoods.likelihood import Likelihood, log_of_mean, pairs
from vae_jax.types import Distribution, Key, Params

_INITIAL_ZERO_LOGIT = -2.0


def poisson() -> Likelihood:
    """Counts as variable as Poisson's; the decoder gives the logarithms of the rates."""
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: Poisson(bounded(output)),
        output_shape=lambda shape: shape,
        output_bias=log_of_mean,
    )


def negative_binomial(dispersion_shape: tuple[int, ...] = ()) -> Likelihood:
    """Counts more variable than Poisson's; the decoder gives the logarithms of the means, the dispersion is learned.

    Args:
        dispersion_shape: Shape of the dispersions θ: that of x for one each (scVI's "gene"), () for a single one.

    Source: Lopez et al. 2018, "Deep generative modeling for single-cell transcriptomics" (scVI).
    """
    return Likelihood(
        init=_learned_dispersion(dispersion_shape),
        bind=lambda params, output: NegativeBinomial(bounded_exp(output), bounded_exp(params["log_dispersion"])),
        output_shape=lambda shape: shape,
        output_bias=log_of_mean,
    )


def zero_inflated_poisson() -> Likelihood:
    """Poisson counts and additional zeros; the decoder gives (log rate, logit of such a zero) for each."""
    return _zero_inflated(lambda key: (), lambda params, log_rate: Poisson(bounded(log_rate)))


def zero_inflated_negative_binomial(dispersion_shape: tuple[int, ...] = ()) -> Likelihood:
    """Negative binomial counts and additional zeros; the decoder gives (log mean, logit of such a zero) for each.

    Args:
        dispersion_shape: As in `negative_binomial`.

    Source: Lopez et al. 2018, "Deep generative modeling for single-cell transcriptomics" (scVI).
    """
    return _zero_inflated(
        _learned_dispersion(dispersion_shape),
        lambda params, log_mean: NegativeBinomial(bounded_exp(log_mean), bounded_exp(params["log_dispersion"])),
    )


def _learned_dispersion(shape: tuple[int, ...]) -> Callable[[Key], Params]:
    return lambda key: {"log_dispersion": jnp.zeros(shape, jnp.float32)}


def _zero_inflated(init: Callable[[Key], Params], inner: Callable[[Params, Array], Distribution]) -> Likelihood:
    def output_bias(mean: ArrayLike) -> Array:
        log_rest = jax.nn.log_sigmoid(-jnp.asarray(_INITIAL_ZERO_LOGIT))
        return pairs(log_of_mean(mean) - log_rest, _INITIAL_ZERO_LOGIT)

    return Likelihood(
        init=init,
        bind=lambda params, output: ZeroInflated(inner(params, output[..., 0]), output[..., 1]),
        output_shape=lambda shape: (*shape, 2),
        output_bias=output_bias,
    )
