"""Transforms of a stored example to what a model sees: pure functions of one example, under vmap, on the device."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Scalar

from vae_jax.data.dataset import Dataset
from vae_jax.data.examples import abstract_example, chunks
from vae_jax.data.values import check_known
from vae_jax.types import Key


def _same(x: Any) -> Any:
    return x


def _no_volume(x: Any) -> Scalar:
    return jnp.zeros(())


class Transform(NamedTuple):
    """An operation on one stored example before the model sees it."""

    apply: Callable[[Key, Any], Any]
    """(key, stored example) -> float32 example, or a pytree of its parts."""
    name: str
    """Name in reports."""
    to_stored: Callable[[Any], Any] = _same
    """Map from what a model sees or generates to stored values, without rounding; it is used to show samples."""
    log_det: Callable[[Any], Scalar] = _no_volume
    """Map from what a model sees to log |dx / d stored|, nats; it turns a density of x into one of stored values."""


def chain(*transforms: Transform) -> Transform:
    """One transform after another, each with noise of its own.

    Example:
        >>> chain(dequantise(255), logit()).name
        'uniform dequantisation, logit'
    """

    def apply(key: Key, example: Any) -> Any:
        for index, transform in enumerate(transforms):
            example = transform.apply(jax.random.fold_in(key, index), example)
        return example

    def to_stored(x: Any) -> Any:
        for transform in reversed(transforms):
            x = transform.to_stored(x)
        return x

    def log_det(x: Any) -> Scalar:
        total = jnp.zeros(())
        for transform in reversed(transforms):
            total += transform.log_det(x)
            x = transform.to_stored(x)
        return total

    return Transform(apply, ", ".join(transform.name for transform in transforms), to_stored, log_det)


def on_parts(**transforms: Transform) -> Transform:
    """A transform for each part of an example, by its name, each with noise of its own; other parts stay as they are.

    A conditional model generates the part `x` alone, so an array alone is mapped back to stored values as `x`.

    Raises:
        ValueError: When it is applied to an example without such a part.

    Example:
        >>> seen = on_parts(x=scale(255), condition=one_hot(3))
        >>> example = {"x": np.full(2, 255, np.uint8), "condition": np.int32(1)}
        >>> jax.tree.map(lambda array: array.tolist(), seen.apply(jax.random.key(0), example))
        {'condition': [0.0, 1.0, 0.0], 'x': [1.0, 1.0]}
    """
    names = sorted(transforms)

    def apply(key: Key, example: Any) -> Any:
        missing = [name for name in names if not isinstance(example, Mapping) or name not in example]
        if missing:
            parts = ", ".join(example) if isinstance(example, Mapping) else "an array alone"
            raise ValueError(f"expected examples with a part '{missing[0]}' to transform; got {parts}")
        seen = {name: transforms[name].apply(jax.random.fold_in(key, i), example[name]) for i, name in enumerate(names)}
        return {**example, **seen}

    def to_stored(x: Any) -> Any:
        if not isinstance(x, Mapping):
            return transforms["x"].to_stored(x) if "x" in transforms else x
        return {name: transforms[name].to_stored(part) if name in transforms else part for name, part in x.items()}

    def log_det(x: Any) -> Scalar:
        parts = x if isinstance(x, Mapping) else {"x": x}
        return sum((transforms[name].log_det(x) for name, x in parts.items() if name in transforms), jnp.zeros(()))

    return Transform(apply, "; ".join(f"{name}: {transforms[name].name}" for name in transforms), to_stored, log_det)


def one_hot(num_classes: int) -> Transform:
    """A whole number as a vector of zeros and a one, for a label as a condition: 2 of 4 as (0, 0, 1, 0)."""
    return Transform(
        apply=lambda key, example: jax.nn.one_hot(example, num_classes),
        name=f"one of {num_classes}",
        to_stored=lambda x: x.argmax(axis=-1),
    )


def as_condition(dataset: Dataset) -> Transform:
    """The condition as a vector that networks take: a whole number as `one_hot`, other numbers by `standardise`.

    Args:
        dataset: The data of the condition alone, as `Dataset.part` returns them; classes are 0 to the largest that any
            split holds.

    Example:
        >>> from vae_jax.data.dataset import Split
        >>> as_condition(Dataset("own", "", {"train": Split(np.array([0, 2, 1]))}, 2)).name
        'one of 3'
    """
    if dataset.example_shape != () or dataset.train.examples.dtype.kind not in "iu":
        return standardise(dataset)
    largest = max(chunk.max() for split in dataset.splits.values() for chunk in chunks(split.examples))
    return one_hot(int(largest) + 1)


def scale(max_value: float) -> Transform:
    """Scaling to [0, 1]: x = stored / max_value.

    Raises:
        ValueError: If the largest value of the data is not known.
    """
    check_known(max_value)
    return Transform(
        apply=lambda key, example: example.astype(jnp.float32) / max_value,
        name="scaled to [0, 1]",
        to_stored=lambda x: x * max_value,
        log_det=lambda x: jnp.asarray(-x.size * math.log(max_value)),
    )


def standardise(dataset: Dataset, columns: Sequence[int] | None = None) -> Transform:
    """Standardisation of each entry to mean 0 and standard deviation 1: x = (stored − mean) / sd.

    Mean and standard deviation are those of the training split alone. An entry that never changes is only shifted.
    Samples are mapped back by x · sd + mean.

    Args:
        dataset: The data set of the training split.
        columns: Columns of a table that are standardised; others, such as counts or classes, stay unchanged. None for
            all entries.

    Raises:
        ValueError: If a category would be standardised: its codes have no distance.
    """
    _check_not_coded(dataset, columns)
    mean, deviation = _moments(dataset)
    deviation = np.where(deviation > 0, deviation, 1)
    if columns is not None:
        is_chosen = np.isin(np.arange(mean.size), columns)
        mean, deviation = np.where(is_chosen, mean, 0), np.where(is_chosen, deviation, 1)
    log_det = -float(np.log(deviation).sum())
    return Transform(
        apply=lambda key, example: ((example - mean) / deviation).astype(jnp.float32),
        name="standardised",
        to_stored=lambda x: x * deviation + mean,
        log_det=lambda x: jnp.asarray(log_det),
    )


def binarise_dynamically(max_value: float) -> Transform:
    """Binarisation that is drawn anew each time an example is seen: x ~ Bernoulli(stored / max_value).

    Training draws from the run's key, and thus anew in every epoch; evaluation draws once, from a fixed key.

    Raises:
        ValueError: If the largest value of the data is not known.

    Source: Salakhutdinov & Murray 2008; as in Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, section 5.
    """
    check_known(max_value)

    def apply(key: Key, example: Array) -> Array:
        # The image is drawn as one row: XLA's CPU loops are fast along the last axis alone, and an image's is short.
        row = jax.random.bernoulli(key, example.reshape(-1).astype(jnp.float32) / max_value)
        return row.astype(jnp.float32).reshape(example.shape)

    return Transform(apply, "dynamic binarisation", to_stored=lambda x: x * max_value)


def binarise_statically(max_value: float, threshold: float = 0.5) -> Transform:
    """Binarisation by a threshold: x = 1 where stored / max_value > threshold, and 0 elsewhere.

    Raises:
        ValueError: If the largest value of the data is not known.
    """
    check_known(max_value)
    return Transform(
        apply=lambda key, example: (example.astype(jnp.float32) / max_value > threshold).astype(jnp.float32),
        name=f"static binarisation at {threshold:g}",
        to_stored=lambda x: x * max_value,
    )


def already_binary() -> Transform:
    """A transform of data that are stored as zeros and ones, such as Larochelle's binarized MNIST."""
    return Transform(lambda key, example: example.astype(jnp.float32), name="binary as stored")


