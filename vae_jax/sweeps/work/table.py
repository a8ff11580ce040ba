"""The display of a running sweep: a table of lanes in a terminal or notebook, plain lines elsewhere, or JSON lines."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

from vae_jax import html
from vae_jax.runs.notebook import Output, in_notebook
from vae_jax.runs.words import duration
from vae_jax.sweeps.lanes.slot import Slot

NUM_ROWS = 20
"""Maximum number of lanes that a table shows."""
BARS = "▁▂▃▄▅▆▇█"


@dataclass
class LaneRow:
    """The row of a lane in the table."""

    number: int
    fields: dict[str, Any]
    num_steps: int
    step: int = 0
    values: list[float | None] = field(default_factory=list)
    status: str = "running"

    @property
    def best(self) -> float | None:
        """The best value of the lane's validations."""
        return max((value for value in self.values if value is not None), default=None)


class Table:
    """The lanes of a sweep, the best first.

    Args:
        num_lanes: Number of all lanes.
        num_steps: Number of training steps of a lane.
        kind: "table", "lines" or "json"; None for a table in a terminal or a notebook, and lines elsewhere.
        num_ended: Number of lanes that ended before.
    """

    def __init__(self, num_lanes: int, num_steps: int, kind: str | None = None, *, num_ended: int = 0) -> None:
        self._console = Console(stderr=True)
        self._output = Output() if kind in (None, "table") and in_notebook() else None
        self._kind = kind or ("table" if self._output or self._console.is_terminal else "lines")
        self._num_lanes, self._num_steps = num_lanes, num_steps
        self._num_ended_before = num_ended
        self._rows: dict[int, LaneRow] = {}
        self._said: list[str] = []
        self._live = Live(console=self._console, transient=True, auto_refresh=False)
        self._clock = _Clock()

    def validated(self, slot: Slot) -> None:
        """Show that a lane has been validated."""
        row = self._row(slot)
        if self._kind == "json":
            self._json(row, slot.validations[-1])
        self._show()

    def ended(self, slot: Slot, status: str) -> None:
        """Show that a lane has ended."""
        row = self._row(slot)
        row.status = status
        if self._kind == "json":
            self._json(row, {"best": row.best})
        elif self._kind == "lines":
            self.say(f"lane {row.number} {status} at step {row.step}: {in_words(row.fields)}: best {_shown(row.best)}")
        self._show()

    def advanced(self, num_steps: int) -> None:
        """Show that so many steps were trained, counted over all lanes."""
        self._clock.done(num_steps)
        self._show()

    def say(self, text: str) -> None:
        """Print a line about anything else."""
        if self._output is not None:
            self._said.append(text)
            self._output.show(self._as_html(), self._summary())
        else:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _row(self, slot: Slot) -> LaneRow:
        number = slot.trial.number
        if number not in self._rows:
            self._rows[number] = LaneRow(number, slot.trial.fields, self._num_steps)
        row = self._rows[number]
        row.step, row.fields = slot.step, row.fields | slot.numbers
        row.values = [line["value"] for line in slot.validations]
        return row

    @property
    def _ended(self) -> list[LaneRow]:
        return [row for row in self._rows.values() if row.status != "running"]

    @property
    def _seconds_left(self) -> float | None:
        running = [row for row in self._rows.values() if row.status == "running"]
        num_waiting = self._num_lanes - self._num_ended_before - len(self._rows)
        steps = num_waiting * self._num_steps + sum(self._num_steps - row.step for row in running)
        return self._clock.seconds_for(max(steps, 0))

    def _json(self, row: LaneRow, more: dict[str, Any]) -> None:
        line = {"lane": row.number, "status": row.status, "fields": row.fields, "step": row.step} | more
        print(json.dumps(line), flush=True)

    def _show(self) -> None:
        if self._output is not None:
            if self._output.is_due:
                self._output.show(self._as_html(), self._summary())
        elif self._kind == "table":
            self._live.update(Group(self._as_table(), Text(self._summary(), style="dim")), refresh=True)
        elif self._kind == "lines" and self._clock.is_time_for_a_line():
            self.say(self._summary())

    def _summary(self) -> str:
        num_ended = self._num_ended_before + len(self._ended)
        best = best_first(self._rows.values())[:1]
        parts = [f"{num_ended} of {self._num_lanes} lanes ended"]
        if best and best[0].best is not None:
            parts.append(f"best: lane {best[0].number} ({in_words(best[0].fields)}) {_shown(best[0].best)}")
        if self._seconds_left is not None:
            parts.append(f"{duration(self._seconds_left)} left")
        return "; ".join(parts)

    def _as_table(self) -> RichTable:
        header, lanes, rest = self._cells()
        table = RichTable(box=None, pad_edge=False, caption=rest or None)
        for name in header:
            table.add_column(name, justify="left" if name in ("validation", "") else "right")
        for lane in lanes:
            table.add_row(*lane)
        return table

    def _as_html(self) -> str:
        header, lanes, rest = self._cells()
        return html.block(
            *map(html.line, self._said), html.table(lanes, header), html.line(rest), html.line(self._summary())
        )

    def _cells(self) -> tuple[list[str], list[list[str]], str]:
        """The header, a row for each of the best lanes, and the number of the others in words."""
        rows = best_first(self._rows.values())
        names = list(rows[0].fields) if rows else []
        lanes = [
            [
                str(row.number),
                *(_field(row.fields[name]) for name in names),
                f"{row.step}/{row.num_steps}",
                sparkline(row.values),
                _shown(row.best),
                "" if row.status == "running" else row.status,
            ]
            for row in rows[:NUM_ROWS]
        ]
        rest = f"and {len(rows) - NUM_ROWS} more" if len(rows) > NUM_ROWS else ""
        return ["lane", *names, "step", "validation", "best", ""], lanes, rest

    def __enter__(self) -> Table:
        if self._kind == "table" and self._output is None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._output is not None:
            self._output.show(self._as_html(), self._summary())
        elif self._kind == "table":
            self._live.stop()


