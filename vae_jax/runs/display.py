"""Showing a run while it goes on: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from vae_jax.machine.flops import Work, speed_in_words

Line = dict[str, Any]
NOTHING_KNOWN = Work()


class Plain:
    """A display of one line for each validation and, now and then, for training: for logs, pipes and notebooks."""

    def __init__(self, num_steps: int, seconds_between_lines: float = 5.0, work: Work = NOTHING_KNOWN) -> None:
        self._num_steps = num_steps
        self._work = work
        self._seconds_between_lines = seconds_between_lines
        self._next_line = 0.0

    def train(self, line: Line, images_per_second: float | None, seconds_left: float | None) -> None:
        """Print the training metrics, unless that was done a moment ago."""
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + self._seconds_between_lines
            rest = speed(images_per_second, seconds_left, self._work)
            self.say(f"step {line['step']}/{self._num_steps}  train       {terms(line)}  {rest}".rstrip())

    def validation(self, line: Line, is_best: bool) -> None:
        """Print the validation metrics."""
        best = "  best so far" if is_best else ""
        self.say(f"step {line['step']}/{self._num_steps}  validation  {terms(line)}{best}")

    def say(self, text: str) -> None:
        """Print a line of text."""
        print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Silent:
    """A display that shows nothing, where another process shows the run."""

    def train(self, line: Line, images_per_second: float | None, seconds_left: float | None) -> None:
        """Do nothing."""

    def validation(self, line: Line, is_best: bool) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Live:
    """A progress bar with the latest training metrics, above it a line for each validation: for terminals."""

    def __init__(self, num_steps: int, console: Console, work: Work = NOTHING_KNOWN) -> None:
        self._num_steps = num_steps
        self._work = work
        self._console = console
        columns = (TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=24), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", total=num_steps)

    def train(self, line: Line, images_per_second: float | None, seconds_left: float | None) -> None:
        """Move the bar."""
        description = f"{terms(line)}  {speed(images_per_second, seconds_left, self._work)}"
        self._progress.update(self._task, completed=line["step"], description=description)

    def validation(self, line: Line, is_best: bool) -> None:
        """Print the validation metrics above the bar."""
        best = "  [bold green]best so far[/]" if is_best else ""
        self._console.print(f"step {line['step']:>7}  validation  {terms(line)}{best}", highlight=False)

    def say(self, text: str) -> None:
        """Print a line of text."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def display(num_steps: int, work: Work = NOTHING_KNOWN, *, is_shown: bool = True) -> Plain | Live | Silent:
    """The display that fits the output: live in a terminal, plain elsewhere.

    Args:
        num_steps: Number of steps of the run.
        work: The cost of an image, to show the speed in FLOP/s, too.
        is_shown: False for a process beside the one that shows the run.
    """
    if not is_shown:
        return Silent()
    console = Console(stderr=True)
    return Live(num_steps, console, work) if console.is_terminal else Plain(num_steps, work=work)


def terms(line: Line) -> str:
    """The numbers of a line of metrics, in words.

    Example:
        >>> terms({"step": 1, "value": -101.234, "kl": 20.5, "active_units": 7})
        'value -101.23  KL 20.50  active units 7'
    """
    shown = {"value": "value", "log_likelihood": "log p(x|z)", "kl": "KL", "gradient_norm": "gradient"}
    parts = [f"{name} {line[key]:.2f}" for key, name in shown.items() if line.get(key) is not None]
    if "active_units" in line:
        parts.append(f"active units {line['active_units']}")
    if line.get("num_skipped"):
        parts.append(f"skipped {line['num_skipped']}")
    return "  ".join(parts)


def speed(images_per_second: float | None, seconds_left: float | None, work: Work = NOTHING_KNOWN) -> str:
    """The speed and the time left in words, as far as they are known.

    Example:
        >>> speed(12_345.6, 75.0), speed(10_000.0, 75.0, Work(3.5e6, peak=5e11))
        ('12,346 images/s, 1 min 15 s left', '10,000 images/s, 35 GFLOP/s, 7 % of peak, 1 min 15 s left')
    """
    if images_per_second is None or seconds_left is None:
        return ""
    parts = [f"{images_per_second:,.0f} images/s", speed_in_words(images_per_second, work), duration(seconds_left)]
    return f"{', '.join(filter(None, parts))} left"


def duration(seconds: float) -> str:
    """Seconds in words.

    Example:
        >>> duration(75), duration(4000)
        ('1 min 15 s', '1 h 6 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
