"""The commands that say what there is: the shipped experiments, and this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from vae_jax import catalogue


@dataclass(frozen=True)
class List:
    """Name the experiments that come with vae-jax."""

    def run(self) -> int:
        """Print a line for each experiment."""
        print(experiment_table())
        return 0


@dataclass(frozen=True)
class Info:
    """Show versions, devices, memory, and how many compiled programs are kept."""

    json: bool = False
    """One JSON object in place of the lines."""

    def run(self) -> int:
        """Print a line for each fact."""
        from vae_jax.machine.facts import facts
        from vae_jax.runs.environment import environment

        found = environment(Path.cwd() / "here") | facts()
        if self.json:
            print(json.dumps(found, ensure_ascii=False))
            return 0
        for name, value in found.items():
            print(f"{name:18} {value}")
        return 0


def experiment_table() -> str:
    """The shipped experiments, a line each."""
    paths = catalogue.shipped()
    width = max(map(len, paths), default=0)
    return "\n".join(f"{name:{width}}  {catalogue.summary(path)}" for name, path in paths.items())
