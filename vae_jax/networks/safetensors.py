"""Weights in a file, also of another library: the format safetensors, a header of JSON and raw arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": jnp.bfloat16}
_NAMES = {
    **{np.dtype(of): name for name, of in _TYPES.items()},
    **{np.dtype(f"{kind}{size // 8}"): f"{kind.upper()}{size}" for kind in "iu" for size in (8, 16, 32, 64)},
    np.dtype(bool): "BOOL",
}


def safetensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """The content of a .safetensors file.

    Args:
        tensors: name -> array of real numbers, integers or booleans.

    Source: https://github.com/huggingface/safetensors, "Format".

    Example:
        >>> safetensors({"a": np.zeros(2, np.float32)})[8:51]
        b'{"a":{"dtype":"F32","shape":[2],"data_offse'
    """
    header, place = {}, 0
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    for name, array in arrays.items():
        offsets = [place, place + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
        place += array.nbytes
    words = json.dumps(header, separators=(",", ":")).encode()
    words += b" " * (-len(words) % 8)
    return len(words).to_bytes(8, "little") + words + b"".join(array.tobytes() for array in arrays.values())


def read_safetensors(path: str | Path, like: Mapping[str, Any]) -> dict[str, Array]:
    """The tensors of a .safetensors file, for parameters that are a flat dict by the same names.

    Args:
        path: The file.
        like: name -> parameter, or anything with its shape and type, which the tensor is converted to.

    Returns:
        name -> array, with the names of `like`.

    Raises:
        ValueError: If the file is no safetensors, or a tensor is missing, is in the file but not among the parameters,
            is not of real numbers or has another shape.

    Source: https://github.com/huggingface/safetensors, "Format".
    """
    header, data = _opened(Path(path))
    if missing := sorted(like.keys() - header.keys()):
        raise ValueError(f"expected a tensor '{missing[0]}' in {path}; got none{_others(missing)}; {_REMEDY}")
    if extra := sorted(header.keys() - like.keys()):
        raise ValueError(
            f"expected no tensor but the parameters in {path}; got '{extra[0]}'{_others(extra)}; {_REMEDY}"
        )
    return {name: _tensor(path, name, header[name], data, parameter) for name, parameter in like.items()}


def _opened(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """name -> type, shape and place of each tensor, and the bytes behind the header, which are read when used."""
    num_bytes = path.stat().st_size
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(size)) if 2 <= size <= num_bytes - 8 else None
        except ValueError:
            header = None
    if not isinstance(header, dict):
        raise ValueError(
            f"expected a .safetensors file; got {path}, which does not begin with a header; save it as one"
        )
    header.pop("__metadata__", None)
    return header, np.memmap(path, np.uint8, "r", offset=8 + size) if num_bytes > 8 + size else np.empty(0, np.uint8)


def _tensor(path: str | Path, name: str, stored: Any, data: np.ndarray, like: Any) -> Array:
    shape, (start, end) = tuple(stored["shape"]), stored["data_offsets"]
    if shape != tuple(like.shape):
        raise ValueError(f"expected shape {tuple(like.shape)} of '{name}' in {path}; got {shape}; {_REMEDY}")
    if stored["dtype"] not in _TYPES:
        raise ValueError(f"expected real numbers ({', '.join(_TYPES)}) in '{name}' of {path}; got {stored['dtype']}")
    dtype = np.dtype(_TYPES[stored["dtype"]])
    if end - start != int(np.prod(shape)) * dtype.itemsize or end > len(data):
        raise ValueError(f"expected a whole file; got {path}, in which '{name}' is cut off; copy it again")
    return jnp.asarray(np.array(data[start:end]).view(dtype).reshape(shape), like.dtype)


_REMEDY = "build the network with the sizes that the file's config.json states"


def _others(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
