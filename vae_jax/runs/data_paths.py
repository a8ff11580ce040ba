"""Relative paths of data, which are meant in the folder in which a run was begun."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from vae_jax.data.config import DataConfig
from vae_jax.data.source import as_begun


def data_as_begun(config: Any, folder: str | Path | None) -> Any:
    """A config whose relative paths of data lead from the folder in which its run was begun.

    Args:
        config: The experiment's `Config`.
        folder: The folder; None where it is not known, and paths lead from the present one.
    """
    if folder is None or Path(folder) == Path.cwd():
        return config
    parts = {field.name: getattr(config, field.name) for field in fields(config)}
    data = {name: as_begun(part, Path(folder)) for name, part in parts.items() if isinstance(part, DataConfig)}
    return replace(config, **data)
