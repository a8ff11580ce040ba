"""Settle an unfinished lane of a sweep: make it a run of its own."""

from __future__ import annotations

from pathlib import Path

import jax

from vae_jax.catalogue import load_experiment
from vae_jax.messages import UsageError
from vae_jax.sweeps.lanes.data_sets import DataSets
from vae_jax.sweeps.lanes.family import stacked_numbers
from vae_jax.sweeps.lanes.lanes import first_of_lanes
from vae_jax.sweeps.lanes.slot import write_checkpoints
from vae_jax.sweeps.lanes.stack import Stack, StackRecord
from vae_jax.sweeps.work.directory import SweepDirectory
from vae_jax.sweeps.work.programs import family_of
from vae_jax.training.saved import read_for_a_look


def settle(run_dir: Path) -> None:
    """Give a lane that is still in training its own checkpoints, from those of its stack.

    A run that is not a lane, or a lane that has ended, is left as it is.

    Args:
        run_dir: The lane's directory.

    Raises:
        UsageError: If a worker is training it.
    """
    directory = SweepDirectory(run_dir.absolute().parent.parent)
    if not directory.exists or run_dir.absolute().parent != directory.lanes.absolute() or not run_dir.name.isdecimal():
        return
    number = int(run_dir.name)
    if directory.status(number) != "running":
        return
    stacks = [Stack(path).read() for path in directory.stack_directories() if Stack(path).exists]
    stack = next((stack for stack in stacks if number in {trial.number for trial in stack.trials}), None)
    if stack is None or stack.num_slots is None:
        return
    if not stack.take():
        raise UsageError(
            f"expected {run_dir} to be free; a worker of the sweep in {directory.path} is training it; wait for its end"
        )
    try:
        _settle(directory, stack, number)
    finally:
        stack.leave()


def _settle(directory: SweepDirectory, stack: Stack, number: int) -> None:
    spec = directory.read_spec()
    trial = next(trial for trial in stack.trials if trial.number == number)
    file = load_experiment(directory.experiment)._replace(name=spec.experiment)
    family = family_of(file, spec, trial, DataSets(file, directory.folder))
    numbers = {name: trial.fields[name] for name in spec.side_by_side}
    num_slots = stack.num_slots or 1
    target = jax.eval_shape(lambda: first_of_lanes(family, stacked_numbers([numbers] * num_slots), num_slots))
    restored = read_for_a_look(stack.checkpoints, target, record_type=StackRecord)
    if restored is None:
        return
    lanes, record = restored
    for index, slot in enumerate(record.slots):
        if slot is not None and slot.number == number:
            lane = jax.tree.map(lambda array, index=index: array[index], lanes)
            write_checkpoints(directory.lane(number), lane, (slot.step, slot.latest), slot.at_best)
