"""Likelihoods by their names, for a config that chooses one."""

from __future__ import annotations

from collections.abc import Callable

from vae_jax.messages import did_you_mean
from vae_jax.models.likelihoods.counts import (
    negative_binomial,
    poisson,
    zero_inflated_negative_binomial,
    zero_inflated_poisson,
)
from vae_jax.models.likelihoods.gaussian import gaussian, gaussian_with_learned_scale, gaussian_with_scale_per_pixel
from vae_jax.models.likelihoods.levels import (
    categorical_pixels,
    discretised_logistic,
    discretised_logistic_mixture,
    discretised_logistic_with_scale_per_pixel,
)
from vae_jax.models.likelihoods.likelihood import Likelihood
from vae_jax.models.likelihoods.long_tailed import laplace, student_t
from vae_jax.models.likelihoods.unit_interval import bernoulli, beta, continuous_bernoulli

_LIKELIHOODS: dict[str, Callable[[], Likelihood]] = {
    constructor.__name__: constructor
    for constructor in (
        bernoulli,
        beta,
        categorical_pixels,
        continuous_bernoulli,
        discretised_logistic,
        discretised_logistic_mixture,
        discretised_logistic_with_scale_per_pixel,
        gaussian,
        gaussian_with_learned_scale,
        gaussian_with_scale_per_pixel,
        laplace,
        negative_binomial,
        poisson,
        student_t,
        zero_inflated_negative_binomial,
        zero_inflated_poisson,
    )
}


def by_name(name: str) -> Likelihood:
    """The likelihood of this name, with its default options.

    Args:
        name: Name of a constructor of this package, such as "bernoulli".

    Raises:
        ValueError: If the name is not known; the message gives the nearest one.

    Example:
        >>> by_name("bernouli")
        Traceback (most recent call last):
        ValueError: expected a likelihood out of bernoulli, ...; got 'bernouli'; did you mean 'bernoulli'?
    """
    if name not in _LIKELIHOODS:
        known = ", ".join(_LIKELIHOODS)
        raise ValueError(f"expected a likelihood out of {known}; got {name!r}{did_you_mean(name, _LIKELIHOODS)}")
    return _LIKELIHOODS[name]()
