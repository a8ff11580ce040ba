"""The arrays of a file that hold examples and labels, chosen by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vae_jax.messages import did_you_mean

SPLIT_NAMES = ("train", "validation", "valid", "val", "dev", "test")
EXAMPLES = ("", "images", "image", "x", "data", "examples")
LABELS = ("labels", "label", "y")
LABEL_NAMES = ("label_names", "class_names")


class Names(NamedTuple):
    """The arrays of one split."""

    examples: str
    labels: str | None


def choose_names(
    shapes: Mapping[str, tuple[int, ...]], examples: str = "", labels: str = "", *, file: str, option: str = "examples"
) -> dict[str, Names]:
    """The arrays that make up each split.

    Arrays are named by their split (`train`, `test`), by what they hold (`images`, `labels`), or by both (`x_train`,
    `train_labels`). Where there is no split `train`, the whole file is this split.

    Args:
        shapes: Array name -> shape.
        examples: The name of the array that holds the examples, with or without its split; "" to find it.
        labels: The name of the array that holds the labels, likewise; there may be none.
        file: Name of the file in errors.
        option: Option `--data.OPTION` by which the examples were named.

    Returns:
        Split name -> its arrays.

    Raises:
        ValueError: If the examples cannot be identified, or there is no array of that name.
    """
    for name, named_by in ((examples, option), (labels, "labels")):
        known = {*shapes, *(_split_and_role(array)[1] for array in shapes)}
        if name and name not in known:
            raise ValueError(
                f"expected --data.{named_by} to name an array of {file}, which holds {_listed(shapes)}; got '{name}'"
                f"{did_you_mean(name, known)}"
            )
    found: dict[str, dict[str, str]] = {}
    for array in shapes:
        split, role = _split_and_role(array)
        found.setdefault(split, {})[role] = array
    if examples not in shapes and _first(found.get("train", {}), examples, EXAMPLES):
        splits = {split: roles for split, roles in found.items() if split and _first(roles, examples, EXAMPLES)}
        return {
            split: Names(_first(roles, examples, EXAMPLES) or "", _first(roles, labels, LABELS))
            for split, roles in splits.items()
        }
    everything = {array.lower(): array for array in shapes} | {array: array for array in shapes}
    chosen = _first(everything, examples, EXAMPLES) or _only_one([name for name in shapes if len(shapes[name]) > 1])
    if chosen is None:
        raise ValueError(
            f"expected to find the examples of {file} by a name such as 'images', 'x' or 'train'; it holds "
            f"{_listed(shapes)}; name them with --data.examples"
        )
    return {"train": Names(chosen, _first(everything, labels, LABELS))}


def _split_and_role(array: str) -> tuple[str, str]:
    """`x_train` and `train_x` are ("train", "x"); `train` is ("train", ""); `images` is ("", "images")."""
    words = array.lower().split("_")
    for split in (words[0], words[-1]):
        if split in SPLIT_NAMES:
            words.remove(split)
            return split, "_".join(words)
    return "", array.lower()


def _first(arrays: Mapping[str, str], asked: str, usual: tuple[str, ...]) -> str | None:
    names = (asked, asked.lower()) if asked else usual
    return next((arrays[name] for name in names if name in arrays), None)


def _only_one(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _listed(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
