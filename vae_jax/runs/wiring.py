"""The experiment and the data that a file makes of a config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vae_jax.catalogue import ExperimentFile, line_of
from vae_jax.config.fields import check_finite
from vae_jax.data.dataset import Dataset
from vae_jax.experiment import Experiment
from vae_jax.messages import UsageError


def wire(file: ExperimentFile, config: Any, num_steps: int | None, data: Dataset | None = None) -> Experiment:
    """The experiment of a config.

    Args:
        file: The experiment's file.
        config: Its `Config`.
        num_steps: The number of training steps, in place of the experiment's own.
        data: The data of the config, where they are loaded already.

    Raises:
        UsageError: If the file makes no data or no experiment of the config, or a field is not a finite number.
    """
    if data is None:
        data = load_data(file, config)
    check_finite(config)
    experiment = _made("an experiment", file.path, "experiment(config, data)", lambda: file.experiment(config, data))
    if not isinstance(experiment, Experiment):
        raise UsageError(
            f"expected experiment(config, data) in {file.path} to return a vae_jax.Experiment; "
            f"got {type(experiment).__name__}"
        )
    if num_steps is not None:
        experiment = experiment._replace(budget=experiment.budget._replace(num_steps=num_steps))
    return experiment


def load_data(file: ExperimentFile, config: Any) -> Dataset:
    """The data of a config, read anew.

    Raises:
        UsageError: If the file makes no data of the config, or a field is not a finite number.
    """
    check_finite(config)
    data = _made("data", file.path, "data(config)", lambda: file.data(config))
    if not isinstance(data, Dataset):
        raise UsageError(
            f"expected data(config) in {file.path} to return a vae_jax.data.Dataset; got {type(data).__name__}; "
            "vj.data.from_object makes one of arrays"
        )
    # Some rows are read for the fingerprint: what cannot be read is refused here, before anything is written.
    _made("data", file.path, "data(config)", lambda: data.fingerprint)
    return data


def _made(what: str, path: Path, call: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        reason = f"{error}"
        if not (isinstance(error, TypeError | ValueError | ModuleNotFoundError) and reason.startswith("expected ")):
            reason = f"expected {what}; {call} in {path}{line_of(error, path)} fails: {type(error).__name__}: {reason}"
        raise UsageError(reason) from error
