"""Pixels between 0 and 1: binary ones, and grey levels with a density."""

from __future__ import annotations

import math

import jax
from jaxtyping import Array

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Bernoulli, Beta, ContinuousBernoulli
from vae_jax.models.likelihoods.likelihood import Likelihood, check_positive, logit, pairs, solve_mean
from vae_jax.types import Params


def bernoulli() -> Likelihood:
    """Binary pixels; the decoder gives their logits.

    The bias is the logit of the data's mean, clipped to [0.001, 0.999], as in the code of Burda et al. 2016.
    """
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: Bernoulli(output),
        output_shape=lambda shape: shape,
        output_bias=logit,
    )


def continuous_bernoulli() -> Likelihood:
    """Grey pixels in [0, 1]; the decoder gives the logits of continuous Bernoulli distributions.

    Source: Loaiza-Ganem & Cunningham 2019, arXiv:1907.06845.
    """
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: ContinuousBernoulli(output),
        output_shape=lambda shape: shape,
        output_bias=lambda mean: solve_mean(lambda logits: ContinuousBernoulli(logits).mean(), mean),
    )


def beta(initial_concentration: float = 2.0) -> Likelihood:
    """Grey pixels in (0, 1); the decoder gives, for each, the logit of the mean m and the log of the concentration c.

    α = m c and β = (1 − m) c, so c = α + β: the variance is m (1 − m)/(1 + c).

    Args:
        initial_concentration: Initial c > 0; with 2, a mean of ½ is the uniform distribution.

    Raises:
        ValueError: If the concentration is not positive.
    """
    check_positive(initial_concentration)

    def bind(params: Params, output: Array) -> Beta:
        mean_logit, log_concentration = output[..., 0], output[..., 1]
        return Beta(
            bounded_exp(log_concentration + jax.nn.log_sigmoid(mean_logit)),
            bounded_exp(log_concentration + jax.nn.log_sigmoid(-mean_logit)),
        )

    return Likelihood(
        init=lambda key: (),
        bind=bind,
        output_shape=lambda shape: (*shape, 2),
        output_bias=lambda mean: pairs(logit(mean), math.log(initial_concentration)),
    )
