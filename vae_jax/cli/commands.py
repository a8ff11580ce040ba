"""The commands: for each a dataclass of its options, and what it does."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from vae_jax import catalogue
from vae_jax.catalogue import ExperimentFile
from vae_jax.data.config import DataConfig
from vae_jax.machine.profile import ProfiledSteps, profiled_steps
from vae_jax.messages import UsageError
from vae_jax.parallel.config import HostsConfig, ParallelConfig
from vae_jax.runs.directory import RunDirectory

if TYPE_CHECKING:
    from vae_jax.runs.run import Run

# Modules that need JAX are imported inside `run`: help, lists and usage errors do without it.

RunDirectoryArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
Selection = Literal["best", "latest"]


@dataclass(frozen=True)
class List:
    """Name the experiments that come with vae-jax."""

    def run(self) -> int:
        """Print a line for each experiment."""
        print(experiment_table())
        return 0


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
        _check_at_least(0, "--num-steps", options.num_steps)
        profile = profiled_steps(options.profile)
        if options.run_dir is not None and not options.hosts.index:
            RunDirectory(options.run_dir).check_free(overwrite=options.overwrite)
        check_data(self.config)
        from vae_jax.parallel.hosts import connect
        from vae_jax.runs.run import begin

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
        return _train(run)


@dataclass(frozen=True)
class Resume:
    """Go on with a run or a sweep that was interrupted, or train a run for more steps."""

    run_dir: RunDirectoryArgument
    """The directory of the run, or of the sweep."""
    num_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Train until this step. Default: the number that the run was started with."""
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    """Devices, whatever the run was on before."""
    hosts: HostsConfig = field(default_factory=HostsConfig)
    """Processes of one run."""
    profile: Annotated[str | None, tyro.conf.arg(metavar="A:B")] = None
    """Profile the steps from A to B, B excluded, into DIR/profile."""

    def run(self) -> int:
        """Train from the latest checkpoint."""
        _check_at_least(0, "--num-steps", self.num_steps)
        profile = profiled_steps(self.profile)
        if _is_sweep(self.run_dir):
            return self._resume_sweep()
        RunDirectory(self.run_dir).read_config()
        from vae_jax.parallel.hosts import connect
        from vae_jax.runs.run import open_run

        connect(self.hosts)
        _settle(self.run_dir)
        return _train(open_run(self.run_dir, num_steps=self.num_steps, parallel=self.parallel, profile=profile))

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

        return work_on(Sweep(SweepDirectory(self.run_dir)), WorkOptions(parallel=self.parallel))


