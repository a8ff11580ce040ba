"""Numbers and settings, formatted for a reader."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MOST_GROUPS = 12
"""The number of groups of latents up to which the KL of each has a row of its own."""


class Headline(NamedTuple):
    """One large number of the page."""

    name: str
    value: str
    unit: str
    meaning: str


KNOWN = {
    "elbo", "log_likelihood", "kl", "nll", "nll_standard_error", "num_samples", "bits_per_dim", "active_units",
    "latent_size", "elbo_standard_error", "checkpoint_step", "transform", "seed",
    "kl_per_dimension", "squared_error", "split", "selection", "binarisation", "notes", "num_examples", "num_steps",
    "num_skipped", "share_of_heavy_tails", "code_usage", "code_perplexity", "rate_in_bits",
}  # fmt: skip
"""The keys of evaluation.json that have a place of their own on the page."""


def headlines(evaluation: Mapping[str, Any]) -> list[Headline]:
    """The numbers that a reader looks for first, those that this evaluation has.

    Args:
        evaluation: evaluation.json, any of whose keys may be missing or None.

    Example:
        >>> headlines({"elbo": -103.416, "nll": None})[0][:3]
        ('ELBO', '−103.42', 'nats')
    """
    samples = evaluation.get("num_samples")
    latent_size = evaluation.get("latent_size")
    of = f"of {latent_size}" if is_number(latent_size) else ""
    with_samples = f" with {samples:,} samples" if is_number(samples) else ""

    def nats(error: float | None) -> str:
        return "nats" if error is None else f"± {decimal(error)} nats"

    rows = [
        (
            "elbo",
            2,
            "ELBO",
            nats(evaluation.get("elbo_standard_error")),
            "The bound on log p(x) that training raised. Higher is better.",
        ),
        (
            "nll",
            2,
            "−log p(x)",
            nats(evaluation.get("nll_standard_error")),
            f"Importance-weighted estimate{with_samples}. Lower is better.",
        ),
        ("bits_per_dim", 3, "Bits per dimension", "bits", "The same for each pixel, to compare across sizes."),
        ("log_likelihood", 2, "Reconstruction", "nats", "E log p(x|z): how well a code explains its example."),
        ("kl", 2, "KL", "nats", "What a code tells about its example beyond the prior."),
        ("active_units", 0, "Active units", of, "Latent dimensions that the model uses."),
        ("code_usage", 3, "Codes in use", "of all", "The share of the codes that any example has."),
        ("code_perplexity", 1, "Perplexity of the codes", "", "As many codes, equally often used, are as uncertain."),
        ("rate_in_bits", 1, "Rate", "bits", "The message that names the codes of an example, under the prior."),
        ("squared_error", None, "Squared error", "", "Between an example and its reconstruction."),
    ]
    return [
        Headline(name, decimal(evaluation[key], digits), unit, meaning)
        for key, digits, name, unit, meaning in rows
        if is_number(evaluation.get(key))
    ]


def other_measures(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of an evaluation that have no place of their own on the page; of many groups, a plot alone tells."""
    of_groups = evaluation.get("kl_per_group", {})
    groups = {f"KL of group {name}": kl for name, kl in of_groups.items()} if len(of_groups) <= MOST_GROUPS else {}
    return {key: value for key, value in {**evaluation, **groups}.items() if key not in KNOWN and is_number(value)}


def is_number(value: Any) -> bool:
    """Whether a value is a number to show: JSON has no NaN, so an absent number arrives as None."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def decimal(value: float, digits: int | None = 2) -> str:
    """A number with a true minus sign; `digits` after the point, or four significant ones for None.

    Example:
        >>> decimal(-1234.5678), decimal(0.0123456, None)
        ('−1,234.57', '0.01235')
    """
    if not math.isfinite(value):
        return str(value).replace("-", "−")
    shown = f"{value:,.{digits}f}" if digits is not None else f"{value:,.4g}"
    return shown.replace("-", "−")


def setting(value: Any, *, grouped: bool = False) -> str:
    """A value of a config, a data set or an environment, as text for a table.

    Args:
        value: Anything that JSON holds.
        grouped: Whether integers are counts, with their thousands apart, or settings, as a user would type them.

    Example:
        >>> setting(0.001), setting([500, 500]), setting({"train": 4000, "test": 500}, grouped=True), setting(None)
        ('0.001', '500, 500', 'train 4,000 · test 500', '—')
    """
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int) and grouped:
        return f"{value:,}"
    if isinstance(value, Mapping):
        return " · ".join(f"{key} {setting(item, grouped=grouped)}" for key, item in value.items())
    if isinstance(value, Sequence):
        return ", ".join(setting(item, grouped=grouped) for item in value)
    return json.dumps(value, default=str)


def words(key: str) -> str:
    """A key as words.

    Example:
        >>> words("num_examples"), words("example_shape")
        ('Number of examples', 'Example shape')
    """
    text = key.replace("_", " ").strip()
    text = "number of " + text[4:] if text.startswith("num ") else text
    return text[:1].upper() + text[1:]
