"""Penalties that `elbo` subtracts in place of the plain KL: its `penalty=`, a function of the KL.

The metric `kl` stays the true one. A penalty that follows a schedule is made anew at every step:
`over_batch(elbo, penalty=lambda step: capacity(target(step)))`. Those here have kinks, so with `sampled_kl` they are
refused by the estimators that leave out a score.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Scalar


def capacity(target: float | Scalar) -> Callable[[Float[Array, "*parts"]], Scalar]:
    """The distance of the KL from a capacity, |KL − C|: the code is held at C nats, not squeezed to none.

    The factor γ in front is the objective's `beta`.

    Args:
        target: C ≥ 0 in nats, a number or a traced scalar; raised during training.

    Returns:
        A function from the KL to nats ≥ 0. Given an estimate of the KL from samples, it is the distance of the
        estimate, which in expectation is larger: give it the closed form.

    Example:
        >>> float(capacity(25.0)(jnp.asarray([10.0, 12.0])))
        3.0

    Source: Burgess et al. 2018, arXiv:1804.03599.
    """
    return lambda kl: jnp.abs(jnp.sum(kl) - target)


def weighted_parts(weights: Float[ArrayLike, "*#parts"]) -> Callable[[Float[Array, "*parts"]], Scalar]:
    """The KL with a weight for each part, Σ_g w_g KL_g: a warm-up of each group of a hierarchy by itself, say.

    Give the objective `kl=analytic_kl_per_group`, whose parts are in the order of the groups' names.

    Args:
        weights: w_g ≥ 0 for each part, or one for all. With all of them 1 it is the bound.

    Returns:
        A function from the KL's parts to nats.

    Example:
        >>> float(weighted_parts(jnp.asarray([0.5, 1.0]))(jnp.asarray([10.0, 12.0])))
        17.0

    Source: Vahdat & Kautz 2020, arXiv:2007.03898, appendix A, for weights of groups during the warm-up.
    """
    return lambda kl: jnp.sum(jnp.asarray(weights) * kl)


def free_bits(nats: float | Scalar, num_groups: int | None = None) -> Callable[[Float[Array, "*parts"]], Scalar]:
    """The KL with a floor under each group of dimensions: Σ_g max(λ, KL_g), so that λ nats per group cost nothing.

    Give the objective `kl=analytic_kl_per_dimension`, or `analytic_kl_per_group` for the groups of a hierarchy; a `kl`
    of one number is a single group.

    Args:
        nats: λ ≥ 0 for each group, a number or a traced scalar.
        num_groups: The number of groups of neighbouring dimensions; None for a group for each dimension.

    Returns:
        A function from the KL's parts to nats; a group below the floor gets no gradient.

    Raises:
        ValueError: If the dimensions cannot be split into that many equal groups.

    Example:
        >>> kl = jnp.asarray([0.1, 0.2, 1.0, 2.0])
        >>> float(free_bits(0.5)(kl)), float(free_bits(0.5, num_groups=2)(kl))
        (4.0, 3.5)

    Source: Kingma et al. 2016, arXiv:1606.04934.

    Differs from the paper: the floor holds for each example, not for the mean over a minibatch.
    """

    def penalty(kl: Float[Array, "*parts"]) -> Scalar:
        if num_groups is None:
            return jnp.maximum(nats, kl).sum()
        if num_groups < 1 or jnp.size(kl) % num_groups:
            raise ValueError(
                f"expected a number of groups that divides the {jnp.size(kl)} parts of the KL; got {num_groups}; "
                "change num_groups, or give the objective kl=analytic_kl_per_dimension"
            )
        return jnp.maximum(nats, jnp.reshape(kl, (num_groups, -1)).sum(axis=1)).sum()

    return penalty
