"""A profiler's trace of some steps of a run."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import jax

from vae_jax.machine.profile import ProfiledSteps


class Tracer:
    """A context that traces some steps, and what the loop does between them; its end also ends the trace.

    Args:
        steps: The steps to trace; None for none.
        directory: The directory that the trace is written to, in the form that TensorBoard and xprof read.
    """

    def __init__(self, steps: ProfiledSteps | None = None, directory: Path | None = None) -> None:
        self._steps = steps
        self._directory = directory
        self._is_tracing = False

    def stops_after(self, step: int) -> list[int]:
        """The later steps at which the loop has to stop, so that whole calls are traced."""
        return [stop for stop in self._steps or () if stop > step]

    def before(self, step: int, progress: Any) -> None:
        """Begin the trace, if the step that comes next is the first one to trace."""
        if self._steps is not None and step == self._steps.begin:
            jax.block_until_ready(progress)  # what is still being computed belongs to the steps before
            jax.profiler.start_trace(str(self._directory))
            self._is_tracing = True

    def after(self, step: int, progress: Any) -> None:
        """End the trace, if all steps to trace are done."""
        if self._is_tracing and self._steps is not None and step == self._steps.end:
            jax.block_until_ready(progress)
            self._end()

    def __enter__(self) -> Tracer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_tracing:
            self._end()

    def _end(self) -> None:
        self._is_tracing = False
        jax.profiler.stop_trace()
