"""The range of stored values: one rule, by which every reader tells levels, intensities and measurements apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from vae_jax.data.examples import ArrayLike
from vae_jax.messages import UsageError

TOLERANCE = 1e-5
"""Values this far below 0 or above 1 are taken for rounding errors of intensities, and moved to the end."""
_LARGEST_BYTE, _LARGEST_LEVEL = 255, 65_535
_BRIGHT = 128
"""The levels of fewer than 8 bits stay below it, and most pictures of bytes do not."""
# The number of values that are read at a time.
_CHUNK = 2**22


class Seen(NamedTuple):
    """The values of a data set, as far as they were seen."""

    low: float
    """The smallest value."""
    high: float
    """The largest value."""
    is_whole: bool
    """Whether all are whole numbers, of whatever type."""
    is_float: bool
    """Whether they are stored as floats."""
    is_uint8: bool = False
    """Whether all are stored as bytes, of which 255 is the largest."""

    def __str__(self) -> str:
        return f"{'whole' if self.is_whole else 'real'} numbers from {self.low:.7g} to {self.high:.7g}"


class UnknownMaximum(float):
    """The largest value of data whose range cannot be told: not a number, but what was seen instead.

    Args:
        seen: What was seen, and where, in words.
        low: The smallest value seen.
        high: The largest value seen.
    """

    seen: str
    low: float
    high: float

    def __new__(cls, seen: str, low: float, high: float) -> UnknownMaximum:
        self = super().__new__(cls, "nan")
        self.seen, self.low, self.high = seen, low, high
        return self

    def __getnewargs__(self) -> tuple[str, float, float]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.seen, self.low, self.high


class Values(NamedTuple):
    """The meaning of the values of a data set, stated or assumed."""

    max_value: float
    """The stored value that becomes 1; an `UnknownMaximum` where it cannot be told."""
    dtype: np.dtype
    """The type in which they are kept: integers for whole numbers, float32 for others."""
    words: str
    """The assumption in words."""

    def keep(self, examples: ArrayLike, name: str = "", *, is_sample: bool = False) -> ArrayLike:
        """The examples as they are kept: an array is converted now, anything else when its rows are read.

        Args:
            examples: The examples as they are stored.
            name: Their name in errors.
            is_sample: Whether only some of them were seen, so that the others are checked when they are read.
        """
        if not isinstance(examples, np.ndarray) or isinstance(examples, np.memmap):
            return examples if examples.dtype == self.dtype == np.uint8 else Kept(examples, self, name, is_sample)
        return self.converted(examples)

    def converted(self, array: np.ndarray) -> np.ndarray:
        """Values that were checked, in the type in which they are kept; the same array where that changes nothing."""
        array = array.astype(self.dtype, copy=False)
        if self.dtype.kind == "f" and array.size and not math.isnan(self.max_value):
            is_beyond = array.min() < 0 or array.max() > self.max_value
            return np.clip(array, 0, np.float32(self.max_value)) if is_beyond else array
        return array

    def check(self, array: np.ndarray, name: str, rows: np.ndarray) -> None:
        """Check values that come after those that the range was told from.

        Raises:
            UsageError: If a value is outside of the range, or not a whole number as the others are.
        """
        if (wrong := self.first_beyond(array)) is not None:
            row, value = wrong
            raise UsageError(
                f"expected values as in the first examples of {name}, {self.words}; item {rows[row]} has {value}; "
                "correct it, or give the largest value that there can be"
            )

    def first_beyond(self, array: np.ndarray) -> tuple[int, np.generic] | None:
        """Row and value of the first number that cannot be one of these; None if there is none."""
        with np.errstate(over="ignore"):
            is_right = np.isfinite(array.astype(np.float32, copy=False))
        if self.dtype.kind in "iu":
            is_right &= array == np.rint(array)
        if not math.isnan(self.max_value):
            is_right &= (array >= -TOLERANCE) & (array <= self.max_value * (1 + TOLERANCE))
        found = _first(~is_right)
        return None if found is None else (found[0], array.reshape(len(array), -1)[found])


def as_they_are(dtype: np.dtype) -> Values:
    """Values of whatever range, which are kept in a type: those of labels and of conditions."""
    return Values(UnknownMaximum("", 0, 0), dtype, "")


class Kept:
    """Examples in the type in which they are kept, converted when rows are read.

    Args:
        examples: The examples as they are stored.
        values: What is known of their values.
        name: Their name in errors.
        is_checked: Whether values are checked when they are read.
    """

    def __init__(self, examples: ArrayLike, values: Values, name: str, is_checked: bool) -> None:
        self.examples = examples
        self.values = values
        self.name = name
        self.is_checked = is_checked
        self.shape = examples.shape
        self.dtype = values.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        array = self.examples[rows]
        if self.is_checked:
            self.values.check(array, self.name, np.arange(len(self))[rows])
        return self.values.converted(array)


def values_in(
    stored: Mapping[str, ArrayLike],
    max_value: float | None = None,
    *,
    option: str = "--data.max-value {}",
    num_seen: int | None = None,
) -> Values:
    """The range of the values of a data set, by the rule `values_of`, from one pass over them.

    Args:
        stored: Name in errors of the examples of a split -> these examples, as they are stored.
        max_value: The stored value that becomes 1, where the user says it.
        option: How the user says it, with {} for the number.
        num_seen: The number of first examples of each split that are looked at; None for all.

    Raises:
        ValueError: If a value is not finite, or outside of [0, max_value]; the message names the row.
    """
    seen = [_seen(name, examples, num_seen, is_exact=max_value is not None) for name, examples in stored.items()]
    low, high, is_whole, is_float, is_uint8 = zip(*seen, strict=True)
    all_seen = Seen(min(low), max(high), all(is_whole), any(is_float), all(is_uint8))
    return values_of(next(iter(stored)), all_seen, max_value, option)


def values_of(name: str, seen: Seen, max_value: float | None = None, option: str = "--data.max-value {}") -> Values:
    """The rule: what the values of a data set mean.

    Whole numbers are levels: zeros and ones; bytes, of which 255 becomes 1, if they are stored as such or one is 128 or
    more; or, up to 65,535, levels of which the largest of the set becomes 1. Numbers in [0, 1] are intensities. Others
    are kept as they are, and have no largest value, so what would scale them refuses them: 0 to 16 may be the levels of
    4 bits, or counts. What the user says goes before all this.

    Args:
        name: Name of the data in errors.
        seen: What was seen of all splits together.
        max_value: The stored value that becomes 1, where the user says it.
        option: How the user says it, with {} for the number.

    Raises:
        ValueError: If values are outside of the range that the user says.
    """
    dtype = _kept_type(seen)
    if max_value is not None:
        said = option.format(f"{max_value:g}")
        if not 0 < max_value < math.inf:
            raise ValueError(f"expected {option.format('N')} with a positive number; got {said}")
        if seen.low < -TOLERANCE or seen.high > max_value * (1 + TOLERANCE):
            raise ValueError(f"expected values in [0, {max_value:g}] in {name}, by {said}; it holds {seen}")
        return Values(max_value, dtype, f"{seen}, of which {max_value:g} becomes 1, by {said}")
    if seen.is_whole and seen.low >= 0 and seen.high <= _LARGEST_LEVEL:
        if seen.high <= 1:
            return Values(1, dtype, "zeros and ones")
        if seen.high > _LARGEST_BYTE:
            largest = f"the largest of the set, {seen.high:g}"
            return Values(seen.high, dtype, f"{seen}, taken as levels of which {largest}, becomes 1")
        if seen.is_uint8 or seen.high >= _BRIGHT:
            least = option.format(f"{seen.high:g}")
            doubt = f"; if {seen.high:g} is the largest that there can be, give {least}" if seen.high < _BRIGHT else ""
            return Values(_LARGEST_BYTE, dtype, f"{seen}, taken as levels of which 255 becomes 1{doubt}")
    if seen.low >= -TOLERANCE and seen.high <= 1 + TOLERANCE:
        return Values(1, dtype, f"{seen}, taken as intensities in [0, 1]")
    unknown = UnknownMaximum(f"{name} holds {seen}", seen.low, seen.high)
    return Values(unknown, dtype, f"{seen}, kept as they are; {option.format('N')} says which becomes 1")


def check_known(max_value: float) -> None:
    """Check that the largest value of data is known, by which they are to be scaled.

    Raises:
        ValueError: If it is an `UnknownMaximum`.
    """
    if isinstance(max_value, UnknownMaximum):
        raise ValueError(
            f"expected zeros and ones, bytes, or numbers in [0, 1], to scale or binarise; {max_value.seen}; say by "
            "--data.max-value (of from_object: max_value=) which value becomes 1, or take a transform such as "
            "standardise"
        )


def _kept_type(seen: Seen) -> np.dtype:
    ends = np.iinfo(np.int32)
    if not seen.is_whole or seen.low < ends.min or seen.high > ends.max:
        return np.dtype(np.float32)
    # Floats become as wide an integer, whose differences do not wrap round as those of bytes do.
    if seen.is_float or seen.low < 0 or seen.high > _LARGEST_LEVEL:
        return np.dtype(np.int32)
    return np.dtype(np.uint8 if seen.high <= _LARGEST_BYTE else np.uint16)


def _seen(name: str, examples: ArrayLike, num_seen: int | None, *, is_exact: bool) -> Seen:
    is_float, is_uint8 = examples.dtype.kind == "f", examples.dtype == np.uint8
    low, high, is_whole = math.inf, -math.inf, True
    for start, chunk in _chunks(examples, num_seen):
        if is_float:
            with np.errstate(over="ignore"):
                is_finite = np.isfinite(chunk.astype(np.float32, copy=False))
            if (found := _first(~is_finite)) is not None:
                value = chunk.reshape(len(chunk), -1)[found]
                raise ValueError(f"expected finite numbers in {name}; row {start + found[0]} has {value}")
            is_whole = is_whole and bool((chunk == np.rint(chunk)).all())
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        if is_uint8 and high >= _BRIGHT and not is_exact:
            return Seen(0, _LARGEST_BYTE, True, False, True)  # the range of the type; the rest need not be read
    return Seen(low, high, is_whole, is_float, is_uint8)


def _chunks(examples: ArrayLike, num_seen: int | None) -> Iterator[tuple[int, np.ndarray]]:
    size, num = max(1, _CHUNK // max(1, math.prod(examples.shape[1:]))), num_seen or len(examples)
    for start in range(0, min(num, len(examples)), size):
        yield start, np.asarray(examples[start : min(start + size, num)])


def _first(is_wrong: np.ndarray) -> tuple[int, int] | None:
    """Row, and entry of the row, of the first value that is wrong; None if there is none."""
    wrong = is_wrong.reshape(len(is_wrong), -1)
    rows = wrong.any(axis=1)
    return (int(rows.argmax()), int(wrong[rows.argmax()].argmax())) if rows.any() else None
