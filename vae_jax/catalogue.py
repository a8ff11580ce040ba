"""Experiment files: finding one by its name or path, and reading it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from vae_jax.beside import Beside
from vae_jax.files import expanded
from vae_jax.messages import UsageError, did_you_mean, listed
from vae_jax.origin import explaining

if TYPE_CHECKING:
    from vae_jax.data.dataset import Dataset
    from vae_jax.experiment import Experiment

EXPERIMENT = "experiment.py"
"""The copy of an experiment file in the directory of a run or a sweep."""
MODULES = "experiment_modules"
"""The folder of the copies of the modules that it imported from beside it."""


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
    source: bytes = b""
    """The content of the file, as it was run."""
    modules: Mapping[str, bytes] = MappingProxyType({})
    """The modules beside it that were imported so far: path from there -> content, as it was run."""

    @property
    def kept(self) -> dict[str, bytes]:
        """The files that a run keeps of it: path in the run's directory -> content."""
        return _as_kept(self.source, self.modules)


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
    path = expanded(name)
    if path.suffix == ".py" and path.is_file():
        return path
    if path.suffix == ".py":
        raise UsageError(f"expected an experiment file; there is none at {path}; 'vae-jax list' names the shipped ones")
    hint = listed(did_you_mean(name, known), known)
    raise UsageError(f"expected an experiment or the path of a .py file; got '{name}'{hint}")


def load_experiment(name: str | Path) -> ExperimentFile:
    """Run an experiment file and return what it defines.

    It may import the modules that lie beside it, as they may each other; the copy that a run keeps, those kept with it.

    Args:
        name: The name of a shipped experiment, or the path of a file.

    Raises:
        UsageError: If there is no such file, it fails, or it lacks `Config`, data or `experiment`.
    """
    path = name if isinstance(name, Path) else find(name)
    source, copies = path.read_bytes(), path.parent / MODULES
    is_kept = path.name == EXPERIMENT and (path.parent / "environment.json").is_file()
    beside = Beside(copies if is_kept else path.parent)
    if is_kept:  # all of them stay kept, whichever are imported this time
        beside.sources |= _sources_in(copies)
    with explaining("an experiment file", f"{path}"):
        module = beside.run(path, source)
    summary_of_it = (module.__doc__ or "").strip().partition("\n")[0]
    config = _config_of(module, path)
    return ExperimentFile(
        path.stem,
        path,
        summary_of_it,
        config,
        _data_of(module, path, config),
        _experiment_of(module, path),
        source,
        beside.sources,
    )


def kept_in(directory: Path) -> dict[str, bytes]:
    """The files that a run or a sweep in a directory keeps of its experiment, as `ExperimentFile.kept`."""
    return _as_kept((directory / EXPERIMENT).read_bytes(), _sources_in(directory / MODULES))


def _as_kept(source: bytes, modules: Mapping[str, bytes]) -> dict[str, bytes]:
    return {EXPERIMENT: source} | {f"{MODULES}/{path}": content for path, content in modules.items()}


def _sources_in(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("[!.]*.py"))}


def _config_of(module: ModuleType, path: Path) -> type:
    config: Any = getattr(module, "Config", None)
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise UsageError(f"expected a frozen dataclass 'Config' in {path}; it has none")
    if not getattr(config, "__dataclass_params__").frozen:  # noqa: B009 (pyright knows only `type`)
        raise UsageError(f"expected 'Config' in {path} to be frozen; decorate it by @dataclass(frozen=True)")
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UsageError(f"expected a default for every field of 'Config' in {path}; '{field.name}' has none")
    with explaining(f"defaults that 'Config' in {path} takes"):
        config()
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