def binarise(dataset: Dataset) -> Transform:
    """Dynamic binarisation, or `already_binary` where the data are stored as the whole numbers 0 and 1.

    Raises:
        ValueError: If the largest value of the data is not known.
    """
    is_whole = getattr(dataset.train.examples, "dtype", np.dtype(np.uint8)).kind != "f"
    return already_binary() if dataset.max_value == 1 and is_whole else binarise_dynamically(dataset.max_value)


def dequantise(max_value: float) -> Transform:
    """Uniform dequantisation of whole numbers: x = (stored + u) / (max_value + 1), u ~ U[0, 1) for each entry.

    The log-density of x, corrected by `log_det`, is a lower bound on the log-probability of the stored whole numbers.

    Raises:
        ValueError: If the largest value of the data is not known; when it is applied to anything but integers, whose
            noise would be as large as the signal.

    Source: Uria, Murray & Larochelle 2013, arXiv:1306.0186, section 5; Theis, van den Oord & Bethge 2016,
    arXiv:1511.01844, section 3.1.
    """
    check_known(max_value)
    num_levels = max_value + 1

    def apply(key: Key, example: Array) -> Array:
        if jnp.issubdtype(example.dtype, jnp.floating):
            raise ValueError(
                f"expected whole numbers, stored as integers, to dequantise; got {example.dtype}; take scale for "
                "intensities in [0, 1], standardise for measurements, or store levels as whole numbers"
            )
        return (example.astype(jnp.float32) + jax.random.uniform(key, example.shape)) / num_levels

    return Transform(
        apply,
        name="uniform dequantisation",
        to_stored=lambda x: x * num_levels - 0.5,  # the middle of the interval that a whole number was spread over
        log_det=lambda x: jnp.asarray(-x.size * math.log(num_levels)),
    )


