"""Stopping on a signal: finish the steps under way, save, leave."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interruption:
    """While entered, SIGTERM and Ctrl-C set a flag instead of ending the process; a second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.signal_name: str | None = None
        self._previous: dict[int, object] = {}

    def __bool__(self) -> bool:
        """Whether a signal has come."""
        return self.signal_name is not None

    def __enter__(self) -> Interruption:
        if threading.current_thread() is not threading.main_thread():
            return self  # Python delivers signals to the main thread alone
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_name = signal.Signals(number).name
