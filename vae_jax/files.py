"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def expanded(path: str | Path) -> Path:
    """A path whose `~` is the home folder; as it is where nobody has that name.

    Example:
        >>> expanded("~/runs") == Path.home() / "runs", expanded("~nobody-here/runs")
        (True, PosixPath('~nobody-here/runs'))
    """
    return Path(os.path.expanduser(path))  # Path.expanduser raises where nobody has that name


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it: a reader sees the old file or the new one, never half a file."""
    # In the same folder, because a rename is atomic only within one file system; under one name, so that what a killed
    # process leaves behind is overwritten by the next.
    temporary = path.with_name(f".{path.name}.writing")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole or not at all.

    Args:
        folder: The folder.
        contents: Path in the folder -> content; folders on the way are made.
    """
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / path, content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, indented, whole or not at all."""
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json_lines(path: Path) -> list[Any]:
    """The complete lines of a file of JSON lines; none where there is no file.

    Raises:
        ValueError: If a line is not JSON.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]  # after the last newline there is nothing, or half a line
