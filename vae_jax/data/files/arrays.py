"""Arrays that numpy saved: an .npy file is memory-mapped, an .npz file is read into memory."""

from __future__ import annotations

import mmap
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Examples
from vae_jax.data.files.array_names import LABEL_NAMES, choose_names
from vae_jax.data.files.array_values import check_numbers, kept_shape
from vae_jax.data.files.labels import label_ids
from vae_jax.data.named_parts import part_type
from vae_jax.data.values import values_in


class MappedArray:
    """The array of an .npy file, whose rows are read when they are asked for.

    The file is opened when it is first used, so that a worker process opens it for itself.

    Args:
        path: The file.
        shape: Shape of the array in the file.
        dtype: Type of the array in the file.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.path = path
        self.shape = kept_shape(shape)
        self.dtype = dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        read = np.array((self.stored if isinstance(rows, slice) else self._scattered)[rows])
        return read.reshape(kept_shape(read.shape))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("stored", "_scattered")}

    @cached_property
    def stored(self) -> np.ndarray:
        """The array as it is in the file."""
        with _readable(self.path):
            return np.load(self.path, mmap_mode="r", allow_pickle=False)

    @cached_property
    def _scattered(self) -> np.ndarray:
        # With the usual read-ahead, each row of a shuffled batch would bring 128 KiB of other rows from the disk.
        with _readable(self.path):
            mapped: np.memmap = np.load(self.path, mmap_mode="r", allow_pickle=False)
        if hasattr(mmap, "MADV_RANDOM"):
            mapped._mmap.madvise(mmap.MADV_RANDOM)  # pyright: ignore[reportAttributeAccessIssue]
        return mapped


class _Header(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype


def read_arrays(path: Path, config: DataConfig) -> Dataset:
    """The examples of an .npy or .npz file.

    Args:
        path: The file.
        config: Its `examples` and `labels` choose arrays of an .npz file; its `max_value` says which value becomes 1.

    Returns:
        Whole numbers as integers, others as float32.

    Raises:
        ValueError: If it is not such a file, or its arrays cannot be told apart or hold other values than expected.
    """
    return _read_npy(path, config) if path.suffix.lower() == ".npy" else _read_npz(path, config)


def _read_npy(path: Path, config: DataConfig) -> Dataset:
    with _readable(path), path.open("rb") as file:
        shape, dtype = _read_header(file)
    check_numbers(str(path), shape, dtype)
    examples = MappedArray(path, shape, dtype)
    values = values_in({str(path): examples}, config.max_value)
    return Dataset(
        name=path.stem,
        description=f"{shape[0]:,} examples from {path.name}",
        splits={"train": Split(values.keep(examples))},
        max_value=values.max_value,
        values=values.words,
    )


def _read_npz(path: Path, config: DataConfig) -> Dataset:
    headers = _read_headers(path)
    shapes = {name: header.shape for name, header in headers.items()}
    chosen = choose_names(shapes, config.examples, config.labels, file=str(path))
    for names in chosen.values():
        check_numbers(f"'{names.examples}' of {path}", *headers[names.examples])
        if names.labels and headers[names.labels].dtype.hasobject:
            raise ValueError(
                f"expected a whole number or a word for each example as labels; '{names.labels}' of {path} holds "
                "Python objects; save it as integers or strings"
            )
    named = next((name for name in LABEL_NAMES if name in headers and headers[name].dtype.kind in "SU"), None)
    with _readable(path), np.load(path, allow_pickle=False) as arrays:
        stored = {split: arrays[names.examples] for split, names in chosen.items()}
        labels = {split: arrays[names.labels] for split, names in chosen.items() if names.labels}
        label_names = tuple(map(str, arrays[named])) if named else ()
    ids, words = label_ids(labels, str(path))
    stored = {split: array.reshape(kept_shape(array.shape)) for split, array in stored.items()}
    by_name = {f"'{chosen[split].examples}' of {path}": array for split, array in stored.items()}
    values = values_in(by_name, config.max_value)
    return Dataset(
        name=path.stem,
        description=f"{sum(map(len, stored.values())):,} examples from {path.name}",
        splits={split: Split(values.keep(array), ids.get(split)) for split, array in stored.items()},
        max_value=values.max_value,
        label_names=words or label_names,
        values=values.words,
    )


def read_array_part(path: Path, config: DataConfig, name: str) -> dict[str, Examples]:
    """An array of an .npz file as a part of the examples: (num, ...) for each split that has one of that name.

    Returns:
        Whole numbers as int32 (bytes as uint8), booleans as they are, others as float32.

    Raises:
        ValueError: If there is no such array, or it holds anything but numbers.
    """
    if path.suffix.lower() == ".npy":
        raise ValueError(f"expected an .npz file for --data.parts {config.parts}; {path} holds a single array")
    headers = _read_headers(path)
    chosen = choose_names({key: header.shape for key, header in headers.items()}, name, option="parts", file=str(path))
    for names in chosen.values():
        if headers[names.examples].dtype.kind not in "biuf":
            raise ValueError(
                f"expected numbers in '{names.examples}' of {path} for --data.parts; got "
                f"{headers[names.examples].dtype}; name labels that are words by --data.labels, and take 'label'"
            )
    with _readable(path), np.load(path, allow_pickle=False) as arrays:
        return {split: _as_part(arrays[names.examples]) for split, names in chosen.items()}


def _as_part(array: np.ndarray) -> np.ndarray:
    return array.astype(part_type(array.dtype), copy=False)


def _read_headers(path: Path) -> dict[str, _Header]:
    headers = {}
    with _readable(path), zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                with archive.open(member) as file:
                    headers[member.removesuffix(".npy")] = _read_header(file)
    return headers


def _read_header(file: IO[bytes]) -> _Header:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return _Header(shape, dtype)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        writer = "numpy.save" if path.suffix.lower() == ".npy" else "numpy.savez"
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"expected a file that {writer} wrote; {path} cannot be read ({reason}); save it again"
        ) from None
