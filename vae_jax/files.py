"""Files that are written whole or not at all, and read whole or answered by a line that names them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae_jax.messages import UsageError


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
        with naming(path):
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


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the system name the file that it is about, which that of a full disk, say, does not."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_json(path: Path, content: Any) -> None:
    """Write JSON, indented, whole or not at all."""
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no file.

    Raises:
        UsageError: If it holds no JSON, or something other than an object.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UsageError(f"expected JSON in {path}; {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"expected an object in {path}; got another")
    return content


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a file of JSON objects, one a line; none where there is no file.

    Raises:
        UsageError: If a line is something else. It is not left out: what it was may have been the best of all.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]  # after the last newline there is nothing, or half a line
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
        except ValueError as error:
            raise UsageError(
                f"expected JSON in line {number} of {path}; {error}; put back the file that was there, or take the "
                "line out"
            ) from None
        if not isinstance(content, dict):
            raise UsageError(f"expected an object in line {number} of {path}; got another")
        found.append(content)
    return found
