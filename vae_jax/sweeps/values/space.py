"""The axes of a search as Optuna sees them, and points on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from vae_jax.sweeps.values.axes import Axis, Values

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def distribution_of(axis: Axis) -> BaseDistribution:
    """The distribution that Optuna draws the values of an axis from.

    Single values become a choice among their texts: a storage keeps no tuples, and takes 1, 1.0 and True for the same.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Values):
        return CategoricalDistribution([repr(value) for value in axis.values])
    if axis.is_integer:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.is_log)
    return FloatDistribution(float(axis.low), float(axis.high), log=axis.is_log)


def stored(axis: Axis, value: Any) -> Any:
    """A value of an axis as Optuna keeps it."""
    return repr(value) if isinstance(axis, Values) else value


def value_of(axis: Axis, kept: Any) -> Any:
    """A value of an axis, of the axis' type, from what Optuna keeps.

    Example:
        >>> value_of(Values(((64,), (64, 32))), "(64, 32)")
        (64, 32)
    """
    if isinstance(axis, Values):
        return next(value for value in axis.values if repr(value) == kept)
    return int(kept) if axis.is_integer else float(kept)


def value_at(axis: Axis, share: float) -> Any:
    """The value at a share of an axis, so that even shares are spread evenly over it.

    Args:
        axis: Any axis.
        share: A number in [0, 1).

    Example:
        >>> from vae_jax.sweeps.values.axes import Interval
        >>> value_at(Values(("relu", "tanh")), 0.5), value_at(Interval(2, 4), 0.5)
        ('tanh', 3.0)
        >>> [value_at(Interval(1, 4, is_integer=True), share) for share in (0.0, 0.24, 0.25, 0.99)]
        [1, 1, 2, 4]
    """
    if isinstance(axis, Values):
        return axis.values[int(share * len(axis.values))]
    # Half a step more on both sides: so that as much rounds to the end integers as to the others.
    margin = 0.5 if axis.is_integer else 0.0
    low, high = axis.low - margin, axis.high + margin
    if axis.is_log:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    # Rounding may carry it over an end.
    value = min(max(math.floor(value + 0.5) if axis.is_integer else value, axis.low), axis.high)
    return int(value) if axis.is_integer else float(value)


def in_words(axis: Axis) -> str:
    """An axis in words, for a message and for a comparison with another axis.

    Example:
        >>> from vae_jax.sweeps.values.axes import Interval
        >>> in_words(Values((1, 2))), in_words(Interval(1e-4, 0.1, is_log=True))
        ('1, 2', '0.0001 to 0.1, log')
    """
    if isinstance(axis, Values):
        return ", ".join(map(repr, axis.values))
    kinds = {"log": axis.is_log, "whole": axis.is_integer, f"{axis.num} points": axis.num is not None}
    return ", ".join([f"{axis.low:g} to {axis.high:g}", *(kind for kind, is_so in kinds.items() if is_so)])
