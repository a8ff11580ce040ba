"""Arrays by name, from a MATLAB or a NumPy file."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def arrays_of(path: Path, *names: str) -> list[np.ndarray]:
    """Some arrays of a `.mat` or `.npz` file.

    Args:
        path: The file.
        names: Names of the arrays, which are returned in this order.

    Raises:
        ValueError: If it is not such a file, or has no such arrays.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                return [arrays[name] for name in names]
        from scipy.io import loadmat

        content = loadmat(path)
        return [content[name] for name in names]
    except MemoryError:
        raise
    # A damaged file may fail anywhere: zlib, zipfile, pickle and struct raise errors of their own.
    except Exception as error:
        raise ValueError(
            f"expected the arrays {', '.join(names)} in {path}; it cannot be read ({type(error).__name__}: {error}); "
            "lay a whole one there"
        ) from None
