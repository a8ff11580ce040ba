"""Real pixels under normal distributions."""

from __future__ import annotations

import jax.numpy as jnp

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Normal
from vae_jax.models.likelihoods.likelihood import INITIAL_SCALE, Likelihood, check_positive, learned_scale, pairs


def gaussian(scale: float = 1.0) -> Likelihood:
    """Real pixels with the same, fixed noise; the decoder gives their means.

    Args:
        scale: The standard deviation σ > 0 of the noise. It sets how much a unit of squared error weighs against the
            KL: log p(x|z) = −‖x − μ(z)‖²/(2σ²) − d log σ − ½ d log 2π.

    Raises:
        ValueError: If the scale is a number that is not positive.
    """
    check_positive(scale)
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: Normal(output, jnp.asarray(scale, output.dtype)),
        output_shape=lambda shape: shape,
        output_bias=jnp.asarray,
    )


def gaussian_with_learned_scale(initial_scale: float = INITIAL_SCALE) -> Likelihood:
    """Real pixels with the same noise everywhere, its scale learned with the model; the decoder gives the means.

    With `objectives.over_batch_with_optimal_scale`, the gradient of the means is taken at the best scale for the batch,
    and the learned scale follows.

    Args:
        initial_scale: Initial σ > 0; its logarithm is the parameter.

    Raises:
        ValueError: If the scale is not positive.

    Source: Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202, section 3.
    """
    return Likelihood(
        init=learned_scale(initial_scale),
        bind=lambda params, output: Normal(output, bounded_exp(params["log_scale"])),
        output_shape=lambda shape: shape,
        output_bias=jnp.asarray,
    )


def gaussian_with_scale_per_pixel(smallest_scale: float = 1e-2, *, initial_scale: float = INITIAL_SCALE) -> Likelihood:
    """Real pixels, each with a noise of its own that depends on z; the decoder gives (mean, log scale) for each.

    Args:
        smallest_scale: Added to σ. Without a floor the density of a pixel that never changes has no bound, and
            training diverges towards it.
        initial_scale: Initial σ > 0, beside the floor.

    Raises:
        ValueError: If the floor or the scale is not positive.
    """
    check_positive(smallest_scale)
    check_positive(initial_scale)
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: Normal(output[..., 0], smallest_scale + bounded_exp(output[..., 1])),
        output_shape=lambda shape: (*shape, 2),
        output_bias=lambda mean: pairs(mean, jnp.log(initial_scale)),
    )
