"""Floating-point operations: the count of a traced function, and counts in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax


class Work(NamedTuple):
    """The numbers from which the use of the devices is computed."""

    flops_per_image: float | None = None
    """Floating-point operations that training on one image takes."""
    peak: float | None = None
    """FLOP/s that the training devices reach together at best."""


def flops(function: Callable[..., Any], *arguments: Any) -> int | None:
    """Floating-point operations of one call, as XLA counts them before it optimises; nothing is compiled or run.

    A product and a sum count as two; those of integers, which random numbers need, count, too, but exponentials and
    logarithms do not. The more expensive side of a branch counts, and the body of a loop counts once, however often it
    runs.

    Args:
        function: The function to call; what it does not use is not counted.
        *arguments: Arrays, or their shapes and types.

    Returns:
        The count; None where the backend has no such analysis.

    Example:
        >>> flops(lambda a, b: a @ b, jax.numpy.ones((2, 3)), jax.numpy.ones((3, 5)))
        60
    """
    lowered = jax.jit(function).lower(*arguments)
    try:
        found = lowered.cost_analysis() or {}
    except Exception:  # each backend has its own way to say that it has none
        return None
    count = found.get("flops", -1)  # negative is XLA's word for unknown
    return round(count) if count >= 0 else None


def in_words(count: float, unit: str = "FLOP") -> str:
    """A count or a rate with three digits.

    Example:
        >>> in_words(343_934_848), in_words(35.2e9, "FLOP/s"), in_words(7)
        ('344 MFLOP', '35.2 GFLOP/s', '7 FLOP')
    """
    prefixes = ["", "k", "M", "G", "T", "P"]
    while count >= 999.5 and len(prefixes) > 1:
        count, prefixes = count / 1000, prefixes[1:]
    return f"{count:.3g} {prefixes[0]}{unit}"


def speed_in_words(images_per_second: float, work: Work) -> str:
    """The FLOP/s that were achieved, and their share of the peak, as far as that is known.

    Example:
        >>> speed_in_words(10_000.0, Work(3.5e6, peak=5e11)), speed_in_words(10_000.0, Work(3.5e6))
        ('35 GFLOP/s, 7 % of peak', '35 GFLOP/s')
    """
    if work.flops_per_image is None:
        return ""
    achieved = images_per_second * work.flops_per_image
    if work.peak is None:
        return in_words(achieved, "FLOP/s")
    percent = 100 * achieved / work.peak
    shown = f"{percent:.0f}" if percent >= 10 else f"{percent:.2g}"
    return f"{in_words(achieved, 'FLOP/s')}, {shown} % of peak"
