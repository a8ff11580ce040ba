"""Files that are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a reader, or a run killed at any instant, sees the old content or the new, never a part.

    Args:
        path: Where; its folder must exist.
        content: The whole file.
    """
    path = Path(path)
    # In the same folder, because a rename is atomic only within one file system; under one name, so that what a
    # killed run leaves behind is overwritten by the next.
    temporary = path.with_name(f".{path.name}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
