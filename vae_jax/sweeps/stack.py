"""A stack: lanes of one group that one worker trains together, and what of it is on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from vae_jax.files import write_json
from vae_jax.sweeps.trial import Trial
from vae_jax.training.checkpoint import Record


class SlotRecord(NamedTuple):
    """What a stack's checkpoint says of a slot."""

    number: int
    """Of its lane."""
    step: int
    latest: Record
    at_best: Record
    numbers: dict[str, float]
    """What its lane is trained with at this moment."""


class StackRecord(NamedTuple):
    """What a stack's checkpoint says beside its arrays."""

    slots: tuple[SlotRecord | None, ...]

    best_step: int | None = None
    """None: the best of a lane is kept within the stack."""

    def to_json(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "slots": [
                slot and slot._asdict() | {"latest": slot.latest.to_json(), "at_best": slot.at_best.to_json()}
                for slot in self.slots
            ]
        }

    @classmethod
    def from_json(cls, record: Any) -> StackRecord:
        """What `to_json` was made of."""
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
    """A stack's directory. Whoever has its lock trains it; the lock goes with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self._file = path / "stack.json"
        self._lock = FileLock(path / ".lock", timeout=0)
        self.group: dict[str, Any] = {}
        """The fields that its lanes have in common, of those that are swept."""
        self.trials: list[Trial] = []
        """All that it has had, the ended ones, too."""
        self.num_slots: int | None = None
        """None as long as nobody has begun with it."""

    def take(self) -> bool:
        """Become its worker, and read what it is; False if another one is."""
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def leave(self) -> None:
        """Let others take it."""
        self._lock.release()

    def read(self) -> Stack:
        """Read what it is."""
        saved = json.loads(self._file.read_text("utf-8"))
        self.group, self.num_slots = _tuples(saved["group"]), saved["num_slots"]
        self.trials = [Trial(trial["number"], _tuples(trial["fields"])) for trial in saved["trials"]]
        return self

    def write(self) -> None:
        """Write what it is."""
        self.path.mkdir(parents=True, exist_ok=True)
        trials = [trial._asdict() for trial in self.trials]
        write_json(self._file, {"group": self.group, "num_slots": self.num_slots, "trials": trials})

    @property
    def exists(self) -> bool:
        """Whether there is one; a worker may have been killed before it was written."""
        return self._file.is_file()


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
