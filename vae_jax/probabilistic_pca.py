"""Probabilistic principal component analysis: the linear VAE that has a closed form.

x = W z + μ + σ ε with z, ε standard normal, so x ~ N(μ, W Wᵀ + σ² I). Nothing here builds the d x d covariance: with
M = WᵀW + σ² I (q x q) the cost for one example is O(d q).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, ArrayLike, Float, Real, Scalar

from vae_jax.pca import pca

_HIGHEST = jax.lax.Precision.HIGHEST


class ProbabilisticPCA(NamedTuple):
    """p(z) = N(0, I) and p(x|z) = N(W z + μ, σ² I), and the likelihood of the data that they were fitted to."""

    mean: Float[Array, " d"]
    """The mean μ of the data."""
    weight: Float[Array, "d q"]
    """The weight matrix W."""
    noise_scale: Scalar
    """σ, the standard deviation of the noise in every direction."""
    log_likelihood: Scalar
    """The mean of log p(x) over the fitted data, in nats per example: no linear VAE of this latent size exceeds it."""


class ExactPosterior(NamedTuple):
    """p(z|x) = N(weight (x − μ), ·): the optimum of a linear encoder."""

    weight: Float[Array, "q d"]
    """M⁻¹Wᵀ, which takes a centred example to the posterior mean."""
    scale: Float[Array, " q"]
    """The standard deviations of the posterior's marginals, σ √(M⁻¹)ᵢᵢ, the same for every x."""


def probabilistic_pca(data: Real[ArrayLike, "n d"], latent_size: int) -> ProbabilisticPCA:
    """The maximum-likelihood linear-Gaussian model with q latent dimensions, in closed form.

    σ² = (λ_{q+1} + … + λ_d)/(d − q) and W = U_q (Λ_q − σ²)^½ R with R = I, λ and U from the covariance (1/N). Any
    rotation R is as likely; R = I alone makes the posterior diagonal, so that a VAE with a linear encoder and a
    diagonal posterior has ELBO = log p(x) there. The log-likelihood of the data is, per example,
    −½ [d log 2π + Σ_{i≤q} log λᵢ + (d − q) log σ² + d].

    Args:
        data: N examples of d numbers each.
        latent_size: q, at least 1 and below min(N − 1, d), so that variance is left over for the noise.

    Returns:
        A `ProbabilisticPCA`. If the data lie in a subspace of q dimensions, σ is zero (or rounding error) and the
        log-likelihood unbounded.

    Raises:
        ValueError: If the data are not a matrix or `latent_size` is out of range.

    Example:
        >>> import numpy as np
        >>> corners = np.array([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]])  # variances 4 and 1
        >>> model = probabilistic_pca(corners, latent_size=1)
        >>> bool(np.allclose(model.weight[:, 0], [3**0.5, 0.0], atol=1e-6)), float(model.noise_scale)
        (True, 1.0)

    Source: Tipping & Bishop 1999, "Probabilistic principal component analysis", equations 7 to 9.
    """
    fitted = pca(data, latent_size)
    num_examples, data_size = jnp.shape(data)
    if latent_size >= min(num_examples - 1, data_size):
        raise ValueError(
            f"expected a latent_size below {min(num_examples - 1, data_size)}, the smaller of {num_examples} examples "
            f"minus one and {data_size} numbers each; got {latent_size}, which leaves no variance for the noise; "
            "choose a smaller one or take more examples"
        )
    kept, left_out = fitted.eigenvalues[:latent_size], fitted.eigenvalues[latent_size:]
    variance = left_out.mean()
    log_likelihood = -0.5 * (
        data_size * jnp.log(2 * jnp.pi) + jnp.log(kept).sum() + len(left_out) * jnp.log(variance) + data_size
    )
    # Where the spectrum is flat, rounding can put the mean of the smaller eigenvalues above the larger.
    weight = fitted.components * jnp.sqrt(jnp.maximum(kept - variance, 0))
    return ProbabilisticPCA(fitted.mean, weight, jnp.sqrt(variance), log_likelihood)


def marginal_log_prob(model: ProbabilisticPCA, x: Real[ArrayLike, " d"]) -> Scalar:
    """The log-likelihood of one example, seen or held out: log p(x) = log N(x; μ, W Wᵀ + σ² I), for any W.

    With m = M⁻¹Wᵀ(x − μ) the quadratic form is ‖x − μ − W m‖²/σ² + ‖m‖², a sum of squares: nothing cancels when σ is
    small. The determinant is (d − q) log σ² + log det M.

    Args:
        model: The fitted model.
        x: One example; `jax.vmap(marginal_log_prob, (None, 0))` for many.

    Returns:
        Nats.

    Example:
        >>> import jax, numpy as np
        >>> data = np.random.default_rng(0).normal(size=(50, 4))
        >>> model = probabilistic_pca(data, latent_size=2)
        >>> per_example = jax.vmap(marginal_log_prob, (None, 0))(model, data)
        >>> bool(np.isclose(per_example.mean(), model.log_likelihood, rtol=1e-5))
        True
    """
    data_size, latent_size = model.weight.shape
    factor = _cholesky_of_m(model)
    centred = jnp.asarray(x) - model.mean
    code = cho_solve((factor, True), jnp.matmul(model.weight.T, centred, precision=_HIGHEST))
    residual = (centred - jnp.matmul(model.weight, code, precision=_HIGHEST)) / model.noise_scale
    log_determinant = 2 * ((data_size - latent_size) * jnp.log(model.noise_scale) + jnp.log(jnp.diag(factor)).sum())
    quadratic = jnp.sum(jnp.square(residual)) + jnp.sum(jnp.square(code))
    return -0.5 * (data_size * jnp.log(2 * jnp.pi) + log_determinant + quadratic)


def exact_posterior(model: ProbabilisticPCA) -> ExactPosterior:
    """p(z|x) of the linear-Gaussian model: mean M⁻¹Wᵀ(x − μ), covariance σ² M⁻¹.

    At R = I, as fitted, M = Λ_q is diagonal and `scale`, σ/√λᵢ, describes the covariance completely. For a rotated W
    the posterior is correlated, and `scale` holds its marginals only.

    Args:
        model: The fitted model.

    Returns:
        An `ExactPosterior`.
    """
    factor = _cholesky_of_m(model)
    inverse = cho_solve((factor, True), jnp.eye(len(factor), dtype=factor.dtype))
    weight = jnp.matmul(inverse, model.weight.T, precision=_HIGHEST)
    return ExactPosterior(weight, model.noise_scale * jnp.sqrt(jnp.diag(inverse)))


def _cholesky_of_m(model: ProbabilisticPCA) -> Float[Array, "q q"]:
    gram = jnp.matmul(model.weight.T, model.weight, precision=_HIGHEST)
    return jnp.linalg.cholesky(gram + jnp.square(model.noise_scale) * jnp.eye(len(gram), dtype=gram.dtype))
