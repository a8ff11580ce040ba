"""Showing a run while it goes on: live in a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from vae_jax.machine.flops import Work
from vae_jax.runs.notebook import Notebook, in_notebook
from vae_jax.runs.words import NOTHING_KNOWN, Line, speed, terms


class Plain:
    """A display of one line for each validation and, now and then, for training: for logs and pipes."""

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


def display(num_steps: int, work: Work = NOTHING_KNOWN, *, is_shown: bool = True) -> Plain | Live | Notebook | Silent:
    """The display that fits the output: live in a terminal, in place in a notebook, plain elsewhere.

    Args:
        num_steps: Number of steps of the run.
        work: The cost of an image, to show the speed in FLOP/s, too.
        is_shown: False for a process beside the one that shows the run.
    """
    if not is_shown:
        return Silent()
    if in_notebook():
        return Notebook(num_steps, work)
    console = Console(stderr=True)
    return Live(num_steps, console, work) if console.is_terminal else Plain(num_steps, work=work)
