"""Schedules of a hyper-parameter: functions of the training step, for `over_batch(elbo, beta=...)`.

Every argument is a number or a traced scalar, so that a sweep may run over them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

Number: TypeAlias = float | Scalar
Schedule: TypeAlias = Callable[[Scalar | int], Scalar]


def linear_warm_up(num_steps: Number, start: Number = 0.0, end: Number = 1.0) -> Schedule:
    """A straight line from `start` to `end` over the first steps, and `end` from there on.

    Args:
        num_steps: The number of steps on the way, ≥ 0; with 0 the value is `end` at once.
        start: The value at step 0.
        end: The value from step `num_steps` on.

    Returns:
        A function of the step.

    Example:
        >>> beta = linear_warm_up(100)
        >>> [float(beta(step)) for step in (0, 25, 100, 1_000)]
        [0.0, 0.25, 1.0, 1.0]

    Source: Bowman et al. 2016, arXiv:1511.06349 (KL annealing); Sønderby et al. 2016, arXiv:1602.02282 (along a
    straight line).
    """
    return lambda step: start + (end - start) * _ramp(step, num_steps)


def cyclic(num_steps: Number, fraction: Number = 0.5, start: Number = 0.0, end: Number = 1.0) -> Schedule:
    """The linear warm-up, repeated: a part of each cycle on the way from `start` to `end`, the rest at `end`.

    Args:
        num_steps: The length of a cycle, > 0.
        fraction: R in [0, 1], the part of a cycle that the way takes.
        start: The value where a cycle begins.
        end: The value after the way.

    Returns:
        A function of the step.

    Example:
        >>> beta = cyclic(100, fraction=0.5)
        >>> [float(beta(step)) for step in (0, 25, 50, 99, 100, 125)]
        [0.0, 0.5, 1.0, 1.0, 0.0, 0.5]

    Source: Fu et al. 2019, arXiv:1903.10145.
    """
    return lambda step: start + (end - start) * _ramp(jnp.mod(step, num_steps), fraction * num_steps)


def sigmoid(midpoint: Number, width: Number, start: Number = 0.0, end: Number = 1.0) -> Schedule:
    """A logistic curve from `start` to `end`: start + (end − start) s((step − midpoint) / width).

    Args:
        midpoint: The step half way from `start` to `end`.
        width: > 0, in steps: from 12 % to 88 % of the way it takes four widths.
        start: The value long before the midpoint.
        end: The value long after the midpoint.

    Returns:
        A function of the step.

    Example:
        >>> float(sigmoid(midpoint=100, width=10)(100))
        0.5

    Source: Bowman et al. 2016, arXiv:1511.06349.
    """
    return lambda step: start + (end - start) * jax.nn.sigmoid((step - midpoint) / width)


def _ramp(step: Scalar | int, num_steps: Number) -> Scalar:
    """A ramp from 0 to 1, which stays at 1 from `num_steps` on; `num_steps` may be 0."""
    return jnp.where(step >= num_steps, 1.0, step / jnp.where(num_steps == 0, 1.0, num_steps))
