"""Names that are imported when they are first used, so that importing a package costs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from vae_jax.extras import told_if_missing


def names_on_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Args:
        package: The name of the package.
        homes: Public name -> the module of the package that defines it; "" for a name that is a module itself.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        with told_if_missing():
            module = importlib.import_module(".".join(filter(None, [package, homes[name] or name])))
        return getattr(module, name) if homes[name] else module

    return get
