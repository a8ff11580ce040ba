"""Packages that the core does without: what needs each of them, and the extra that brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Package(NamedTuple):
    """A package of an extra of vae-jax."""

    name: str
    """Name in the package index."""
    purpose: str
    """Purpose, in a few words behind "for"."""
    extra: str
    """Extra that brings it."""


OPTIONAL = {
    "tyro": Package("tyro", "the command line", "run"),
    "filelock": Package("filelock", "the files of a run", "run"),
    "matplotlib": Package("matplotlib", "plots", "report"),
    "PIL": Package("pillow", "images", "report"),
    "jinja2": Package("jinja2", "the page of a report", "report"),
    "tensorflow_datasets": Package("tensorflow-datasets", "prepared data sets and parts of splits", "data"),
    "array_record": Package("array-record", "prepared data sets", "data"),
    "importlib_resources": Package("importlib-resources", "prepared data sets", "data"),
    "grain": Package("grain", "data that are streamed", "data"),
    "pyarrow": Package("pyarrow", "tables", "data"),
    "requests": Package("requests", "downloads", "data"),
    "skimage": Package("scikit-image", "the data set lfw_faces", "lfw"),
    "sklearn": Package("scikit-learn", "mixtures fitted to codes and the importance of swept fields", "aggregate"),
    "flatbuffers": Package("flatbuffers", "programs of jax.export", "export"),
    "optuna": Package("optuna", "a search", "sweep"),
    "cmaes": Package("cmaes", "a search", "sweep"),
    "submitit": Package("submitit", "jobs of SLURM", "slurm"),
    "equinox": Package("equinox", "a network written in it", "equinox"),
    "h5py": Package("h5py", "the originals of dsprites", "dsprites"),
}
"""Import name -> the package. The packages that the core needs are not here: see `dependencies` in pyproject.toml."""


def not_installed(module: str) -> str:
    """The message that a package is missing, and which extra brings it.

    Args:
        module: Its import name, one of `OPTIONAL`.

    Example:
        >>> not_installed("PIL")
        "expected pillow for images; it is not installed; pip install 'vae-jax[report]'"
    """
    package = OPTIONAL[module]
    return f"expected {package.name} for {package.purpose}; it is not installed; pip install 'vae-jax[{package.extra}]'"


@contextmanager
def told_if_missing() -> Iterator[None]:
    """A context, or a decorator, in which a missing package of an extra is named with the extra that brings it.

    Raises:
        ModuleNotFoundError: With the message of `not_installed`, in place of Python's own.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in OPTIONAL:
            raise
        raise ModuleNotFoundError(not_installed(module), name=error.name) from error
