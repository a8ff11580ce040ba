"""A worker: takes stacks of a sweep, one after another, and trains them, until nothing is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from vae_jax.catalogue import ExperimentFile
from vae_jax.evaluation import evaluator
from vae_jax.files import write_json
from vae_jax.machine.memory import free_memory
from vae_jax.messages import UsageError
from vae_jax.parallel.config import ParallelConfig
from vae_jax.parallel.mesh import make_lanes_mesh
from vae_jax.parallel.placement import Placement
from vae_jax.runs.config import config_from, config_to_json
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.work import flops_of_step
from vae_jax.sweep.config import LanesConfig
from vae_jax.sweep.directory import ENDED, SweepDirectory, SweepSpec
from vae_jax.sweep.evolution import Evolution
from vae_jax.sweep.family import Family
from vae_jax.sweep.fields import with_fields
from vae_jax.sweep.lanes import Lanes, LaneState
from vae_jax.sweep.memory import in_waves, lanes_that_fit
from vae_jax.sweep.pace import lanes_of
from vae_jax.sweep.slot import Slot
from vae_jax.sweep.sources import Source
from vae_jax.sweep.stack import Stack, StackRecord
from vae_jax.sweep.table import Table
from vae_jax.sweep.train_stack import Outcome, Program, new_slot, train_stack
from vae_jax.sweep.trial import Trial
from vae_jax.training.checkpoint import Checkpoints

LANES_OF_A_SEARCH = 16


class Setting(NamedTuple):
    """What a worker works on, and with."""

    directory: SweepDirectory
    spec: SweepSpec
    file: ExperimentFile
    source: Source
    table: Table
    lanes: LanesConfig
    parallel: ParallelConfig
    evolution: Evolution | None


class Worker:
    """One process at work on a sweep. Several may be, on one host or many: they share what is left by files and locks.

    A stack belongs to whoever has its lock, which goes with the process: the stack of a killed worker is taken up by
    the next that looks for work, from its last checkpoint.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._programs: dict[str, Program] = {}
        self._stack: Stack | None = None
        self._queue: list[Trial] = []
        self._objectives = (setting.spec.search or {}).get("objectives") or ["value"]
        self._environment = json.loads(setting.directory.environment.read_text("utf-8"))

    def work(self) -> bool:
        """Train until nothing is left that nobody has; False if a signal came first."""
        directory = self._setting.directory
        with directory.lock():
            self._settle_accounts()
        while (stack := self._next_stack()) is not None:
            self._stack = stack
            try:
                if not self._train(stack):
                    return False
            finally:
                stack.leave()
        return True

    def _train(self, stack: Stack) -> bool:
        program = self._program(stack)
        self._queue = [trial for trial in stack.trials if self._status(trial) not in ENDED]
        if stack.num_slots is None:
            stack.num_slots = program.lanes.num_slots
            with self._setting.directory.lock():
                self._claim(stack.num_slots - len(self._queue))
        checkpoints = Checkpoints(stack.checkpoints, num_latest=1, record_type=StackRecord, say=self._setting.table.say)
        try:
            slots, num_rounds = self._restored(program, checkpoints)
            is_done = train_stack(program, slots, checkpoints, self, num_rounds=num_rounds)
        finally:
            checkpoints.close()
        if is_done:
            shutil.rmtree(stack.checkpoints)  # its lanes have checkpoints of their own
        return is_done

    def _restored(self, program: Program, checkpoints: Checkpoints) -> tuple[list[Slot | None], int]:
        """The slots as they were saved, with new trials in those that are free."""
        lanes = program.lanes
        restored = checkpoints.restore_latest(jax.eval_shape(lanes.stacked))
        slots: list[Slot | None] = [None] * lanes.num_slots
        queued = {trial.number: trial for trial in self._queue}
        if restored is not None:
            state, record = restored
            for index, saved in enumerate(record.slots):
                if saved is not None and saved.number in queued:
                    trial = queued.pop(saved.number)
                    slots[index] = Slot(trial, *self._of_slot(program, trial), saved)
            anything = program.numbers(next(iter(self._stack_of_now.trials)))
            lanes.put(state, [slot.numbers if slot else anything for slot in slots])
        self._queue = list(queued.values())
        new: dict[int, Slot] = {}
        for index in [index for index, slot in enumerate(slots) if slot is None]:
            if (trial := self.another()) is None:
                break
            new[index] = slots[index] = new_slot(program, trial, self)
        lanes.start({index: slot.numbers for index, slot in new.items()})
        self._setting.table.begin([slot for slot in slots if slot is not None])
        return slots, max(checkpoints.steps, default=0)

    def _of_slot(self, program: Program, trial: Trial) -> tuple[Any, ...]:
        _, feed = program.experiment.key_and_feed()
        run = self._setting.directory.lane(trial.number)
        return program.numbers(trial), run, program.experiment.budget, feed.num_steps_per_epoch
