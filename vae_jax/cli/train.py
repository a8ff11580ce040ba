"""The commands that train: a new run, and one that is gone on with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from vae_jax.catalogue import ExperimentFile
from vae_jax.cli.evaluate import print_evaluation
from vae_jax.cli.exit_codes import INTERRUPTED
from vae_jax.cli.run_directory import RunDirectoryArgument, check_at_least, is_sweep, settle_lane
from vae_jax.data.config import DataConfig
from vae_jax.files import read_json, read_json_lines
from vae_jax.machine.profile import ProfiledSteps, profiled_steps
from vae_jax.messages import RunError, UsageError
from vae_jax.parallel.config import HostsConfig, ParallelConfig
from vae_jax.runs.directory import RunDirectory

if TYPE_CHECKING:
    from vae_jax.runs.run import Run


@dataclass(frozen=True)
class RunOptions:
    """Options of the run, whatever the experiment."""

    run_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Directory of the run. Default: the next free runs/NAME-1."""
    overwrite: bool = False
    """Replace the run that is in --run-dir."""
    num_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Train for this many steps. Default: the experiment's own budget."""
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    """Devices."""
    hosts: HostsConfig = field(default_factory=HostsConfig)
    """Processes of one run."""
    profile: Annotated[str | None, tyro.conf.arg(metavar="A:B")] = None
    """Profile the steps from A to B, B excluded, into DIR/profile."""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Begin with the fields and the number of steps of a run, from its directory or its config.json; other options go
    on top. Without NAME the experiment is that of the run."""


@dataclass(frozen=True)
class Train:
    """Train an experiment, evaluate it, and write its report."""

    file: ExperimentFile
    config: Any
    options: RunOptions

    def run(self) -> int:
        """Begin a run and train it."""
        options = self.options
        check_at_least(0, "--num-steps", options.num_steps)
        profile = profiled_steps(options.profile)
        if options.run_dir is not None and not options.hosts.index:
            RunDirectory(options.run_dir).check_free(overwrite=options.overwrite)
        check_data(self.config)
        from vae_jax.parallel.hosts import connect
        from vae_jax.runs.begin import begin

        connect(options.hosts)
        run = begin(
            self.file,
            self.config,
            options.run_dir,
            overwrite=options.overwrite,
            num_steps=options.num_steps,
            parallel=options.parallel,
            profile=profile,
        )
        return train(run)


@dataclass(frozen=True)
class Resume:
    """Go on with a run or a sweep that was interrupted, or train a run for more steps."""

    run_dir: RunDirectoryArgument
    """The directory of the run, or of the sweep."""
    num_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Train until this step. Default: the number that the run was started with."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    """Devices, whatever the run was on before."""
    hosts: HostsConfig = field(default_factory=HostsConfig)
    """Processes of one run."""
    profile: Annotated[str | None, tyro.conf.arg(metavar="A:B")] = None
    """Profile the steps from A to B, B excluded, into DIR/profile."""

    def run(self) -> int:
        """Train from the latest checkpoint."""
        check_at_least(0, "--num-steps", self.num_steps)
        profile = profiled_steps(self.profile)
        if is_sweep(self.run_dir):
            return self._resume_sweep()
        RunDirectory(self.run_dir).read_config()
        from vae_jax.parallel.hosts import connect
        from vae_jax.runs.begin import open_run

        connect(self.hosts)
        settle_lane(self.run_dir)
        return train(
            open_run(
                self.run_dir,
                num_steps=self.num_steps,
                parallel=self.parallel,
                profile=profile,
                accept_data=self.accept_data,
            )
        )

    def _resume_sweep(self) -> int:
        if self.num_steps is not None or self.profile is not None or self.hosts.coordinator is not None:
            raise UsageError(
                "expected no --num-steps, --profile or --hosts for a sweep, whose lanes are all alike; leave them out, "
                "or resume a lane"
            )
        from vae_jax.cli.sweep import work_on
        from vae_jax.cli.sweep_options import WorkOptions
        from vae_jax.sweeps.sweep import Sweep
        from vae_jax.sweeps.work.directory import SweepDirectory

        sweep = Sweep(SweepDirectory(self.run_dir))
        return work_on(sweep, WorkOptions(parallel=self.parallel), accept_data=self.accept_data)


def check_data(config: Any) -> None:
    """Report data that are missing, before seconds are spent on imports."""
    from vae_jax.data.source import source_of

    for field_of_config in fields(config):
        value = getattr(config, field_of_config.name)
        if isinstance(value, DataConfig):
            try:
                source_of(value)
            except ValueError as error:
                raise UsageError(f"{error}") from None


def train(run: Run) -> int:
    """Train a run to its end, and say how it ended."""
    from vae_jax.parallel.hosts import is_first
    from vae_jax.runs.evaluation import has_diverged

    with run.lock():
        if is_first():
            print(f"run directory: {run.directory.path}", flush=True)
        outcome = run.train()
        if not is_first():
            return 0  # the first process says how it ended
        if run.profile is not None:
            print(_profile_in_words(run.profile, outcome.step, run.directory.profile))
        if not outcome.is_finished:
            print(
                f"stopped by {outcome.reason} at step {outcome.step}, saved; "
                f"go on with: vae-jax resume {run.directory.path}"
            )
            return INTERRUPTED
        print(f"{outcome.reason}: {outcome.step}; the best validation bound was at step {outcome.best.step}")
        print_evaluation(read_json(run.directory.evaluation) or {}, run.directory.report)
        if has_diverged(read_json_lines(run.directory.metrics)):
            raise RunError(
                f"expected a finite bound at the end; the validation of step {outcome.step} has none; what is reported "
                f"is step {outcome.best.step}; lower the learning rate, or clip the gradient"
            )
    return 0


def _profile_in_words(steps: ProfiledSteps, step: int, directory: Path) -> str:
    if step <= steps.begin:
        return f"no profile: training ended at step {step}, before step {steps.begin}"
    return f"profile of steps {steps.begin} to {min(steps.end, step) - 1}: {directory}"
