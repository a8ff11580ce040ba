"""A data set as it shows itself in a notebook."""

from __future__ import annotations

from vae_jax.data.dataset import Dataset, listed
from vae_jax.data.examples import is_together
from vae_jax.data.sheet import contact_sheet
from vae_jax.grids import png_bytes
from vae_jax.html import block, line, names_and_values, picture, table

_NUM_IMAGES, _IMAGES_IN_A_ROW = 32, 16
_MAX_COLUMNS = 20
_MAX_NAMES = 20


def dataset_html(dataset: Dataset) -> str:
    """The description, splits, columns and classes of a data set, and some of its images; few rows are read for it."""
    about = {
        "examples": dataset.examples_in_words(),
        "values": dataset.values,
        "classes": ", ".join(listed(dataset.label_names, _MAX_NAMES)),
        "factors": ", ".join(listed(dataset.factor_names, _MAX_NAMES)),
        "feed": "streamed from where they are stored" if dataset.is_streamed else "",
    }
    splits = [(name, f"{len(split.examples):,}", _origin(dataset, name)) for name, split in dataset.splits.items()]
    return block(
        line(dataset.name, is_strong=True),
        line(dataset.description),
        names_and_values({name: text for name, text in about.items() if text}),
        table(splits, ("split", "examples", "")),
        _columns(dataset),
        _images(dataset),
    )


def _origin(dataset: Dataset, split: str) -> str:
    return "drawn from train" if split in dataset.drawn else ""


def _columns(dataset: Dataset) -> str:
    rows = [
        (column.name, column.kind, ", ".join(map(str, column.values[:_MAX_NAMES])))
        for column in dataset.columns[:_MAX_COLUMNS]
    ]
    rest = len(dataset.columns) - _MAX_COLUMNS
    return table([*rows, *([(f"and {rest:,} more", "", "")] if rest > 0 else [])], ("column", "kind", ""))


def _images(dataset: Dataset) -> str:
    parts = getattr(dataset.train.examples, "parts", None)
    if is_together(dataset.train.examples):
        if not isinstance(parts, dict) or "x" not in parts:
            return ""
        dataset = dataset.part("x")
    if not dataset.holds_images:
        return ""
    return picture(png_bytes(contact_sheet(dataset, _NUM_IMAGES, width=_IMAGES_IN_A_ROW)), "some examples")