def logit(margin: float = 0.05) -> Transform:
    """The logit, from [0, 1] to the real line: x = log s − log(1 − s), s = margin + (1 − 2 margin) · y.

    It comes after `scale` or `dequantise` in a `chain`.

    Args:
        margin: Number in (0, 0.5) that keeps the ends 0 and 1 from infinity.

    Raises:
        ValueError: If the margin is not between 0 and 0.5.

    Source: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803, section 4.1.
    """
    if not 0 < margin < 0.5:
        raise ValueError(f"expected a margin between 0 and 0.5; got {margin}")
    width = 1 - 2 * margin

    def apply(key: Key, example: Array) -> Array:
        squeezed = margin + width * example.astype(jnp.float32)
        return jnp.log(squeezed) - jnp.log1p(-squeezed)

    return Transform(
        apply,
        name="logit",
        to_stored=lambda x: (jax.nn.sigmoid(x) - margin) / width,
        # dx/dy = width / (s (1 − s)), and −log s(1 − s) = softplus(x) + softplus(−x).
        log_det=lambda x: (math.log(width) + jax.nn.softplus(x) + jax.nn.softplus(-x)).sum(),
    )


def flip_horizontally() -> Transform:
    """The mirror image, left and right exchanged, half of the time; to augment training, not to evaluate."""
    return Transform(
        apply=lambda key, example: jnp.where(jax.random.bernoulli(key), example[:, ::-1], example),
        name="random horizontal flip",
    )


def pad(height: int, width: int) -> Transform:
    """Padding of an image with zeros to a size, with the image in the middle.

    Raises:
        ValueError: When it is applied to a larger image.
    """

    def apply(key: Key, example: Array) -> Array:
        if example.shape[0] > height or example.shape[1] > width:
            raise ValueError(f"expected images of at most {height} x {width} to pad; got {_size(example)}; crop them")
        above, left = (height - example.shape[0]) // 2, (width - example.shape[1]) // 2
        below, right = height - example.shape[0] - above, width - example.shape[1] - left
        return jnp.pad(example, [(above, below), (left, right)] + [(0, 0)] * (example.ndim - 2))

    return Transform(apply, name=f"padded to {height} x {width}")


def crop(height: int, width: int) -> Transform:
    """The middle of an image.

    Raises:
        ValueError: When it is applied to a smaller image.
    """

    def apply(key: Key, example: Array) -> Array:
        if example.shape[0] < height or example.shape[1] < width:
            raise ValueError(f"expected images of at least {height} x {width} to crop; got {_size(example)}; pad them")
        above, left = (example.shape[0] - height) // 2, (example.shape[1] - width) // 2
        return example[above : above + height, left : left + width]

    return Transform(apply, name=f"cropped to {height} x {width}")


def resize(height: int, width: int) -> Transform:
    """An image at another size, in float32, by linear interpolation that averages where it shrinks."""
    return Transform(
        apply=lambda key, example: jax.image.resize(
            example.astype(jnp.float32), (height, width, *example.shape[2:]), "linear", antialias=True
        ),
        name=f"resized to {height} x {width}",
    )


def shape_seen(transform: Transform, dataset: Dataset) -> Any:
    """The shape of an example as a model sees it, or a pytree of the shapes of its parts, to build networks for."""
    seen = jax.eval_shape(transform.apply, jax.random.key(0), abstract_example(dataset.train.examples))
    return jax.tree.map(lambda part: part.shape, seen)


def _size(example: Array) -> str:
    return f"{example.shape[0]} x {example.shape[1]}"


def _check_not_coded(dataset: Dataset, columns: Sequence[int] | None) -> None:
    for index, column in enumerate(dataset.columns):
        if column.kind == "category" and (columns is None or index in columns):
            raise ValueError(
                f"expected numbers to standardise; column '{column.in_words()}' of {dataset.name} is a category; "
                "leave it out with --data.examples, or take an experiment for such columns, like vae_mixed_table"
            )


def _moments(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each entry over the training split, in float64, in two passes."""
    examples, shape = dataset.train.examples, dataset.example_shape
    mean = sum((chunk.sum(axis=0, dtype=np.float64) for chunk in chunks(examples)), np.zeros(shape)) / len(examples)
    squares = sum((np.square(chunk - mean).sum(axis=0) for chunk in chunks(examples)), np.zeros(shape))
    return mean.astype(np.float32), np.sqrt(squares / len(examples)).astype(np.float32)
