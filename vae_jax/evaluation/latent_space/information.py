"""The information in codes: the KL of the bound, taken apart along the aggregate posterior q(z) = (1/N) Σₙ q(z|xₙ)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vae_jax import formulas
from vae_jax.distributions import Normal

PAIRS_AT_ONCE = 2**22
"""Number of numbers of densities in memory at once."""


class Information(NamedTuple):
    """The mean KL(q(z|x) ‖ p(z)) of N examples, in nats, as sums of parts, exact for these N and their draws."""

    kl: float
    """E log q(z|x) − log p(z): `mutual_information` + `aggregate_kl`."""
    mutual_information: float
    """I_q(x; z) of the N examples, E log q(z|x) − log q(z): at most log N, so a lower bound for more examples."""
    aggregate_kl: float
    """KL(q(z) ‖ p(z)), E log q(z) − log p(z): how far codes are from filling the prior as draws do; for more examples
    it is smaller."""
    total_correlation: float | None
    """E log q(z) − Σₖ log q(zₖ): how far the dimensions are from independent; None unless q(z|x) is a `Normal`."""
    dimension_wise_kl: float | None
    """Σₖ E log q(zₖ) − log p(zₖ): `aggregate_kl` − `total_correlation`; None unless p(z) is a `Normal`, too."""
    largest: float
    """log N, the most that `mutual_information` can be."""


def information(posteriors: Any, prior: Any, codes: Any) -> Information:
    """Take the KL apart.

    Args:
        posteriors: q(z|xₙ) of N examples: a distribution whose arrays have a leading axis.
        prior: p(z), likewise: under conditions it is another for each example.
        codes: zₙ ~ q(z|xₙ), an array or a pytree of them with the leading axis.

    Returns:
        Nats. The estimator is that of the whole sample: q(z) is the mixture of exactly these N posteriors.

    Source: Hoffman & Johnson 2016, "ELBO surgery" (`mutual_information`, `aggregate_kl`); Chen et al. 2018,
    arXiv:1802.04942, equation 2 (the other two).

    Example:
        >>> apart = Normal(jnp.array([[-9.0], [9.0]]), jnp.ones((2, 1)))
        >>> found = information(apart, Normal(jnp.zeros((2, 1)), jnp.ones((2, 1))), jnp.array([[-9.0], [9.0]]))
        >>> round(found.mutual_information, 3), round(found.kl, 3), round(found.largest, 3)
        (0.693, 40.5, 0.693)
    """
    num = len(jax.tree.leaves(codes)[0])
    own = _float(jax.vmap(lambda q, z: q.log_prob(z))(posteriors, codes))
    of_prior = _float(jax.vmap(lambda p, z: p.log_prob(z))(prior, codes))
    is_normal = isinstance(posteriors, Normal)
    joint = _aggregate(lambda q, z: q.log_prob(z)[None], posteriors, codes, num, width=1)[:, 0]
    kl, mutual, aggregate_kl = np.mean(own - of_prior), np.mean(own - joint), np.mean(joint - of_prior)
    correlation = dimension_wise = None
    if is_normal:
        size = jax.tree.leaves(codes)[0][0].size
        marginals = _aggregate(_by_dimension, posteriors, codes, num, width=size)
        correlation = float(np.mean(joint - marginals.sum(axis=1)))
        if isinstance(prior, Normal):
            of_each = _float(jax.vmap(_by_dimension)(prior, codes))
            dimension_wise = float(np.mean((marginals - of_each).sum(axis=1)))
    return Information(float(kl), float(mutual), float(aggregate_kl), correlation, dimension_wise, float(np.log(num)))


def _by_dimension(normal: Normal, z: Float[Array, "*latent"]) -> Float[Array, " size"]:
    return jnp.broadcast_to(formulas.gaussian_log_prob(z, normal.loc, normal.scale), z.shape).reshape(-1)


def _aggregate(
    log_probs: Callable[[Any, Any], Array], posteriors: Any, codes: Any, num: int, *, width: int
) -> Float[np.ndarray, "num width"]:
    """log (1/N) Σⱼ q(zᵢ|xⱼ), by parts of the event, for some codes at once."""

    @jax.jit
    def of_some(posteriors: Any, codes: Any) -> Array:
        of_one = lambda z: jax.vmap(lambda q: log_probs(q, z))(posteriors)
        return jax.scipy.special.logsumexp(jax.vmap(of_one)(codes), axis=1) - jnp.log(num)

    size = max(1, min(num, PAIRS_AT_ONCE // (num * width)))
    parts = []
    for start in range(0, num, size):
        first = min(start, num - size)
        part = of_some(posteriors, jax.tree.map(lambda array, first=first: array[first : first + size], codes))
        parts.append(_float(part)[start - first :])
    return np.concatenate(parts)


def _float(values: Any) -> np.ndarray:
    return np.asarray(values, np.float64)
