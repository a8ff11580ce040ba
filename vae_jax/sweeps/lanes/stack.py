"""A stack: lanes of one group that one worker trains together, and its files on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from vae_jax.files import read_json, write_json
from vae_jax.messages import UsageError
from vae_jax.sweeps.values.trial import Trial
from vae_jax.training.checkpoint import Record


class SlotRecord(NamedTuple):
    """The record of a slot in a stack's checkpoint."""

    number: int
    """Number of the slot's lane."""
    step: int
    latest: Record
    at_best: Record
    numbers: dict[str, float]
    """Field -> number that the lane is trained with at this step."""


class StackRecord(NamedTuple):
    """The record in a stack's checkpoint, beside its arrays."""

    slots: tuple[SlotRecord | None, ...]

    best_step: int | None = None
    """Always None: the best state of a lane is kept within the stack."""

    def to_json(self) -> dict[str, Any]:
        """The record as a dict for JSON."""
        return {
            "slots": [
                slot and slot._asdict() | {"latest": slot.latest.to_json(), "at_best": slot.at_best.to_json()}
                for slot in self.slots
            ]
        }

    @classmethod
    def from_json(cls, record: Any) -> StackRecord:
        """The record that `to_json` wrote."""
        return cls(
            tuple(
                slot
                and SlotRecord(
                    **{
                        **slot,
                        "latest": Record.from_json(slot["latest"]),
                        "at_best": Record.from_json(slot["at_best"]),
                    }
                )
                for slot in record["slots"]
            )
        )


class Stack:
    """A stack's directory. The worker that has its lock trains it; the lock ends with the process, in any case."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self._file = path / "stack.json"
        self._lock = FileLock(path / ".lock", timeout=0)
        self.group: dict[str, Any] = {}
        """The swept fields that the stack's lanes have in common, with their values."""
        self.trials: list[Trial] = []
        """All trials that the stack has had, including those that have ended."""
        self.num_slots: int | None = None
        """Number of slots; None until a worker has begun with the stack."""

    def take(self) -> bool:
        """Take the lock to become the stack's worker; return False if another worker has it."""
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def leave(self) -> None:
        """Release the lock, so that others can take the stack."""
        self._lock.release()

    def read(self) -> Stack:
        """Read the group, the trials and the number of slots from `stack.json`; return the stack."""
        saved = read_json(self._file)
        if saved is None or not {"group", "num_slots", "trials"} <= saved.keys():
            raise UsageError(f"expected what a worker of the sweep has written in {self._file}; got something else")
        self.group, self.num_slots = _tuples(saved["group"]), saved["num_slots"]
        self.trials = [Trial(trial["number"], _tuples(trial["fields"])) for trial in saved["trials"]]
        return self

    def write(self) -> None:
        """Write the group, the trials and the number of slots to `stack.json`."""
        self.path.mkdir(parents=True, exist_ok=True)
        trials = [trial._asdict() for trial in self.trials]
        write_json(self._file, {"group": self.group, "num_slots": self.num_slots, "trials": trials})

    @property
    def exists(self) -> bool:
        """Whether the stack was written; a worker may have been killed before that."""
        return self._file.is_file()


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
