"""A worker: it takes stacks of a sweep, one after another, and trains them, until nothing is left."""

from __future__ import annotations

import json
import shutil
import time
from functools import partial
from typing import Any, NamedTuple

from vae_jax.catalogue import ExperimentFile
from vae_jax.parallel.config import ParallelConfig
from vae_jax.sweeps.config import LanesConfig
from vae_jax.sweeps.lanes.data_sets import DataSets
from vae_jax.sweeps.lanes.evolution import Evolution
from vae_jax.sweeps.lanes.slot import Slot
from vae_jax.sweeps.lanes.stack import Stack, StackRecord
from vae_jax.sweeps.lanes.train_stack import Program, fill, train_stack
from vae_jax.sweeps.search.sources import Source
from vae_jax.sweeps.values.trial import Trial
from vae_jax.sweeps.work.directory import ENDED, SweepDirectory, SweepSpec
from vae_jax.sweeps.work.judge import StackJudge
from vae_jax.sweeps.work.programs import program_of
from vae_jax.sweeps.work.table import Table
from vae_jax.training.checkpoint import Checkpoints

SECONDS_BETWEEN_LOOKS = 10


class Setting(NamedTuple):
    """The sweep that a worker works on, and the options that it works with."""

    directory: SweepDirectory
    spec: SweepSpec
    file: ExperimentFile
    source: Source
    table: Table
    lanes: LanesConfig
    parallel: ParallelConfig
    evolution: Evolution | None
    data_sets: DataSets


