"""Experiment files: finding one by its name or path, and reading it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from vae_jax.messages import UsageError, did_you_mean

if TYPE_CHECKING:
    from vae_jax.data.dataset import Dataset
    from vae_jax.experiment import Experiment


class ExperimentFile(NamedTuple):
    """A file with a frozen dataclass `Config` and functions `data(config)` and `experiment(config, data)`, loaded."""

    name: str
    path: Path
    summary: str
    """The first line of the file's docstring."""
    Config: type
    data: Callable[[Any], Dataset]
    """`data(config)` of the file; where it has none, `vae_jax.data.load(config.data)`."""
    experiment: Callable[[Any, Dataset], Experiment]


def shipped() -> dict[str, Path]:
    """The experiments that come with the package, by name: beside it in a checkout, inside it in an installed wheel."""
    package = Path(__file__).parent
    folder = next(
        (folder for folder in (package / "experiments", package.parent / "experiments") if folder.is_dir()), package
    )
    return {path.stem: path for path in sorted(folder.glob("[!_]*.py")) if folder is not package}


def is_shipped(file: ExperimentFile) -> bool:
    """Whether a file is that of the shipped experiment of its name, or a copy of it."""
    path = shipped().get(file.name)
    return path is not None and path.read_bytes() == file.path.read_bytes()


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
        name: The name of a shipped experiment, or the path of a file.

    Raises:
        UsageError: If there is no such file, it fails, or it lacks `Config`, data or `experiment`.
    """
    path = name if isinstance(name, Path) else find(name)
    module = ModuleType(f"vae_jax_experiment_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception as error:
        raise UsageError(
            f"expected an experiment file; {path}{line_of(error, path)} fails: {type(error).__name__}: {error}"
        ) from error
    summary_of_it = (module.__doc__ or "").strip().partition("\n")[0]
    config = _config_of(module, path)
    return ExperimentFile(
        path.stem, path, summary_of_it, config, _data_of(module, path, config), _experiment_of(module, path)
    )


def _config_of(module: ModuleType, path: Path) -> type:
    config: Any = getattr(module, "Config", None)
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise UsageError(f"expected a frozen dataclass 'Config' in {path}; it has none")
    if not getattr(config, "__dataclass_params__").frozen:  # noqa: B009 (pyright knows only `type`)
        raise UsageError(f"expected 'Config' in {path} to be frozen; decorate it by @dataclass(frozen=True)")
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UsageError(f"expected a default for every field of 'Config' in {path}; '{field.name}' has none")
    return config


def _data_of(module: ModuleType, path: Path, config: type) -> Callable[[Any], Dataset]:
    data: Callable[[Any], Any] = getattr(module, "data", _data_of_the_config)
    if not callable(data):
        raise UsageError(f"expected 'data' in {path} to be a function data(config); it is none; rename it")
    if data is _data_of_the_config and "data" not in {field.name for field in dataclasses.fields(config)}:
        raise UsageError(
            f"expected a function 'data(config)' in {path}, or a field 'data: vj.DataConfig' of its 'Config'; "
            "it has neither; add one"
        )
    return data


def _data_of_the_config(config: Any) -> Dataset:
    from vae_jax.data.loading import load

    return load(config.data)


def _experiment_of(module: ModuleType, path: Path) -> Callable[..., Experiment]:
    experiment: Callable[..., Any] | None = getattr(module, "experiment", None)
    if experiment is None or not callable(experiment):
        raise UsageError(f"expected a function 'experiment(config, data)' in {path}; it has none")
    signature = inspect.signature(experiment)
    try:
        signature.bind("config", "data")
    except TypeError:
        raise UsageError(
            f"expected a function 'experiment(config, data)' in {path}; got "
            f"experiment({', '.join(signature.parameters)}); let it take the data as its second argument: what a "
            "function 'data(config)' returns, or else vj.data.load(config.data)"
        ) from None
    return experiment


def line_of(error: Exception, path: Path) -> str:
    """The line of a file that raised an exception, as the middle of a sentence: ", line 12", or nothing."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""
