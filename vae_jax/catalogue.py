"""Experiment files: finding one by its name or path, and reading it."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vae_jax.messages import UsageError, did_you_mean

if TYPE_CHECKING:
    from vae_jax.experiment import Experiment


class ExperimentFile(NamedTuple):
    """A file with a frozen dataclass `Config` and a function `experiment(config)`, loaded."""

    name: str
    path: Path
    summary: str
    """The first line of its docstring."""
    Config: type
    experiment: Callable[[Any], Experiment]


def shipped() -> dict[str, Path]:
    """The experiments that come with the package, by name: in a checkout beside it, in an installed wheel within."""
    package = Path(__file__).parent
    folder = next(
        (folder for folder in (package / "experiments", package.parent / "experiments") if folder.is_dir()), package
    )
    return {path.stem: path for path in sorted(folder.glob("[!_]*.py")) if folder is not package}


def summary(path: Path) -> str:
    """The first line of a file's docstring, without running it."""
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]


def find(name: str) -> Path:
    """The file of a shipped experiment, or the user's own at that path.

    Raises:
        UsageError: If there is neither.
    """
    known = shipped()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix == ".py" and path.is_file():
        return path
    if path.suffix == ".py":
        raise UsageError(f"expected an experiment file; there is none at {path}; 'vae-jax list' names the shipped ones")
    raise UsageError(
        f"expected an experiment ({', '.join(known)}) or the path of a .py file; got '{name}'"
        f"{did_you_mean(name, known)}"
    )


def load_experiment(name: str | Path) -> ExperimentFile:
    """Run an experiment file and return what it defines.

    Args:
        name: Of a shipped experiment, or the path of a file.

    Raises:
        UsageError: If there is no such file, it fails, or it lacks `Config` or `experiment`.
    """
    path = name if isinstance(name, Path) else find(name)
    # To read a Config takes no JAX, and help and usage errors shall not wait for it.
    for package in ("jax", "optax"):
        _import_on_first_use(package)
    specification = importlib.util.spec_from_file_location(f"vae_jax_experiment_{path.stem}", path)
    assert specification is not None, "a .py file has a specification"
    assert specification.loader is not None, "and a loader"
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UsageError(f"expected an experiment file; {path}{line} fails: {type(error).__name__}: {error}") from error
    config: Any = getattr(module, "Config", None)
    experiment: Callable[..., Any] | None = getattr(module, "experiment", None)
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise UsageError(f"expected a frozen dataclass 'Config' in {path}; it has none")
    if experiment is None or not callable(experiment):
        raise UsageError(f"expected a function 'experiment(config)' in {path}; it has none")
    return ExperimentFile(path.stem, path, (module.__doc__ or "").strip().partition("\n")[0], config, experiment)


def _import_on_first_use(package: str) -> None:
    if package in sys.modules:
        return
    specification = importlib.util.find_spec(package)
    if specification is None or specification.loader is None:
        return
    specification.loader = importlib.util.LazyLoader(specification.loader)
    module = importlib.util.module_from_spec(specification)
    sys.modules[package] = module
    specification.loader.exec_module(module)
