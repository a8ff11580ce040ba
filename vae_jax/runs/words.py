"""The metrics and the pace of a run in words, as every display shows them."""

from __future__ import annotations

from typing import Any

from vae_jax.machine.flops import Work, speed_in_words

Line = dict[str, Any]
NOTHING_KNOWN = Work()


def terms(line: Line) -> str:
    """The numbers of a line of metrics, in words.

    Example:
        >>> terms({"step": 1, "value": -101.234, "kl": 20.5, "active_units": 7})
        'value -101.23  KL 20.50  active units 7'
    """
    shown = {"value": "value", "log_likelihood": "log p(x|z)", "kl": "KL", "gradient_norm": "gradient"}
    parts = [f"{name} {line[key]:.2f}" for key, name in shown.items() if line.get(key) is not None]
    if "active_units" in line:
        parts.append(f"active units {line['active_units']}")
    if line.get("num_skipped"):
        parts.append(f"skipped {line['num_skipped']}")
    return "  ".join(parts)


def speed(images_per_second: float | None, seconds_left: float | None, work: Work = NOTHING_KNOWN) -> str:
    """The speed and the time left in words, as far as they are known.

    Example:
        >>> speed(12_345.6, 75.0), speed(10_000.0, 75.0, Work(3.5e6, peak=5e11))
        ('12,346 images/s, 1 min 15 s left', '10,000 images/s, 35 GFLOP/s, 7 % of peak, 1 min 15 s left')
    """
    if images_per_second is None or seconds_left is None:
        return ""
    parts = [f"{images_per_second:,.0f} images/s", speed_in_words(images_per_second, work), duration(seconds_left)]
    return f"{', '.join(filter(None, parts))} left"


def duration(seconds: float) -> str:
    """Seconds in words.

    Example:
        >>> duration(75), duration(4000)
        ('1 min 15 s', '1 h 6 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