class Worker:
    """One process at work on a sweep. Several, on one host or many, share the work by files and locks.

    A stack belongs to the worker that has its lock, which ends with the process: the stack of a killed worker is taken
    up by the next worker that looks for a stack, from the last checkpoint.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._programs: dict[str, Program] = {}
        self._environment = setting.directory.read_environment()

    def work(self) -> bool:
        """Train until all lanes are done or taken by other workers; return False if a signal came first."""
        source = self._setting.source
        with self._setting.directory.lock():
            self._settle_accounts()
        while True:
            while (stack := self._next_stack()) is not None:
                try:
                    if not self._train(stack):
                        return False
                finally:
                    stack.leave()
            # Only a database shows which of its workers are dead, and only after a while; then their trials come back.
            if not (source.is_shared_beyond_files and source.running()):
                return True
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _train(self, stack: Stack) -> bool:
        program = self._program(stack)
        waiting = self._unfinished(stack)
        if stack.num_slots is None:
            stack.num_slots = program.lanes.num_slots
            waiting += self._claimed(stack, stack.num_slots - len(waiting))

        def next_trial() -> Trial | None:
            found = waiting or self._claimed(stack, 1)
            return found.pop(0) if found else None

        directory, spec, file, source, table, _, _, evolution, _ = self._setting
        judge = StackJudge(directory, spec, file, self._environment, source, table, evolution, next_trial)
        checkpoints = Checkpoints(stack.checkpoints, num_latest=1, record_type=StackRecord, say=table.say)
        try:
            slots = self._restored(program, checkpoints, waiting)
            fill(program, slots, judge)
            is_done = train_stack(program, slots, checkpoints, judge, num_rounds=max(checkpoints.steps, default=0))
        finally:
            checkpoints.close()
            program.lanes.clear()
        if is_done and stack.checkpoints.is_dir():  # lanes without steps are saved by themselves alone
            shutil.rmtree(stack.checkpoints)  # its lanes have checkpoints of their own
        return is_done

    def _restored(self, program: Program, checkpoints: Checkpoints, waiting: list[Trial]) -> list[Slot | None]:
        """The slots as they were saved; the trials in them are removed from `waiting`."""
        slots: list[Slot | None] = [None] * program.lanes.num_slots
        restored = checkpoints.restore_latest(program.lanes.abstract())
        if restored is None:
            return slots
        state, record = restored
        _, feed = program.experiment.key_and_feed()
        for index, saved in enumerate(record.slots):
            trial = next((trial for trial in waiting if saved is not None and trial.number == saved.number), None)
            if trial is not None:
                waiting.remove(trial)
                run, budget = self._setting.directory.lane(trial.number), program.experiment.budget
                numbers = program.numbers(trial)
                slots[index] = slot = Slot(trial, numbers, run, budget, feed.num_steps_per_epoch, saved)
                if self._setting.evolution is not None:
                    self._setting.evolution.forget_after(slot)
        anything = next((saved.numbers for saved in record.slots if saved is not None), {})
        program.lanes.put(state, [slot.numbers if slot else anything for slot in slots])
        return slots

    def _program(self, stack: Stack) -> Program:
        """The program of the stack's group, compiled once."""
        group = json.dumps(stack.group)
        known = self._programs.get(group)
        if known is None or stack.num_slots not in (None, known.lanes.num_slots):
            _, spec, file, source, table, lanes, parallel, _, data_sets = self._setting
            self._programs[group] = program_of(
                file,
                spec,
                stack.trials[0],
                data_sets,
                num_wanted=source.num_in_group(partial(self._is_of, stack.group)),
                num_slots=stack.num_slots,
                lanes=lanes,
                parallel=parallel,
                say=table.say,
            )
        return self._programs[group]

    def _next_stack(self) -> Stack | None:
        """Take an unfinished stack that nobody has, or a new one; None if nothing is left."""
        directory = self._setting.directory
        with directory.lock():
            for path in directory.stack_directories():
                stack = Stack(path)
                if stack.exists and self._unfinished(stack.read()) and stack.take():
                    return stack.read()
            first = self._setting.source.claim(1, lambda trial: True, self._taken())
            if not first:
                return None
            stack = self._new_stack(first[0])
            stack.take()
            return stack

    def _claimed(self, stack: Stack, num: int) -> list[Trial]:
        """Claim at most so many more trials for a stack; trials of other groups are kept for their own stacks."""
        if num < 1:
            return []
        with self._setting.directory.lock():
            is_wanted = partial(self._is_of, stack.group)
            trials = self._setting.source.claim(num, is_wanted, self._taken())
            own = [trial for trial in trials if is_wanted(trial)]
            for trial in trials:
                if not is_wanted(trial):
                    self._keep_for_another(trial)
            stack.trials += own
            stack.write()
        return own

    def _keep_for_another(self, trial: Trial) -> None:
        group = self._group(trial)
        for path in self._setting.directory.stack_directories():
            stack = Stack(path)
            if stack.exists and stack.read().group == group and stack.num_slots is None and stack.take():
                stack.trials.append(trial)
                stack.write()
                stack.leave()
                return
        self._new_stack(trial)

    def _new_stack(self, trial: Trial) -> Stack:
        directory = self._setting.directory
        taken = [int(path.name) for path in directory.stack_directories()]
        stack = Stack(directory.stacks / f"{max(taken, default=-1) + 1:03d}")
        stack.group, stack.trials = self._group(trial), [trial]
        stack.write()
        return stack

    def _settle_accounts(self) -> None:
        """Settle the trials of killed workers: report ended ones to the source, give back those that no stack has."""
        directory, source = self._setting.directory, self._setting.source
        running = source.running()
        taken = self._taken() if running else set()
        for trial in running:
            status = directory.status(trial.number)
            if status in ENDED:
                source.finish(trial.number, directory.values(trial.number), status)
            elif trial.number not in taken and not source.is_shared_beyond_files:
                source.give_back(trial.number)

    def _taken(self) -> set[int]:
        stacks = [Stack(path) for path in self._setting.directory.stack_directories()]
        return {trial.number for stack in stacks if stack.exists for trial in stack.read().trials}

    def _unfinished(self, stack: Stack) -> list[Trial]:
        return [trial for trial in stack.trials if self._setting.directory.status(trial.number) not in ENDED]

    def _group(self, trial: Trial) -> dict[str, Any]:
        return {name: value for name, value in trial.fields.items() if name not in self._setting.spec.side_by_side}

    def _is_of(self, group: dict[str, Any], trial: Trial) -> bool:
        return self._group(trial) == group
