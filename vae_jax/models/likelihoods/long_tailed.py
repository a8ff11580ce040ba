"""Real pixels under distributions that forgive an outlier."""

from __future__ import annotations

import jax.numpy as jnp

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Laplace, StudentT
from vae_jax.models.likelihoods.likelihood import INITIAL_SCALE, Likelihood, check_positive, learned_scale


def laplace(initial_scale: float = INITIAL_SCALE) -> Likelihood:
    """Real pixels under Laplace distributions, with absolute errors and one learned scale; the decoder gives the means.

    Args:
        initial_scale: Initial b > 0; its logarithm is the parameter.

    Raises:
        ValueError: If the scale is not positive.
    """
    return Likelihood(
        init=learned_scale(initial_scale),
        bind=lambda params, output: Laplace(output, bounded_exp(params["log_scale"])),
        output_shape=lambda shape: shape,
        output_bias=jnp.asarray,
    )


def student_t(degrees_of_freedom: float = 4.0, initial_scale: float = INITIAL_SCALE) -> Likelihood:
    """Real pixels under Student's t distribution, with one learned scale; the decoder gives the means.

    Args:
        degrees_of_freedom: ν > 0, fixed; the smaller, the less an outlier counts.
        initial_scale: Initial σ > 0; its logarithm is the parameter.

    Raises:
        ValueError: If one of the two is not positive.
    """
    check_positive(degrees_of_freedom)
    return Likelihood(
        init=learned_scale(initial_scale),
        bind=lambda params, output: StudentT(
            jnp.asarray(degrees_of_freedom, output.dtype), output, bounded_exp(params["log_scale"])
        ),
        output_shape=lambda shape: shape,
        output_bias=jnp.asarray,
    )
