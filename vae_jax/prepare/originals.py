"""The originals of a data set: files in a folder of the user, or downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vae_jax.prepare.download import PATIENCE, DownloadError, Patience, download, sha256_of
from vae_jax.prepare.progress import tenths
from vae_jax.prepare.recipe import Original, Recipe, Source


def source_in(recipe: Recipe, folder: Path) -> Source:
    """The first source whose originals all lie in a folder, or one level below it.

    Raises:
        ValueError: If there is no such source; the message names the files that are missing, and their URLs.
    """
    if not folder.is_dir():
        raise ValueError(f"expected a folder with the originals of {recipe.name}; there is none at {folder}")
    missing = [
        [original for original in source.originals if _find(original, folder, recipe) is None]
        for source in recipe.sources
    ]
    for source, absent in zip(recipe.sources, missing, strict=True):
        if not absent:
            return source
    ways = "; or instead ".join(", ".join(_with_url(original) for original in absent) for absent in missing)
    raise ValueError(f"expected the originals of {recipe.name} in {folder}; missing: {ways}; lay them there")


def given(recipe: Recipe, source: Source, folder: Path) -> list[Path]:
    """The originals in a folder, with their checksums verified.

    Raises:
        ValueError: If a file is not the one that was published.
    """
    found = [_find(original, folder, recipe) for original in source.originals]
    paths = [path for path in found if path is not None]
    for original, path in zip(source.originals, paths, strict=True):
        got = sha256_of(path) if original.sha256 else ""
        if got != original.sha256:
            raise ValueError(
                f"expected {path} with SHA-256 {original.sha256}; got {got}; it is truncated or another file"
                f"{f'; lay the one of {original.url} there' if original.url else ''}"
            )
    return paths


def downloaded(
    recipe: Recipe, source: Source, folder: Path, say: Callable[[str], None], patience: Patience = PATIENCE
) -> list[Path]:
    """The originals, downloaded into a folder unless they are there.

    Args:
        recipe: Recipe of the data set.
        source: Source whose originals all have a URL.
        folder: Folder of the downloads, which is made where it does not exist.
        say: Called with the progress at every tenth.
        patience: The time to wait for the servers.

    Raises:
        DownloadError: If a file cannot be downloaded; the message says which files to put into a folder instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for original in source.originals:
        progress = tenths(lambda num, total, name=original.name: say(f"{name}: {num} % of {total / 1e6:.1f} MB"))
        try:
            path = folder / original.name
            paths.append(download(original.url, path, sha256=original.sha256, progress=progress, patience=patience))
        except DownloadError as error:
            names = ", ".join(each.name for each in source.originals)
            raise DownloadError(
                f"{error}; lay {names} in a folder DIR and give it: vae-jax data prepare {recipe.name} --from DIR"
            ) from None
    return paths


def _find(original: Original, folder: Path, recipe: Recipe) -> Path | None:
    # Files of MNIST's kind have the same names: a subfolder of the set's own name precedes the others.
    subfolders = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.name != recipe.name)
    return next((path / original.name for path in [folder, *subfolders] if (path / original.name).is_file()), None)


def _with_url(original: Original) -> str:
    return f"{original.name} ({original.url})" if original.url else original.name
