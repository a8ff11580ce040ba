"""A small process that reads what a process of a run of several says on stderr, and is still there when that aborts.

When a host dies, the backend of the others may end their processes in C++, with a stack and no way for Python to say a
word. The witness says the promised line in place of the stack. This file is also its program, and imports nothing else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

OF_THE_BACKEND = re.compile(r"[EF]\d{4} .*(coordination_service|client\.h|distributed)")
"""The beginning of what the backend says when it has lost a host: an error, or its last words."""
LAST_WORDS = "Terminating process because the JAX distributed service detected fatal errors"
RESUME = "\0resume "
"""The beginning of a line to the witness itself: the command to go on with."""


def call_a_witness() -> None:
    """Let a witness read the stderr of this process from now on, and pass it on."""
    reading, writing = os.pipe()
    # In a session of its own, since Ctrl-C goes to all processes of a terminal, and it has to be the last.
    subprocess.Popen([sys.executable, "-S", "-E", __file__], stdin=reading, start_new_session=True)
    os.dup2(writing, 2)
    os.close(reading)
    os.close(writing)
    global _is_there
    _is_there = True


def tell_the_witness(resume: str) -> None:
    """Tell the witness, if there is one, by which command the run can be gone on with."""
    if _is_there:
        print(f"{RESUME}{resume}", file=sys.stderr, flush=True)


_is_there = False


def passed_on(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a process as a reader is to see them.

    All as they come, until the backend says that it has lost a host. What comes then is held back to the end: if the
    process was ended by the backend, one line stands in its place.

    Args:
        lines: What the process says on stderr.
    """
    resume, held, was_ended = "vae-jax resume, and its run directory", [], False
    for line in lines:
        if line.startswith(RESUME):
            resume = line.removeprefix(RESUME).strip()
        elif held or OF_THE_BACKEND.match(line):
            held.append(line)
            was_ended = was_ended or LAST_WORDS in line
        else:
            yield line
    told = [line for line in held if line.startswith("vae-jax: ")]
    if told or was_ended:
        yield from told or [f"vae-jax: lost another host of the run; go on with: {resume}\n"]
    else:
        yield from held


if __name__ == "__main__":
    for words in passed_on(iter(sys.stdin.readline, "")):
        sys.stderr.write(words)
        sys.stderr.flush()
