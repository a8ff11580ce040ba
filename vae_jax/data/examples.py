"""Examples: an array, an object that is indexed like one and read on demand, or several of these together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from vae_jax.data.together import Together

# Modules that need JAX are imported inside functions: the name of a data set is known without them.


class Examples(Protocol):
    """An object with a length that returns examples by their rows: `ArrayLike`, or several of these `Together`."""

    def __len__(self) -> int:
        """The number of examples."""
        ...

    def __getitem__(self, rows: slice | np.ndarray, /) -> Any:
        """The examples of some rows, along the first axis of an array or of each array of a pytree."""
        ...


class ArrayLike(Examples, Protocol):
    """An object that is read like a numpy array whose first axis counts examples.

    A numpy array is `ArrayLike`. Other objects read files, decode images or compute pictures when rows are asked for,
    so that a data set may be larger than the memory. They can be pickled, because worker processes read them.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(num, *example_shape)."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """The type of a stored value."""
        ...

    def __getitem__(self, rows: slice | np.ndarray, /) -> np.ndarray:
        """The examples of a slice, or of an array of row numbers ≥ 0, in that order: (num rows, *example_shape)."""
        ...


class Computed(ArrayLike, Protocol):
    """Examples that the device computes from their row numbers, inside a compiled step: they take no memory."""

    def __getitem__(self, rows: Any, /) -> Any:
        """The examples of some rows, as in `ArrayLike`; row numbers may also be traced, and then so is the result."""
        ...

    def part(self, rows: range) -> Computed:
        """Some rows of the examples."""
        ...


def examples_of(stored: Any) -> Examples:
    """Examples as the package holds them: a pytree of arrays as `Together`, anything else as it is."""
    if hasattr(stored, "shape") or hasattr(stored, "map"):
        return stored
    from vae_jax.data.together import Together

    return Together(stored)


def is_together(examples: Examples) -> TypeGuard[Together]:
    """Whether an example has several parts."""
    return not hasattr(examples, "shape")


def of_parts(function: Callable[[Any], Any], examples: Examples) -> Any:
    """Apply a function to examples; where they have several parts, return the pytree of the results for each part."""
    return examples.map(function) if is_together(examples) else function(examples)


def with_parts(function: Callable[[Any], Any], examples: Examples) -> Any:
    """Apply a function from examples to examples, as `of_parts` does; the parts of the result are kept together."""
    return examples_of(of_parts(function, examples))


def named_arrays(examples: Examples) -> Iterator[tuple[str, Any]]:
    """The arrays of examples, each with its place in an example, `['x']`, or "" where an example has one part."""
    if not is_together(examples):
        yield "", examples
        return
    import jax

    from vae_jax.data.together import is_part

    for path, part in jax.tree_util.tree_leaves_with_path(examples.parts, is_leaf=is_part):
        yield jax.tree_util.keystr(path), part


def abstract_example(examples: Examples) -> Any:
    """Shape and type of one example, to trace with: a `jax.ShapeDtypeStruct`, or a pytree of them."""
    import jax

    return of_parts(lambda part: jax.ShapeDtypeStruct(part.shape[1:], part.dtype), examples)


class Part:
    """Some rows of examples, in an order of their own, read when they are asked for.

    Args:
        examples: The examples.
        rows: A range or an array of row numbers.
    """

    def __init__(self, examples: ArrayLike, rows: range | np.ndarray) -> None:
        self.examples = examples
        self.rows = rows
        self.shape = (len(rows), *examples.shape[1:])
        self.dtype = examples.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        if isinstance(self.rows, range):
            if isinstance(rows, slice):
                part = self.rows[rows]
                return self.examples[np.arange(part.start, part.stop, part.step)]
            return self.examples[self.rows.start + self.rows.step * np.asarray(rows)]
        return self.examples[self.rows[rows]]


def is_computed(examples: Any) -> TypeGuard[Computed]:
    """Whether examples are `Computed`."""
    return hasattr(examples, "part")


def part_of(examples: Examples, rows: range | np.ndarray) -> Any:
    """Some rows of examples, taken at once from an array in memory, and on demand from anything else."""
    return with_parts(lambda part: _part_of(part, rows), examples)


def _part_of(examples: ArrayLike, rows: range | np.ndarray) -> ArrayLike:
    if is_computed(examples) and isinstance(rows, range):
        return examples.part(rows)
    if isinstance(examples, np.ndarray):
        return examples[rows.start : rows.stop : rows.step] if isinstance(rows, range) else examples[rows]
    return Part(examples, rows)


class Joined:
    """Examples one after another, read when they are asked for.

    Args:
        parts: Arrays of examples of the same shape and type.
    """

    def __init__(self, parts: Sequence[ArrayLike]) -> None:
        self.parts = parts
        self.ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self.ends[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        rows = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows)
        which = np.searchsorted(self.ends, rows, side="right")
        result = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for index in np.unique(which):
            members = which == index
            start = self.ends[index] - len(self.parts[index])
            result[members] = self.parts[index][rows[members] - start]
        return result


def joined(parts: Sequence[Any]) -> Any:
    """Examples one after another, joined at once where all are arrays in memory, and on demand otherwise."""
    if len(parts) == 1:
        return parts[0]
    if is_together(parts[0]):
        import jax

        from vae_jax.data.together import Together, is_part

        return Together(jax.tree.map(lambda *of: joined(of), *(part.parts for part in parts), is_leaf=is_part))
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    return np.concatenate(arrays) if len(arrays) == len(parts) else Joined(parts)


def num_bytes(examples: Any) -> int:
    """The bytes that all examples would take in memory; those that the device computes take none."""
    if is_together(examples):
        import jax

        return sum(jax.tree.leaves(examples.map(num_bytes)))
    return 0 if is_computed(examples) else math.prod(examples.shape) * examples.dtype.itemsize


def chunks(examples: ArrayLike, size: int = 1_000) -> Iterator[np.ndarray]:
    """All examples, in order, `size` at a time."""
    for start in range(0, len(examples), size):
        yield np.asarray(examples[start : start + size])


def in_memory(examples: ArrayLike) -> np.ndarray:
    """All examples as one array."""
    if isinstance(examples, np.ndarray):
        return examples
    array = np.empty(examples.shape, examples.dtype)
    start = 0
    for chunk in chunks(examples):
        array[start : start + len(chunk)] = chunk
        start += len(chunk)
    return array
