"""Whether the likelihood gives every example a probability: asked before the first step, not after a thousand at −∞."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vae_jax.data.examples import Examples, is_computed, is_together
from vae_jax.data.feed import rows_of_step
from vae_jax.distributions.support import Support, support_of
from vae_jax.evaluation.every_example import example_keys
from vae_jax.experiment import Experiment
from vae_jax.messages import UsageError
from vae_jax.outline import Outline

NUM_VALUES = 2**24
"""The number of values of a split that are looked at; of a larger one, examples that are evenly spread."""
NUM_OF_A_STREAM = 1_000
"""The number of examples of a split that are looked at where they are streamed, or drawn by the device."""
_VALUES_AT_ONCE = 2**20


class _Part(NamedTuple):
    """An array of what is modelled, and the values that it may have."""

    name: str
    """Path of the array in an event of several; "" for an event that is one array."""
    support: Support
    family: str
    array: Any


class _First(NamedTuple):
    """The first value of a batch without a probability, if there is one."""

    is_outside: Array
    place: Array
    """Its place in the flat batch."""
    value: Array


Search = Callable[[Any, Any], list[_First]]
"""(stored batch, its row numbers) -> a `_First` for each `_Part`."""


def check_examples(experiment: Experiment, outline: Outline) -> None:
    """Check that the likelihood gives the examples of every split a probability, as the model sees them.

    All examples are looked at that are in memory, up to `NUM_VALUES`, and the first ones of a stream.

    Raises:
        UsageError: If a value has none; the message names it, and its column or pixel.
    """
    splits, search = experiment.dataset.splits, _search(experiment, outline)
    looked_at = {name: _looked_at(experiment, outline, split.examples) for name, split in splits.items()}
    size = min(max(map(len, looked_at.values())), max(1, _VALUES_AT_ONCE // _num_values(outline)))
    for name, split in splits.items():
        for start in range(0, len(looked_at[name]), size):
            rows = looked_at[name][start : start + size]
            # The last row is repeated rather than the batch made shorter: one shape, one compilation.
            rows = np.pad(rows, (0, size - len(rows)), mode="edge")
            if reason := _outside(experiment, outline, search, name, split.examples, rows):
                raise UsageError(reason)


def outside_in_steps(experiment: Experiment, outline: Outline, first: int, last: int) -> str | None:
    """The line about a value without a probability in the batches of some steps, first and last included, if any."""
    _, feed = experiment.key_and_feed()
    search, order_key = _search(experiment, outline), np.asarray(feed.order_key)
    for step in range(first, last + 1):
        rows = rows_of_step(order_key, step, len(feed.examples), feed.batch_size, np.arange(feed.batch_size))
        reason = _outside(experiment, outline, search, "train", experiment.dataset.train.examples, np.asarray(rows))
        if reason:
            return reason
    return None


def _search(experiment: Experiment, outline: Outline) -> Search:
    @jax.jit
    def search(batch: Any, rows: Any) -> list[_First]:
        # The parameters serve only the form of the model, which says what is modelled and what a condition.
        fitted = experiment.fitted(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), outline.state.params))
        x = jax.vmap(lambda stored, row: fitted.at(example_keys(0, row)[0], stored)[1])(batch, rows)
        return [_first(jax.vmap(part.support.contains)(part.array), part.array) for part in _parts_of(outline, x)]

    return search


def _parts_of(outline: Outline, x: Any) -> Iterator[_Part]:
    """The arrays of an event, or of a batch of them, with their supports."""
    likelihood = outline.draw.likelihood
    yield from _parts(support_of(likelihood), likelihood, x, "")


def _parts(support: Any, likelihood: Any, x: Any, name: str) -> Iterator[_Part]:
    if isinstance(support, Support):
        for path, array in jax.tree.leaves_with_path(x):
            yield _Part(name + jax.tree_util.keystr(path), support, type(likelihood).__name__, array)
        return
    for key in support:
        yield from _parts(support[key], likelihood.parts[key], x[key], f"{name}[{key!r}]")


def _first(is_inside: Array, value: Array) -> _First:
    outside = ~is_inside.reshape(-1)
    place = jnp.argmax(outside)
    return _First(outside[place], place, value.reshape(-1)[place])


def _outside(
    experiment: Experiment, outline: Outline, search: Search, split: str, examples: Examples, rows: np.ndarray
) -> str | None:
    """The line about the first value of some rows that has no probability, if there is one."""
    for part, first in zip(_parts_of(outline, outline.x), jax.device_get(search(examples[rows], rows)), strict=True):
        if first.is_outside:
            row, entry = divmod(int(first.place), math.prod(part.array.shape))
            return (
                f"expected {part.support.words_of(entry)} for the likelihood {part.family}; "
                f"{_place(experiment, part, entry)} of {experiment.dataset.name} is {float(first.value):.7g} in row "
                f"{rows[row]} of split '{split}' ({experiment.transform.name}); correct the data, or choose another "
                "likelihood or transform"
            )
    return None


def _place(experiment: Experiment, part: _Part, entry: int) -> str:
    """The column or the pixel of an entry, in words."""
    columns, shape = experiment.dataset.columns, part.array.shape
    index = ", ".join(str(int(place)) for place in np.unravel_index(entry, shape))
    if columns and shape == (len(columns),):
        place = f"column '{columns[entry].name}'"
    else:
        place = {0: "the value", 1: f"entry {index}"}.get(len(shape), f"pixel ({index})")
    return f"{place} of part {part.name}" if part.name else place


def _looked_at(experiment: Experiment, outline: Outline, examples: Examples) -> np.ndarray:
    """The row numbers of the examples of a split that are looked at."""
    if experiment.dataset.is_streamed or _is_drawn(examples):
        return np.arange(min(len(examples), NUM_OF_A_STREAM))
    num = min(len(examples), max(1, NUM_VALUES // _num_values(outline)))
    return np.linspace(0, len(examples) - 1, num).astype(np.int64)


def _num_values(outline: Outline) -> int:
    return sum(math.prod(leaf.shape[1:]) for leaf in jax.tree.leaves(outline.batch))


def _is_drawn(examples: Examples) -> bool:
    parts = jax.tree.leaves(examples.map(is_computed)) if is_together(examples) else [is_computed(examples)]
    return any(parts)
