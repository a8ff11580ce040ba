"""The progress of a run in a notebook: one output, which changes in place."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from rich.console import Console

from vae_jax.html import block, line, progress, table
from vae_jax.machine.flops import Work
from vae_jax.runs.words import NOTHING_KNOWN, Line, speed, terms

NUM_VALIDATIONS = 10
"""Number of validations that stay in view, the best so far beside them."""
_SECONDS_BETWEEN_CHANGES = 0.25


def in_notebook() -> bool:
    """Whether output goes to a notebook, which takes HTML and can change it later."""
    return Console().is_jupyter


class Output:
    """An output of a notebook's cell, in whose place a later content comes.

    Args:
        display: IPython's `display`, or a function like it; None for that of the notebook.
    """

    def __init__(self, display: Callable[..., Any] | None = None) -> None:
        self._display = display or _display_of_notebook()
        self._handle: Any = None
        self._next_change = 0.0

    def show(self, html: str, text: str) -> None:
        """Show HTML, or a line of text where a notebook shows none."""
        content = {"text/html": html, "text/plain": text}
        if self._handle is None:
            self._handle = self._display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)
        self._next_change = time.monotonic() + _SECONDS_BETWEEN_CHANGES

    @property
    def is_due(self) -> bool:
        """Whether the last change was so long ago that another one would be seen, and not only cost time."""
        return time.monotonic() >= self._next_change


class Notebook:
    """A bar with the latest training metrics, above it a table of validations: for notebooks.

    Args:
        num_steps: Number of steps of the run.
        work: The cost of an image, to show the speed in FLOP/s, too.
        output: The output of the cell; None for a new one.
    """

    def __init__(self, num_steps: int, work: Work = NOTHING_KNOWN, output: Output | None = None) -> None:
        self._num_steps = num_steps
        self._work = work
        self._output = output or Output()
        self._said: list[str] = []
        self._validations: deque[tuple[int, str]] = deque(maxlen=NUM_VALIDATIONS)
        self._best: tuple[int, str] | None = None
        self._step = 0
        self._now = ""

    def train(self, line: Line, images_per_second: float | None, seconds_left: float | None) -> None:
        """Move the bar."""
        self._step = line["step"]
        self._now = f"{terms(line)}  {speed(images_per_second, seconds_left, self._work)}".strip()
        if self._output.is_due:
            self._show()

    def validation(self, line: Line, is_best: bool) -> None:
        """Add a line of validation metrics, and drop the oldest one of many."""
        self._step = max(self._step, line["step"])
        self._validations.append((line["step"], terms(line)))
        if is_best:
            self._best = self._validations[-1]
        self._show()

    def say(self, text: str) -> None:
        """Add a line of text."""
        self._said.append(text)
        self._show()

    def __enter__(self) -> Notebook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._now = ""
        self._show()

    def _show(self) -> None:
        shown = list(self._validations)
        if self._best is not None and self._best not in shown:
            shown.insert(0, self._best)
        rows = [(step, words, "best so far" if (step, words) == self._best else "") for step, words in shown]
        steps = f"{self._step:,} of {self._num_steps:,} steps"
        html = block(
            *map(line, self._said),
            table(rows, ("step", "validation", "")),
            f"{progress(self._step, self._num_steps)} {steps}",
            line(self._now),
        )
        self._output.show(html, f"{steps}  {self._now}".strip())


def _display_of_notebook() -> Callable[..., Any]:
    from IPython.display import display  # pyright: ignore[reportMissingImports]  # which a notebook has

    return display
