"""Training of a stack: the duties of its lanes, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from vae_jax.experiment import Experiment
from vae_jax.files import write_json
from vae_jax.outline import Outline
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.evaluation import evaluation
from vae_jax.sweeps.lanes.family import Family, Lane, Numbers, traced
from vae_jax.sweeps.lanes.lanes import Lanes
from vae_jax.sweeps.lanes.slot import Slot, write_checkpoints
from vae_jax.sweeps.lanes.stack import StackRecord
from vae_jax.sweeps.values.trial import Trial
from vae_jax.training import params_to_evaluate
from vae_jax.training.checkpoint import Checkpoints
from vae_jax.training.interruption import Interruption
from vae_jax.training.metrics import read_metrics

Outcome = Literal["finished", "stopped", "diverged"]


class Program(NamedTuple):
    """The program that a group is trained and evaluated with, compiled once."""

    family: Family
    fields: tuple[str, ...]
    """The swept fields that the group's lanes differ in."""
    experiment: Experiment
    """The experiment of one of the lanes."""
    outline: Outline
    lanes: Lanes
    evaluate: Callable[[Any, Any], dict[str, Any]]
    validation_nll: Callable[[Any, Any], float] | None
    """A function for the NLL of the validation split, if that is an objective; else None."""

    def numbers(self, trial: Trial) -> Numbers:
        """The fields of a trial that the lanes differ in."""
        return {name: trial.fields[name] for name in self.fields}


class Judge(Protocol):
    """A judge of the lanes of a stack while they are trained: it begins, stops and ends them."""

    def begin(self, trial: Trial, program: Program) -> RunDirectory:
        """Make the run directory of a lane that is to begin."""
        ...

    def to_stop(self, slots: Sequence[Slot]) -> list[Slot]:
        """Return the lanes that are to end early, of those that have just been validated."""
        ...

    def end(self, slot: Slot, status: Outcome, nll: float | None) -> None:
        """Note the end of a lane, with the NLL of the validation split if that is an objective."""
        ...

    def another(self) -> Trial | None:
        """Return the next trial for a free slot; None if there is none left."""
        ...

    def after_round(self, slots: Sequence[Slot | None], lanes: Lanes) -> None:
        """Act after a round of validations, when all lanes that were due have been validated."""
        ...

    def show(self, slots: Sequence[Slot | None], num_steps: int) -> None:
        """Show that so many steps of each lane have been trained."""
        ...


def train_stack(
    program: Program, slots: list[Slot | None], checkpoints: Checkpoints, judge: Judge, *, num_rounds: int
) -> bool:
    """Train lanes to their end, and others in the slots that become free.

    The stack is saved at each round of validations, and on a signal.

    Args:
        program: Program of the group.
        slots: The slots, each with a lane or None; the states of the lanes are in `program.lanes`.
        checkpoints: The checkpoints of the stack.
        judge: The judge that decides about the lanes.
        num_rounds: Number of times that the stack was saved before.

    Returns:
        Whether all lanes have ended; False after a signal.
    """
    validation = program.experiment.dataset.split("validation").examples

    def those(condition: Callable[[Slot], Any]) -> dict[int, Slot]:
        return {index: slot for index, slot in enumerate(slots) if slot is not None and condition(slot)}

    def write_lines() -> None:
        due = those(lambda slot: slot.is_due_for_a_line)
        for index, sums in program.lanes.take_sums(list(due)).items():
            due[index].take(sums)

    def validate() -> bool:
        due = those(lambda slot: slot.is_due_for_validation)
        lines = program.lanes.validate(list(due), validation) if due else {}
        program.lanes.keep_best([index for index, slot in due.items() if slot.validated(lines[index])])
        for slot in judge.to_stop(list(due.values())):
            slot.is_stopped = True
        return bool(due)

    def refill() -> None:
        for index, slot in those(lambda slot: slot.ending).items():
            _end(program, index, slot, judge)
            slots[index] = None
        fill(program, slots, judge)
        validate()

    def save() -> None:
        nonlocal num_rounds
        num_rounds += 1
        record = StackRecord(tuple(slot.saved() if slot else None for slot in slots))
        checkpoints.save(num_rounds, program.lanes.stacked(), record)

    with Interruption() as interruption:
        while True:
            write_lines()
            is_round = validate()
            if is_round:
                judge.after_round(slots, program.lanes)
            while those(lambda slot: slot.ending):
                refill()
            running = those(lambda slot: True)
            if not running:
                return True
            if is_round or interruption:
                save()
            if interruption:
                for slot in running.values():
                    slot.close()
                return False
            num_steps = min(slot.steps_to_next_duty for slot in running.values())
            program.lanes.advance(list(running), num_steps)
            for slot in running.values():
                slot.step += num_steps
            judge.show(slots, num_steps)


def _end(program: Program, index: int, slot: Slot, judge: Judge) -> None:
    """Turn a lane into an ordinary run: write its checkpoints, its evaluation, and last of all its status."""
    lane, status = program.lanes.lane(index), slot.ending or "finished"
    write_checkpoints(slot.run, lane, (slot.step, slot.record()), slot.at_best)
    slot.close()
    nll = None
    if status == "finished":
        params = params_to_evaluate(lane.best.state)
        best, dataset = Lane(traced(slot.numbers), params), program.experiment.dataset
        experiment = program.experiment
        if experiment.measures is not None:
            experiment = program.family.experiment(slot.numbers)
        selection = {"checkpoint_step": slot.best_line()["step"], "selection": "the best bound on the validation split"}
        result = program.evaluate(best, dataset.split("test").examples)
        lines = read_metrics(slot.run.metrics)
        write_json(slot.run.evaluation, evaluation(experiment, result, params, "test", selection, lines))
        if program.validation_nll is not None:
            nll = program.validation_nll(best, dataset.split("validation").examples)
    judge.end(slot, status, nll)


def fill(program: Program, slots: list[Slot | None], judge: Judge) -> None:
    """Begin new lanes in the free slots, as long as there are trials left."""
    _, feed = program.experiment.key_and_feed()
    new: dict[int, Slot] = {}
    for index in [index for index, slot in enumerate(slots) if slot is None]:
        if (trial := judge.another()) is None:
            break
        run, budget = judge.begin(trial, program), program.experiment.budget
        new[index] = slots[index] = Slot(trial, program.numbers(trial), run, budget, feed.num_steps_per_epoch)
    if new:
        program.lanes.start({index: slot.numbers for index, slot in new.items()})
