"""The metrics file: JSON lines, neither lost nor doubled by an interruption."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from vae_jax.files import naming, read_json_lines
from vae_jax.messages import RunError

BYTES_IN_WAITING = 2**20


class MetricsFile:
    """A file of one JSON object a line. A checkpoint records its length, and resuming cuts it back to that.

    Args:
        path: The file, which is made if it does not exist.
        num_bytes: Length of the part that belongs to the checkpoint that the run goes on from.

    Raises:
        RunError: If the file is shorter than that.
    """

    def __init__(self, path: Path, num_bytes: int = 0) -> None:
        size = path.stat().st_size if path.exists() else 0
        if size < num_bytes:
            raise RunError(
                f"expected at least {num_bytes} bytes in {path}, as when the checkpoint was saved; it has {size}; "
                "put back the file that was there, or train anew with --overwrite"
            )
        path.touch()
        os.truncate(path, num_bytes)
        self._path = path
        # Lines wait here for the checkpoint that they come before.
        self._file = path.open("ab", buffering=BYTES_IN_WAITING)

    def write(self, line: dict[str, Any]) -> None:
        """Append a line."""
        with naming(self._path):
            self._file.write((json.dumps(plain(line), allow_nan=False) + "\n").encode())

    def sync(self) -> int:
        """Put every line on the disk, and return the number of bytes."""
        with naming(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    def close(self) -> None:
        """Put every line on the disk and close the file."""
        with naming(self._path):
            try:
                self.sync()
            finally:
                self._file.close()


class NoMetricsFile:
    """A stand-in for the metrics file in a process that writes none, because another process writes it."""

    def write(self, line: dict[str, Any]) -> None:
        """Do nothing."""

    def sync(self) -> int:
        """Do nothing, and return 0 bytes."""
        return 0

    def close(self) -> None:
        """Do nothing."""


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a metrics file.

    Raises:
        UsageError: If a line is damaged.
    """
    return read_json_lines(path)


def plain(value: Any) -> Any:
    """Arrays and numbers as values that JSON knows; a number that is not finite becomes null."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain(np.asarray(value).tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