class _Clock:
    """The pace of the steps, without the time that the first ones take to compile."""

    def __init__(self) -> None:
        self._begin: float | None = None
        self._num_steps = 0
        self._next_line = 0.0

    def done(self, num_steps: int) -> None:
        if self._begin is None:
            self._begin = time.monotonic()
        else:
            self._num_steps += num_steps

    def seconds_for(self, num_steps: int) -> float | None:
        if self._begin is None or not self._num_steps:
            return None
        return num_steps * (time.monotonic() - self._begin) / self._num_steps

    def is_time_for_a_line(self, seconds_between: float = 5.0) -> bool:
        now = time.monotonic()
        if now < self._next_line:
            return False
        self._next_line = now + seconds_between
        return True


def best_first(rows: Any) -> list[LaneRow]:
    """Lanes sorted by their best validation; those without a validation come last."""
    return sorted(rows, key=lambda row: (row.best is None, -(row.best or 0.0), row.number))


def sparkline(values: Sequence[float | None], width: int = 16) -> str:
    """The last validations as bars, from the lowest to the highest of them; a gap where there was no number.

    Example:
        >>> sparkline([-120.0, -110.0, None, -100.0])
        '▁▄ █'
    """
    shown = values[-width:]
    known = [value for value in shown if value is not None]
    if not known:
        return " " * len(shown)
    low, span = min(known), (max(known) - min(known)) or 1.0
    last = len(BARS) - 1
    return "".join(" " if value is None else BARS[int(last * (value - low) / span)] for value in shown)


def in_words(fields: dict[str, Any]) -> str:
    """Swept fields and their values, in words.

    Example:
        >>> in_words({"beta": 4.0, "learning_rate": 0.00031622776, "hidden_sizes": (8, 4)})
        'beta 4, learning_rate 0.000316, hidden_sizes 8,4'
    """
    return ", ".join(f"{name} {_field(value)}" for name, value in fields.items())


def _field(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"
