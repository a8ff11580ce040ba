"""From arguments to an exit code.

0: done. 1: a run failed or has diverged. 2: the input was not as expected, and nothing was changed. 130: interrupted by
Ctrl-C or a signal; what was trained is saved, and can be gone on with.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence

from vae_jax.cli.exit_codes import INTERRUPTED
from vae_jax.extras import told_if_missing
from vae_jax.machine.cache import keep_compiled_programs
from vae_jax.messages import RunError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Nothing that takes long is imported before the arguments are known to be right.

    Args:
        argv: The arguments, without the program's name; None for the process's own.

    Returns:
        The exit code.
    """
    code = _run(sys.argv[1:] if argv is None else list(argv))
    if code not in (0, INTERRUPTED) and (hosts := sys.modules.get("vae_jax.parallel.hosts")):
        hosts.end_together(code)
    return code


def _run(argv: list[str]) -> int:
    shows_calls = "--traceback" in argv or bool(os.environ.get("VAE_JAX_TRACEBACK"))
    try:
        return _run_command([word for word in argv if word != "--traceback"])
    except KeyboardInterrupt:
        print("vae-jax: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if shows_calls:
            traceback.print_exception(error)
        return _told(error)


def _told(error: Exception) -> int:
    """Say in a line what went wrong, and return the exit code; what nobody expected is raised again."""
    match error:
        case BrokenPipeError():
            return 0
        case UsageError() | ModuleNotFoundError():
            code = 2
        case RunError() | OSError():  # no permission, no space: Python's own line names the file
            code = 1
        case _:
            raise error
    # A word that was typed may have several lines, and one of a file characters that a terminal would obey.
    print("vae-jax:", "".join(letter if letter.isprintable() else " " for letter in f"{error}"), file=sys.stderr)
    return code


@told_if_missing()
def _run_command(argv: list[str]) -> int:
    from vae_jax.cli import arguments

    command = arguments.parse(argv)
    for library in ("absl", "asyncio", "jax", "orbax"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # our own line says what they would say
    keep_compiled_programs()
    return command.run()


if __name__ == "__main__":
    sys.exit(main())
