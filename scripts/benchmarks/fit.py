"""The whole training loop, and what of its time is not training."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from benchmarks import ours
from benchmarks.settings import BATCH_SIZE, Settings
from benchmarks.tables import Table

import vae_jax as vj
from vae_jax.evaluation import bound_evaluator
from vae_jax.training.advance import Progress
from vae_jax.training.checkpoint import Checkpoints, Record
from vae_jax.training.loop import fit
from vae_jax.training.metrics import MetricsFile


class _Stopwatch:
    """The seconds of each call of a function."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.seconds: list[float] = []

    def __call__(self, *arguments: Any) -> Any:
        began = time.perf_counter()
        result = self._function(*arguments)
        self.seconds.append(time.perf_counter() - began)
        return result


class _TimedCheckpoints(Checkpoints):
    """Checkpoints that note for how long each save was waited for."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.seconds: list[float] = []

    def save(self, step: int, progress: Progress, record: Record) -> None:
        began = time.perf_counter()
        super().save(step, progress, record)
        self.seconds.append(time.perf_counter() - began)


class _Display:
    """Shows nothing, and notes when each validation was over."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def train(self, line: dict[str, Any], images_per_second: float | None, seconds_left: float | None) -> None:
        pass

    def validation(self, line: dict[str, Any], is_best: bool) -> None:
        self.times.append(time.perf_counter())

    def say(self, text: str) -> None:
        pass


def table(train: np.ndarray, validation: np.ndarray, settings: Settings) -> Table:
    """`vae_jax.training.loop.fit` with a metrics line every 100 steps, and a validation and a checkpoint every epoch.

    From one validation to the next there is one save, one epoch and one validation. The first epoch, which compiles,
    is left out.
    """
    transform = vj.data.scale(255)
    model = ours.mlp_model()
    evaluate = bound_evaluator(model, vj.objectives.elbo, transform.apply)
    validate = _Stopwatch(lambda params: evaluate(params, validation))
    display = _Display()
    num_epochs = 1 + (2 if settings.quick else 5)
    with tempfile.TemporaryDirectory() as directory:
        checkpoints = _TimedCheckpoints(Path(directory) / "checkpoints")
        fit(
            ours.adam_trainer(model),
            ours.feed_of(train, transform),
            vj.budget_of_epochs(num_epochs, len(train), BATCH_SIZE),
            jax.random.key(0),
            validate=validate,
            checkpoints=checkpoints,
            open_metrics=lambda num_bytes: MetricsFile(Path(directory) / "metrics.jsonl", num_bytes),
            display=display,
        )
        checkpoints.close()
    whole = statistics.median(np.diff(display.times)[1:])
    validating, saving = statistics.median(validate.seconds[2:]), statistics.median(checkpoints.seconds[1:-1])
    num = len(train) // BATCH_SIZE * BATCH_SIZE
    rows = [
        {"of an epoch": "all of it", "seconds": whole, "share": 1.0, "images/s": num / whole},
        {"of an epoch": f"validation, {len(validation):,} images", "seconds": validating, "share": validating / whole,
         "images/s": len(validation) / validating},
        {"of an epoch": "waiting for the save", "seconds": saving, "share": saving / whole},
        {"of an epoch": "training and metrics lines", "seconds": whole - validating - saving,
         "share": 1 - (validating + saving) / whole, "images/s": num / (whole - validating - saving)},
    ]  # fmt: skip
    return Table(f"train: the whole loop (`fit`), median of {num_epochs - 1} epochs", rows)
