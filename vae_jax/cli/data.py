"""The commands of `vae-jax data`: for each a dataclass of its options, and what it does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import tyro

from vae_jax.messages import UsageError

if TYPE_CHECKING:
    from vae_jax.prepare.recipe import Recipe

DirectoryOption = Annotated[Path | None, tyro.conf.arg(metavar="DIR")]


class Data:
    """Name the data sets that are at hand, look at one, and prepare others."""


@dataclass(frozen=True)
class List:
    """Name the data sets: embedded, prepared, and those that can be prepared."""

    dir: DirectoryOption = None
    """Directory of prepared TFDS sets. Default: $TFDS_DATA_DIR, or else ~/tensorflow_datasets."""

    def run(self) -> int:
        """Print the three groups, a line for each data set."""
        from vae_jax.data.embedded import EMBEDDED
        from vae_jax.data.prepared.sets import data_directory, list_prepared
        from vae_jax.prepare.recipes import RECIPES

        directory = data_directory(self.dir or "")
        with _usage_errors():
            prepared = list_prepared(directory)
        print("embedded:")
        print(_table([[name, _first_line(load.__doc__)] for name, load in EMBEDDED.items()]))
        print(f"\nprepared in {directory}:")
        rows = [[each.name, each.version, str(each.path), each.problem or _counts(each.splits)] for each in prepared]
        print(_table(rows) if rows else "  none")
        print("\ncan be prepared, with 'vae-jax data prepare NAME':")
        print(_table([[name, _originals(recipe), recipe.description] for name, recipe in RECIPES.items()]))
        return 0


@dataclass(frozen=True)
class Prepare:
    """Prepare a data set: download its originals, or take them from a folder, and write what TFDS reads."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")]
    """A name from 'vae-jax data list'; any other TFDS set needs TensorFlow."""
    from_dir: Annotated[Path | None, tyro.conf.arg(name="from", metavar="DIR")] = None
    """Folder of the originals, under the names they were published by. Default: they are downloaded."""
    dir: DirectoryOption = None
    """Directory of prepared TFDS sets. Default: $TFDS_DATA_DIR, or else ~/tensorflow_datasets."""
    overwrite: bool = False
    """Prepare the data set anew if it is prepared already."""

    def run(self) -> int:
        """Prepare the data set, and tell where it is."""
        from vae_jax.data.prepared.sets import data_directory
        from vae_jax.prepare.prepare import prepare

        with _usage_errors():
            prepare(
                self.name,
                data_dir=data_directory(self.dir or ""),
                from_dir=self.from_dir,
                overwrite=self.overwrite,
                say=lambda line: print(line, flush=True),
            )
        return 0


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UsageError(f"{error}") from None


def _table(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(f"  {line}" for line in lines)


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]


def _counts(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {num:,}" for name, num in splits.items())


def _originals(recipe: Recipe) -> str:
    """The host of a recipe's originals, and their size."""
    originals = recipe.published.originals
    size = sum(original.size for original in originals)
    host = urlsplit(originals[0].url).hostname or ""
    return f"{host}, {size / 1e6:,.0f} MB" if size else host