@dataclass(frozen=True)
class Evaluate:
    """Estimate bound and likelihood on a split, in nats and bits per dimension; write evaluation.json."""

    run_dir: RunDirectoryArgument
    """The run's directory."""
    num_samples: int = 1_000
    """K of the importance-sampled NLL."""
    split: str = "test"
    """train, validation or test."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""

    def run(self) -> int:
        """Evaluate, and print the numbers."""
        _check_at_least(1, "--num-samples", self.num_samples)
        run = _open(self.run_dir)
        with run.directory.lock():
            _print_evaluation(
                run.evaluate(num_samples=self.num_samples, split=self.split, select=self.select), run.directory.report
            )
        return 0


@dataclass(frozen=True)
class Sample:
    """Draw new examples from the prior: images as one PNG, rows of a table as CSV."""

    run_dir: RunDirectoryArgument
    """The run's directory."""
    out: Path
    """The file: .png for images, .csv for rows of a table."""
    num: int = 64
    """Number of samples."""
    seed: int = 0
    """Seed of the draw."""
    label: str | None = None
    """Class to draw from a conditional model, by its number or name. Default: a row of each class."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""

    def run(self) -> int:
        """Draw, and write the file."""
        check_output(self.out, self.num, (".png", ".csv"))
        run = _open(self.run_dir)
        from vae_jax.runs.report import write_samples

        with run.directory.lock():
            write_samples(run.experiment, run.vae(self.select), self.num, self.seed, self.out, self.label)
        print(self.out)
        return 0


@dataclass(frozen=True)
class Reconstruct:
    """Encode and decode examples of a split, as one PNG: originals above, reconstructions below."""

    run_dir: RunDirectoryArgument
    """The run's directory."""
    out: Path
    """The PNG file."""
    num: int = 32
    """Number of examples."""
    split: str = "test"
    """train, validation or test."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""

    def run(self) -> int:
        """Reconstruct, and write the picture."""
        check_output(self.out, self.num)
        run = _open(self.run_dir)
        from vae_jax.runs.report import write_reconstructions

        with run.directory.lock():
            write_reconstructions(run.experiment, run.vae(self.select), self.num, self.split, self.out)
        print(self.out)
        return 0


@dataclass(frozen=True)
class Report:
    """Write the pictures and the report page of a run or a sweep anew."""

    run_dir: RunDirectoryArgument
    """The directory of the run, or of the sweep."""

    def run(self) -> int:
        """Write the report, and print where it is."""
        if _is_sweep(self.run_dir):
            from vae_jax.sweeps.sweep import Sweep
            from vae_jax.sweeps.work.directory import SweepDirectory

            print(Sweep(SweepDirectory(self.run_dir)).report())
            return 0
        run = _open(self.run_dir)
        with run.directory.lock():
            print(run.report())
        return 0


@dataclass(frozen=True)
class Info:
    """Show versions, devices, memory, and how many compiled programs are kept."""

    def run(self) -> int:
        """Print a line for each fact."""
        from vae_jax.machine.facts import facts
        from vae_jax.runs.environment import environment

        for name, value in (environment(Path.cwd() / "here") | facts()).items():
            print(f"{name:18} {value}")
        return 0


def experiment_table() -> str:
    """The shipped experiments, a line each."""
    paths = catalogue.shipped()
    width = max(map(len, paths), default=0)
    return "\n".join(f"{name:{width}}  {catalogue.summary(path)}" for name, path in paths.items())


def _open(path: Path) -> Run:
    RunDirectory(path).read_config()
    from vae_jax.runs.run import open_run

    _settle(path)
    return open_run(path)


def _settle(path: Path) -> None:
    """Turn a lane of a sweep that was stopped into a run of its own, before it is looked at."""
    if (path / "lane.json").is_file():
        from vae_jax.sweeps.work.settle import settle

        settle(path)


def _is_sweep(path: Path) -> bool:
    return (path / "sweep.json").is_file()


def _train(run: Run) -> int:
    from vae_jax.parallel.hosts import is_first

    with run.lock():
        if is_first():
            print(f"run directory: {run.directory.path}", flush=True)
        outcome = run.train()
        if not is_first():
            return 0
        if run.profile is not None:
            print(_profile_in_words(run.profile, outcome.step, run.directory.profile))
        if not outcome.is_finished:
            print(
                f"stopped by {outcome.reason} at step {outcome.step}, saved; "
                f"go on with: vae-jax resume {run.directory.path}"
            )
            return 0
        print(f"{outcome.reason}: {outcome.step}; the best validation bound was at step {outcome.best.step}")
        _print_evaluation(run.directory.read_json(run.directory.evaluation) or {}, run.directory.report)
    return 0


def _profile_in_words(steps: ProfiledSteps, step: int, directory: Path) -> str:
    if step <= steps.begin:
        return f"no profile: training ended at step {step}, before step {steps.begin}"
    return f"profile of steps {steps.begin} to {min(steps.end, step) - 1}: {directory}"


def _print_evaluation(result: dict[str, Any], report: Path) -> None:
    rows = {
        "ELBO": ("elbo", "nats"),
        "log p(x|z)": ("log_likelihood", "nats"),
        "KL": ("kl", "nats"),
        "squared error": ("squared_error", "an example"),
    }
    print(f"{result['data']}, {result['split']} split ({result['num_examples']} examples, {result['transform']}):")
    for label, (name, unit) in rows.items():
        if result.get(name) is not None:
            print(f"  {label:16} {result[name]:10.3f} {unit}")
    if result.get("nll") is not None:
        error = f"± {result['nll_standard_error']:.3f}"
        print(f"  {'NLL':16} {result['nll']:10.3f} {error} nats ({result['num_samples']} importance samples)")
    if result.get("bits_per_dim") is not None:
        print(f"  {'bits per dim':16} {result['bits_per_dim']:10.4f}")
    print(f"  {'active units':16} {result['active_units']:10d} of {result['latent_size']}")
    for name, value in result["measures"].items():
        print(f"  {name}: {value:.6g}")
    for note in result["notes"]:
        print(f"  note: {note}")
    print(f"report: {report}")


def check_output(path: Path, num: int, kinds: tuple[str, ...] = (".png",)) -> None:
    """Refuse a file that cannot be written, before time is spent on it.

    Raises:
        UsageError: If the file is of another kind, its folder does not exist, or `num` is below one.
    """
    if path.suffix.lower() not in kinds:
        raise UsageError(f"expected a {' or '.join(kinds)} file to write to; got {path}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"expected a folder that exists; {path.absolute().parent} does not; make it first")
    _check_at_least(1, "--num", num)


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


def _check_at_least(smallest: int, option: str, value: int | None) -> None:
    if value is not None and value < smallest:
        raise UsageError(f"expected {option} of at least {smallest}; got {value}")
