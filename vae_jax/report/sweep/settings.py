"""The swept values and the settings of the search, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vae_jax.report.numbers import setting
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale, field_words, value_words

FEW = 12
"""Largest number of values of a field that are listed; for more values, only the ends are."""


def swept_values(scale: Scale) -> str:
    """The values of a field, in words.

    Example:
        >>> swept_values(Scale("beta", "log", (1.0, 2.0, 8.0)))
        '1 · 2 · 8'
        >>> swept_values(Scale("seed", "linear", tuple(range(100))))
        '0 to 99, 100 values'
    """
    if scale.kind == "classes" or len(scale.values) <= FEW:
        return " · ".join(map(value_words, scale.values))
    return f"{value_words(scale.values[0])} to {value_words(scale.values[-1])}, {len(scale.values):,} values"


def setting_words(fields: Mapping[str, Any], scales: Sequence[Scale]) -> str:
    """The values of some fields of one run, in words.

    Example:
        >>> setting_words({"beta": 4.0, "latent_size": 8}, [Scale("latent_size", "log", (8, 16))])
        'latent size 8'
    """
    return ", ".join(f"{field_words(scale.name)} {value_words(fields.get(scale.name))}" for scale in scales)


def search_settings(search: Mapping[str, Any] | None) -> dict[str, str]:
    """The rows of the table about the search; a storage appears by its kind only: its address may hold a password.

    Example:
        >>> search_settings({"sampler": "tpe", "trials": 512, "storage": "postgresql://me:secret@host/db"})
        {'Sampler': 'tpe', 'Trials': '512', 'Storage': 'postgresql'}
    """
    if not search or not search.get("sampler"):
        return {}
    names = {"sampler": "Sampler", "trials": "Trials", "stopping": "Early stopping", "seed": "Seed of the search"}
    rows = {words: setting(search[name], grouped=True) for name, words in names.items() if search.get(name) is not None}
    if search.get("objectives"):
        rows["Objectives"] = ", ".join(quantity_of(name).name for name in search["objectives"])
    if search.get("storage"):
        rows["Storage"] = str(search["storage"]).partition("://")[0]
    return rows
