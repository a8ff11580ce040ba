"""Studies without any training: a trial's value is a function of its fields."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search.study import Study
from vae_jax.sweeps.values.axes import Axis, Interval

PLANE: dict[str, Axis] = {"beta": Interval(0.1, 10.0, is_log=True), "dropout": Interval(0.0, 0.5)}


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of a journal is waited for until it is on the disk, which only a loss of power would tell apart."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Study]]:
    """Makes a study, or joins it."""
    begun = []

    def begin_one(
        axes: dict[str, Axis] | None = None, *, name: str = "sweep", steps: int = 1600, **search: Any
    ) -> Study:
        search = {"sampler": "random", "trials": 8} | search
        study = Study(tmp_path / name, axes or PLANE, SearchConfig(**search), min_steps=100, max_steps=steps)
        begun.append(study)
        return study

    yield begin_one
    for study in begun:
        study.close()


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The URL of one."""
    return f"sqlite:///{tmp_path / 'study.db'}"


@pytest.fixture(params=["journal", "database"])
def where(request, database):
    """The options of a study that is kept there."""
    return {"storage": database if request.param == "database" else None}
