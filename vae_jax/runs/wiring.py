"""The experiment and the data that a file makes of a config."""

from __future__ import annotations

from typing import Any

from vae_jax.catalogue import ExperimentFile
from vae_jax.config.fields import check_numbers
from vae_jax.data.dataset import Dataset
from vae_jax.experiment import Experiment
from vae_jax.messages import UsageError
from vae_jax.origin import explaining


def wire(file: ExperimentFile, config: Any, num_steps: int | None, data: Dataset | None = None) -> Experiment:
    """The experiment of a config.

    Args:
        file: The experiment's file.
        config: Its `Config`.
        num_steps: The number of training steps, in place of the experiment's own.
        data: The data of the config, where they are loaded already.

    Raises:
        UsageError: If the file makes no data or no experiment of the config, or a number is not finite or out of its
            field's range.
    """
    if data is None:
        data = load_data(file, config)
    check_numbers(config)
    with explaining("an experiment", f"experiment(config, data) in {file.path}"):
        experiment = file.experiment(config, data)
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
        UsageError: If the file makes no data of the config, or a number is not finite or out of its field's range.
    """
    check_numbers(config)
    with explaining("data", f"data(config) in {file.path}"):
        data = file.data(config)
    if not isinstance(data, Dataset):
        raise UsageError(
            f"expected data(config) in {file.path} to return a vae_jax.data.Dataset; got {type(data).__name__}; "
            "vj.data.from_object makes one of arrays"
        )
    # Some rows are read for the fingerprint: what cannot be read is refused here, before anything is written.
    with explaining("data", f"data(config) in {file.path}"):
        _ = data.fingerprint
    return data
