"""Submission of a sweep's workers as jobs of a SLURM cluster, by submitit."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vae_jax.extras import not_installed
from vae_jax.messages import UsageError
from vae_jax.sweeps.clusters.slurm_job import Worker
from vae_jax.sweeps.config import SlurmConfig

MOST_TIMEOUTS = 100
LEAST_MINUTES = 3
OURS = (
    "array",
    "cpus-per-task",
    "error",
    "nodes",
    "ntasks-per-node",
    "open-mode",
    "output",
    "requeue",
    "signal",
    "time",
)
"""Options of sbatch that are set here: without them, a worker would not go on where it was."""


def submit(command: Sequence[str], config: SlurmConfig, folder: Path) -> list[str]:
    """Queue workers that all run the same command, in the present folder and environment.

    A worker whose time is nearly over, or that has to make room for others, saves, stops, and is queued again: the same
    command has to go on with what it has begun.

    Args:
        command: A program with its arguments, such as `[sys.executable, "-m", "vae_jax", "sweep", ...]`.
        config: The number of workers, at least one, and the resources of each.
        folder: The folder for the output of the workers, on a file system that all hosts share.

    Returns:
        SLURM's numbers of the jobs: "12" for one worker, "12_0", "12_1", ... for several.

    Raises:
        UsageError: If the options are out of range, submitit or SLURM is missing here, or SLURM refuses the jobs.
    """
    options = _options(config)
    for program in ("sbatch", "srun"):
        if shutil.which(program) is None:
            raise UsageError(
                f"expected a machine of a SLURM cluster; it has no {program}; start from a login node, or no workers"
            )
    try:
        from submitit import SlurmExecutor  # pyright: ignore[reportMissingImports]  # an extra
        from submitit.core.utils import FailedJobError  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        raise UsageError(not_installed("submitit")) from None
    executor = SlurmExecutor(folder, max_num_timeout=MOST_TIMEOUTS)
    executor.update_parameters(**options)
    try:
        with executor.batch():
            jobs = [executor.submit(Worker(command)) for _ in range(config.workers)]
    except FailedJobError as error:
        reason = str(error).strip().rpartition("\n")[2]
        raise UsageError(f"expected SLURM to take the jobs; {reason}; give it other options") from None
    return [job.job_id for job in jobs]


def _options(config: SlurmConfig) -> dict[str, Any]:
    """The options of sbatch for submitit, under submitit's names where it has its own."""
    for name, least in (("workers", 1), ("gpus", 0), ("cpus", 1)):
        if (value := getattr(config, name)) < least:
            raise UsageError(f"expected at least {least} {name}; got {value}")
    minutes = math.ceil(60 * config.hours)
    if minutes < LEAST_MINUTES:
        raise UsageError(
            f"expected at least {LEAST_MINUTES / 60} hours, of which one minute to save; got {config.hours}"
        )
    if config.memory is not None and config.memory <= 0:
        raise UsageError(f"expected GB of memory above zero; got {config.memory}")
    options: dict[str, Any] = {
        "job_name": "vae-jax",
        "time": minutes,
        "signal_delay_s": min(600, max(60, 6 * minutes)),
        "nodes": 1,
        "ntasks_per_node": 1,
        "cpus_per_task": config.cpus,
        "array_parallelism": config.workers,
        # Since SLURM 22.05 a step does not inherit this option from its job.
        "srun_args": [f"--cpus-per-task={config.cpus}"],
        "additional_parameters": {"requeue": True, **_extra(config.extra)},
    }
    if config.gpus:
        options["gpus_per_node"] = config.gpus
    if config.partition is not None:
        options["partition"] = config.partition
    if config.memory is not None:
        options["mem"] = f"{math.ceil(1024 * config.memory)}M"
    return options


def _extra(words: Sequence[str]) -> dict[str, str | bool]:
    extra: dict[str, str | bool] = {}
    for word in words:
        key, equals, value = word.lstrip("-").partition("=")
        if not key or any(letter.isspace() for letter in key):
            raise UsageError(f"expected options of sbatch as KEY=VALUE or KEY; got '{word}'")
        if key in OURS:
            raise UsageError(f"expected options of sbatch that are not set here ({', '.join(OURS)}); got {word}")
        extra[key] = value if equals else True
    return extra
