"""A run is begun, opened, and gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax

from vae_jax.admissible import check_examples
from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.config.saved import config_from, config_to_json
from vae_jax.data.dataset import Dataset
from vae_jax.files import read_json
from vae_jax.machine.profile import ProfiledSteps
from vae_jax.messages import UsageError
from vae_jax.outline import check_measures, outline
from vae_jax.parallel import hosts
from vae_jax.parallel.config import ParallelConfig
from vae_jax.parallel.mesh import make_mesh, own_mesh
from vae_jax.parallel.placement import Placement, on_one_device
from vae_jax.runs.columns import check_columns
from vae_jax.runs.data_paths import data_as_begun
from vae_jax.runs.directory import RunDirectory, next_free
from vae_jax.runs.environment import environment
from vae_jax.runs.families import check_families
from vae_jax.runs.run import Run
from vae_jax.runs.same_data import begun_with, check_data
from vae_jax.runs.wiring import load_data, wire
from vae_jax.runs.work import of_program


@own_mesh()
def train(
    name: str | Path,
    *,
    run_dir: str | Path | None = None,
    overwrite: bool = False,
    num_steps: int | None = None,
    parallel: ParallelConfig | None = None,
    **fields: Any,
) -> Run:
    """Train an experiment from a script or notebook, as `vae-jax train` does.

    Args:
        name: Name of a shipped experiment, or the path of a file.
        run_dir: The run directory; None for the next free `runs/NAME-1`.
        overwrite: Replace the run that is there.
        num_steps: Train for so many steps, in place of the experiment's own budget.
        parallel: The devices to train over; None for as many as there are and divide the batch.
        **fields: Fields of the experiment's `Config`.

    Raises:
        UsageError: If one of these is not as expected; nothing was changed then.
        RunError: If training could not go on.
    """
    file = load_experiment(name)
    config = config_from(file, fields)
    run = begin(file, config, run_dir, overwrite=overwrite, num_steps=num_steps, parallel=parallel)
    run.train()
    return run


@own_mesh()
def resume(
    run_dir: str | Path,
    *,
    num_steps: int | None = None,
    parallel: ParallelConfig | None = None,
    accept_data: bool = False,
) -> Run:
    """Go on with a run that was interrupted, or for more steps, as `vae-jax resume` does.

    Args:
        run_dir: The run directory.
        num_steps: Train for so many steps in all, in place of the number that the run was started with.
        parallel: The devices to train over, which may differ from those before; None as in `train`.
        accept_data: Take other data than the run was begun with, and note them in its `data.json`.

    Raises:
        UsageError: If there is no run, or its data are others than they were.
        RunError: If training could not go on.
    """
    run = open_run(run_dir, num_steps=num_steps, parallel=parallel or ParallelConfig(), accept_data=accept_data)
    run.train()
    return run


@own_mesh()
def begin(
    file: ExperimentFile,
    config: Any,
    run_dir: str | Path | None,
    *,
    overwrite: bool,
    num_steps: int | None,
    parallel: ParallelConfig | None = None,
    profile: ProfiledSteps | None = None,
) -> Run:
    """Make the directory of a new run. Nothing on the disk changes before the experiment is known to work.

    Raises:
        UsageError: If the experiment cannot be built, the devices do not fit it, hosts differ, the directory is taken,
            or not all steps to profile will come.
    """
    data = load_data(file, config)
    experiment = wire(file, config, num_steps, data)
    traced = outline(experiment)
    check_measures(experiment)
    check_examples(experiment, traced)
    if profile is not None:
        profile.check(0, experiment.budget.num_steps)
    placement = Placement(make_mesh(parallel or ParallelConfig(), experiment.budget.batch_size))
    record = {"experiment": file.name, "config": config_to_json(config), "num_steps": num_steps}
    _check_hosts(file, record, data)

    def make() -> str:
        directory = RunDirectory(next_free(Path("runs"), file.name) if run_dir is None else Path(run_dir))
        directory.check_free(overwrite=overwrite)
        directory.path.mkdir(parents=True, exist_ok=True)
        with directory.lock():
            directory.check_free(overwrite=overwrite)  # another process may have begun a run here in the meantime
            made_on = environment(file.path) | of_program(experiment, traced)
            directory.create(record, made_on, file.kept, begun_with(data))
        return str(directory.path)

    return Run(RunDirectory(Path(hosts.by_first(make))), record, file, config, experiment, placement, profile)


@own_mesh()
def open_run(
    path: str | Path,
    *,
    num_steps: int | None = None,
    parallel: ParallelConfig | None = None,
    profile: ProfiledSteps | None = None,
    accept_data: bool = False,
) -> Run:
    """The run in a directory, from the config and the copy of the experiment file that are kept there.

    Args:
        path: The directory.
        num_steps: Train for so many steps from now on, in place of the number that the run was started with.
        parallel: The devices to train over; None for one.
        profile: Steps to profile when they are trained.
        accept_data: Take other data than the run was begun with, and note them in its `data.json`.

    Raises:
        UsageError: If there is no run, its experiment cannot be built, its data, its columns or its distributions are
            others than they were, the devices do not fit it, more steps are done already, or not all steps to profile
            are still to come.
    """
    directory = RunDirectory(Path(path))
    record = directory.read_config()
    if num_steps is not None:
        _check_not_done(num_steps, directory)
        record["num_steps"] = num_steps
    file = load_experiment(directory.experiment)._replace(name=record["experiment"])
    config = config_from(file, record["config"])
    made_on = read_json(directory.environment) or {}
    data = load_data(file, data_as_begun(config, made_on.get("folder")))
    check_columns(made_on.get("columns"), data.columns, directory.path)
    check_data(directory, data, accept=accept_data)
    experiment = wire(file, config, record["num_steps"], data)
    check_families(made_on.get("families"), outline(experiment), directory.path)
    if profile is not None:
        profile.check(directory.latest_step, experiment.budget.num_steps)
    _check_hosts(file, record, data)
    placement = on_one_device() if parallel is None else Placement(make_mesh(parallel, experiment.budget.batch_size))
    return Run(directory, record, file, config, experiment, placement, profile)


def _check_not_done(num_steps: int, directory: RunDirectory) -> None:
    if num_steps < (done := directory.latest_step):
        raise UsageError(
            f"expected a number of steps of at least {done}, which the run in {directory.path} has done; got "
            f"{num_steps}; give a larger one, or none"
        )


def _check_hosts(file: ExperimentFile, record: dict[str, Any], data: Dataset) -> None:
    if jax.process_count() == 1:
        return
    here = environment(file.path)
    hosts.check_same(
        experiment_and_options=json.dumps(record, sort_keys=True),
        experiment_file_and_modules=repr(sorted(file.kept.items())),
        data=json.dumps(data.fingerprint),
        versions_and_code=json.dumps({name: here[name] for name in ("vae_jax", "jax", "jaxlib", "git")}),
    )
