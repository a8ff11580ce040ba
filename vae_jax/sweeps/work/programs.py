"""The programs that groups of lanes are trained with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vae_jax.admissible import check_examples
from vae_jax.catalogue import ExperimentFile
from vae_jax.config.fields import with_fields
from vae_jax.config.saved import config_from
from vae_jax.evaluation import evaluator
from vae_jax.evaluation.evidence.importance_sampling import log_likelihood_of
from vae_jax.experiment import Experiment
from vae_jax.machine.memory import free_memory
from vae_jax.messages import UsageError
from vae_jax.outline import Outline
from vae_jax.parallel.config import ParallelConfig
from vae_jax.parallel.mesh import make_lanes_mesh
from vae_jax.parallel.placement import Placement
from vae_jax.sweeps.config import LanesConfig
from vae_jax.sweeps.lanes.data_sets import DataSets, depend_on
from vae_jax.sweeps.lanes.family import Family, Numbers
from vae_jax.sweeps.lanes.memory import in_waves, lanes_that_fit
from vae_jax.sweeps.lanes.pace import lanes_of
from vae_jax.sweeps.lanes.train_stack import Program
from vae_jax.sweeps.values.trial import Trial
from vae_jax.sweeps.work.directory import SweepSpec

LANES_OF_A_SEARCH = 16
"""Lanes of a search at once: the more are asked for together, the less each knows of the others."""


def family_of(file: ExperimentFile, spec: SweepSpec, trial: Trial, data_sets: DataSets) -> Family:
    """The family of the experiments that differ from a trial only in fields that lanes may differ in.

    Raises:
        UsageError: If the data of the trial depend on such a field, or cannot be made.
    """
    common = config_from(file, spec.config)
    config = with_fields(common, trial.fields)
    group = {name: value for name, value in trial.fields.items() if name not in spec.side_by_side}
    if differing := depend_on(data_sets.fields_read(config), dict.fromkeys(spec.side_by_side)):
        raise UsageError(
            f"expected data(config) in {file.path} to read the same fields for all lanes; it reads "
            f"{', '.join(differing)} for some of them only; read it for all"
        )
    return Family(file, with_fields(common, group), spec.num_steps, data_sets.of(config))


def program_of(
    file: ExperimentFile,
    spec: SweepSpec,
    trial: Trial,
    data_sets: DataSets,
    *,
    num_wanted: int,
    num_slots: int | None,
    lanes: LanesConfig,
    parallel: ParallelConfig,
    say: Callable[[str], None],
) -> Program:
    """The program of a trial's group, on this process's devices.

    Args:
        file: The experiment's file.
        spec: Definition of the sweep.
        trial: Any trial of the group.
        data_sets: The data of the sweep.
        num_wanted: Number of lanes that there are, or may be, in the group.
        num_slots: Number of slots that the stack was begun with; None to take as many as fit.
        lanes: How lanes share the machine.
        parallel: The devices of the lanes.
        say: Called with lines about the program.

    Raises:
        UsageError: If the experiment does not work, or no lane fits into the memory.
    """
    family = family_of(file, spec, trial, data_sets)
    fields = tuple(name for name in trial.fields if name in spec.side_by_side)
    numbers = {name: trial.fields[name] for name in fields}
    experiment, traced = family.checked(numbers)
    check_for_lanes(experiment, traced)
    if assumed := experiment.dataset.values:
        say(f"values of {experiment.dataset.name}: {assumed}")
    placement = Placement(make_lanes_mesh(parallel, experiment.budget.batch_size))
    if num_slots is None:
        most = lanes.num or (num_wanted if spec.search is None else LANES_OF_A_SEARCH)
        num_slots = _slots_that_fit(family, numbers, placement, in_waves(num_wanted, min(num_wanted, most)), lanes, say)
    return Program(
        family,
        fields,
        experiment,
        traced,
        lanes_of(family, numbers, num_slots, placement, lanes.map, say),
        evaluator(family.fitted, num_samples=experiment.num_samples),
        _validation_nll(family, experiment.num_samples) if "nll" in _objectives(spec) else None,
    )


def check_for_lanes(experiment: Experiment, outline: Outline) -> None:
    """Check that the data are not streamed, and that the likelihood gives them a probability.

    Raises:
        UsageError: If they are, or it does not.
    """
    if experiment.dataset.is_streamed:
        raise UsageError(
            f"expected data that are kept in memory, once for all lanes; {experiment.dataset.name} is streamed; "
            "give --data.feed memory, or train its runs one by one"
        )
    check_examples(experiment, outline)


def _slots_that_fit(
    family: Family,
    numbers: Numbers,
    placement: Placement,
    num_wanted: int,
    lanes: LanesConfig,
    say: Callable[[str], None],
) -> int:
    """The number of slots that the lanes need, in equally large waves, shared out over the devices."""
    num_runs = placement.mesh.shape["run"]
    free = free_memory(placement.mesh.devices.ravel()[0]) if lanes.memory is None else int(lanes.memory * 2**30)
    fitting = num_runs * lanes_that_fit(family, numbers, -(-num_wanted // num_runs), free)
    wave = in_waves(num_wanted, min(num_wanted, fitting))
    if wave < num_wanted:
        say(f"{num_wanted} lanes in {-(-num_wanted // wave)} waves, since {fitting} fit into the memory")
    return -(-wave // num_runs) * num_runs


def _validation_nll(family: Family, num_samples: int) -> Callable[[Any, Any], float]:
    estimate = log_likelihood_of(family.fitted, num_samples=num_samples)
    return lambda lane, examples: -float(estimate(lane, examples).estimate.mean(dtype="float64"))


def _objectives(spec: SweepSpec) -> list[str]:
    return list((spec.search or {}).get("objectives", ()))
