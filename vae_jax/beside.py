"""The modules beside a file: imported by their bare names from the file and from each other, and from nowhere else."""

from __future__ import annotations

import builtins
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from vae_jax.messages import UsageError
from vae_jax.origin import is_library

_NUMBERS = count(1)


class Beside(ModuleType):
    """The folder of a file as a package with a name of its own, under which its modules stand in `sys.modules`.

    So two files whose neighbours are called alike each have their own, a library never gets one of them, and nothing
    of it depends on when a module is imported, or on the folder in which the program was started.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(f"vae_jax_beside_{next(_NUMBERS)}")
        self.folder = folder.absolute()
        self.__path__ = [str(self.folder)]
        # An import statement calls the `__import__` of the module that it stands in, from wherever that is called.
        self.builtins = vars(builtins) | {"__import__": self._import}
        self.sources: dict[str, bytes] = {}
        """The modules that were imported so far: path in the folder -> the bytes that were run."""
        self._names: dict[str, bool] = {}
        sys.modules[self.__name__] = self

    def run(self, path: Path, source: bytes) -> ModuleType:
        """Run a file and return its module.

        Args:
            path: The file.
            source: Its content.

        Raises:
            Exception: Whatever the file raises.
        """
        module = ModuleType(f"{self.__name__}_of_{re.sub(r'[^a-zA-Z0-9_]', '_', path.stem)}")
        module.__file__ = str(path.absolute())
        module.__dict__["__builtins__"] = self.builtins
        sys.modules[module.__name__] = module  # dataclasses look their module up
        exec(compile(source, str(path), "exec"), module.__dict__)
        return module

    def note(self, path: Path, source: bytes) -> None:
        """Note what was run of a module."""
        self.sources[path.relative_to(self.folder).as_posix()] = source

    def _import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Sequence[str] | None = (), level: int = 0
    ) -> ModuleType:
        first = name.partition(".")[0]
        if level or not self._has(first):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = builtins.__import__(f"{self.__name__}.{name}", globals, locals, fromlist or (), 0)
        return module if fromlist else sys.modules[f"{self.__name__}.{first}"]

    def _has(self, name: str) -> bool:
        if name not in self._names:
            self._names[name] = _is_beside(name, _spec(name, self.__path__))
        return self._names[name]


def _is_beside(name: str, spec: ModuleSpec | None) -> bool:
    """Whether an import of a name means what was found beside the file.

    Raises:
        UsageError: If it means a library, too.
    """
    if spec is None or name == "vae_jax":  # beside a file in a checkout of it
        return False
    other = "the standard library" if name in sys.stdlib_module_names else _place(name)
    if spec.origin is None:
        return other is None  # a folder without code stands behind all modules, as it does for Python
    if other and (name in sys.stdlib_module_names or is_library(other)):
        raise UsageError(
            f"expected one module '{name}'; got {spec.origin}, beside the experiment, and that of {other}; "
            "give the one beside it another name"
        )
    return True


def _place(name: str) -> str | None:
    """The file of a module of that name, wherever Python itself would take it from; None if there is none."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module that was made by hand
        return None
    return None if spec is None else spec.origin


def _spec(name: str, path: Sequence[str]) -> ModuleSpec | None:
    # A finder that is made anew knows of files that were written a moment ago.
    finders = (FileFinder(entry, (_Loader, SOURCE_SUFFIXES)) for entry in path)
    return next((spec for finder in finders if (spec := finder.find_spec(name)) is not None), None)


def _package(fullname: str) -> Any:
    """The folder that a module of that name is in; None for all modules but those beside a file."""
    package = sys.modules.get(fullname.partition(".")[0])
    return package if isinstance(package, Beside) else None


class _Loader(SourceFileLoader):
    """A loader that reads the source itself, leaves no compiled file beside it, and notes what it has run."""

    def get_code(self, fullname: str) -> Any:
        source = self.get_data(self.path)
        _package(fullname).note(Path(self.path), source)
        return self.source_to_code(source, self.path)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = _package(module.__name__).builtins
        super().exec_module(module)


class _Finder:
    """The finder of the modules beside all files."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return None if path is None or _package(fullname) is None else _spec(fullname, path)


sys.meta_path.insert(0, _Finder)
