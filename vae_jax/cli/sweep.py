"""The command `vae-jax sweep`: options of the sweep, and several values for the fields of an experiment."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

import tyro

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.parallel.config import ParallelConfig
from vae_jax.sweeps.axes import Axis, Values, parse_axis
from vae_jax.sweeps.config import EvolutionConfig, LanesConfig, Sampler, SearchConfig, SlurmConfig, Stopping
from vae_jax.sweeps.fields import fields_of, in_words, option_of, parse_value, to_word, value_of, with_fields

Show = Literal["auto", "table", "lines", "json"]


@dataclass(frozen=True)
class WorkOptions:
    """How a sweep is worked on, whatever it is of. What is computed does not depend on it."""

    lanes: LanesConfig = dataclasses.field(default_factory=LanesConfig)
    """How lanes share the machine."""
    parallel: ParallelConfig = dataclasses.field(default_factory=ParallelConfig)
    """Devices. A lane is on one, and lanes are shared out over all, unless more are asked for each."""
    show: Show = "auto"
    """A table of lanes, lines, or JSON lines on stdout. Default: a table in a terminal, lines elsewhere."""


@dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep, whatever the experiment."""

    run_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Where the sweep is kept, a run directory for each lane in it. The same command again goes on with it, and
    several at once share its lanes. Default: the next free runs/NAME-sweep-1."""
    num_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Train each lane for so many steps. Default: the experiment's own budget."""
    zip: bool = False
    """Take the first values of all fields together, then the second ones. Default: their product."""
    search: Sampler | None = None
    """Let Optuna choose trials, in place of the product: tpe, cma-es, random, sobol or grid."""
    trials: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """How many a search makes."""
    stopping: Stopping | None = None
    """End bad trials early, and begin others in their lanes: successive halving, or hyperband."""
    objective: tuple[str, ...] = ("value",)
    """What a search optimises: value (the bound), kl, active_units, nll, ... of the validation split; several for a
    Pareto front."""
    storage: Annotated[str | None, tyro.conf.arg(metavar="URL")] = None
    """An Optuna database that workers share. Default: a journal in the sweep's directory."""
    search_seed: int = 0
    """Of the search."""
    evolve: EvolutionConfig = dataclasses.field(default_factory=EvolutionConfig)
    """Population-based training."""
    slurm: SlurmConfig = dataclasses.field(default_factory=SlurmConfig)
    """Workers as jobs of a SLURM cluster."""

    @property
    def search_config(self) -> SearchConfig:
        """The options of the search, in one."""
        return SearchConfig(self.search, self.trials, self.stopping, self.objective, self.storage, self.search_seed)


@dataclass(frozen=True)
class Sweep:
    """Train many variants of an experiment side by side, or search among them."""

    file: ExperimentFile
    words: Mapping[str, Sequence[str]]
    options: SweepOptions
    work: WorkOptions
    argv: tuple[str, ...] = ()
    """What was typed behind `sweep`, for workers elsewhere."""

    def run(self) -> int:
        """Begin the sweep, or go on with it."""
        options = self.options
        config, axes = config_and_axes(self.file, self.words, may_repeat=options.zip)
        _check(options, self.work.lanes)
        from vae_jax.cli.commands import check_data
        from vae_jax.data.loading import loaded_once
        from vae_jax.sweeps.sweep import begin

        check_data(config)
        with loaded_once():
            sweep = begin(
                self.file,
                config,
                axes,
                run_dir=options.run_dir,
                num_steps=options.num_steps,
                is_zipped=options.zip,
                search=options.search_config,
                evolution=options.evolve,
                parallel=None if options.slurm.workers else self.work.parallel,
            )
            if options.slurm.workers:
                return self._submit(sweep.directory.path)
            return work_on(sweep, self.work)

    def _submit(self, directory: Path) -> int:
        """Let jobs of a cluster work on it, each by the same command."""
        from vae_jax.sweeps.submit import submit

        words = [sys.executable, "-m", "vae_jax", "sweep", *_without_slurm(self.argv)]
        if self.options.run_dir is None:
            words += ["--run-dir", str(directory)]
        jobs = submit(words, self.options.slurm, directory / "jobs")
        print(f"sweep directory: {directory}")
        print(f"jobs: {', '.join(jobs)}; what they say is in {directory / 'jobs'}")
        return 0


def _without_slurm(argv: Sequence[str]) -> list[str]:
    """The words of a command without the options that say where its workers are."""
    kept, is_ours = [], False
    for word in argv:
        if word.startswith("--"):
            is_ours = word.startswith("--slurm.")
        if not is_ours:
            kept.append(word)
    return kept


def work_on(sweep: Any, options: WorkOptions) -> int:
    """Work on a sweep until nothing is left, and say how it ended."""
    from vae_jax.sweeps.outcome import outcome_in_words

    print(f"sweep directory: {sweep.directory.path}", flush=True) if options.show != "json" else None
    show = None if options.show == "auto" else options.show
    is_done = sweep.work(lanes=options.lanes, parallel=options.parallel, show=show)
    for line in outcome_in_words(sweep, is_done=is_done):
        print(line, flush=True) if options.show != "json" else None
    return 0


def _check(options: SweepOptions, lanes: LanesConfig) -> None:
    """See that numbers are large enough, and that no option goes without the one that it is about."""
    least = {
        "num-steps": (options.num_steps, 1),
        "trials": (options.trials, 1),
        "search-seed": (options.search_seed, 0),
        "lanes.num": (lanes.num, 1),
    }
    for name, (value, smallest) in least.items():
        if value is not None and value < smallest:
            raise UsageError(f"expected --{name} of at least {smallest}; got {value}")
    if lanes.memory is not None and lanes.memory <= 0:
        raise UsageError(f"expected --lanes.memory above 0, in GiB; got {lanes.memory:g}")
    usual = SweepOptions()
    about_a_search = [
        name
        for name in ("trials", "stopping", "objective", "storage", "search_seed")
        if getattr(options, name) != getattr(usual, name)
    ]
    if options.search is None and about_a_search:
        option = option_of(about_a_search[0])
        raise UsageError(f"expected --search with {option}; got none; choose one, say --search tpe")
    if options.evolve.every is None and options.evolve != usual.evolve:
        name = "share" if options.evolve.share != usual.evolve.share else "factor"
        raise UsageError(f"expected --evolve.every with --evolve.{name}; got none; give one, say --evolve.every 1")


def config_and_axes(
    file: ExperimentFile, words: Mapping[str, Sequence[str]], *, may_repeat: bool = False
) -> tuple[Any, dict[str, Axis]]:
    """A config of the fields that have one value, and axes of those that have more.

    Args:
        file: The experiment's file.
        words: Field -> the words behind it.
        may_repeat: Whether a field may have a value more than once.

    Raises:
        UsageError: If a value is not of its field's type, stands twice, or cannot be swept.
    """
    kinds = fields_of(file.Config)
    axes = {name: parse_axis(name, of_one, kinds[name], may_repeat=may_repeat) for name, of_one in words.items()}
    single = {name: axis.values[0] for name, axis in axes.items() if isinstance(axis, Values) and len(axis.values) == 1}
    axes = {name: axis for name, axis in axes.items() if name not in single}
    for name, axis in axes.items():
        if isinstance(axis, Values) and any(isinstance(value, Path) for value in axis.values):
            raise UsageError(
                f"expected one path for {option_of(name)}, which cannot be swept; got {len(axis.values)}; make it a str"
            )
    return with_fields(file.Config(), single), axes


def parse_sweep(argv: list[str]) -> Sweep:
    """`EXPERIMENT --field value value ... --option value`.

    Raises:
        UsageError: If there is no such experiment, field or option, or an option's value is not of its type.
        SystemExit: With 0 after help.
    """
    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            print(sweep_usage())
            raise SystemExit(0)
        raise UsageError("expected the name or file of an experiment behind 'sweep'; 'vae-jax list' names them")
    file = load_experiment(argv[0])
    kinds = fields_of(file.Config)
    if clash := sorted(kinds.keys() & {**_SWEEP, **_WORK}.keys()):
        raise UsageError(
            f"expected a 'Config' without {', '.join(clash)}, which every sweep has; rename it in {file.path}"
        )
    if {"-h", "--help"} & {*argv}:
        tyro.cli(_options(file), args=["--help"], prog=f"vae-jax sweep {argv[0]}", config=_FLAGS)
    words = _apart(file, argv[1:])
    options, work = (
        {name: _option_value(name, kind, words[name]) for name, kind in ours.items() if name in words}
        for ours in (_SWEEP, _WORK)
    )
    fields = {name: of_one for name, of_one in words.items() if name in kinds}
    return Sweep(file, fields, with_fields(SweepOptions(), options), with_fields(WorkOptions(), work), tuple(argv))


def _apart(file: ExperimentFile, argv: list[str]) -> dict[str, list[str]]:
    """Field or option -> the words behind it."""
    kinds = fields_of(file.Config)
    known = [option_of(name) for name in (*kinds, *_SWEEP, *_WORK)]
    found: dict[str, list[str]] = {}
    words: list[str] | None = None
    for word in argv:
        if not word.startswith("--"):
            if words is None:
                hint = did_you_mean(f"-{word}", known) or f"; 'vae-jax sweep {file.name} --help' names all"
                raise UsageError(f"expected an option before any value, such as {known[0]}; got '{word}'{hint}")
            words.append(word)
            continue
        option, equals, value = word.partition("=")
        option = option.replace("_", "-")
        if option not in known:
            raise UsageError(
                f"expected a field of {file.name} ({', '.join(kinds)}) or an option of the sweep; "
                f"got '{option}'{did_you_mean(option, known)}"
            )
        name = option[2:].replace("-", "_")
        if name in found:
            raise UsageError(f"expected {option} once, all its values behind it; got it twice")
        words = found[name] = [value] if equals else []
    return found


def _option_value(name: str, kind: Any, words: Sequence[str]) -> Any:
    """The value of an option of the sweep: some words, one word, or for a flag none."""
    if get_origin(kind) is tuple and words:
        return tuple(words)
    if kind is bool and not words:
        return True
    if len(words) != 1:
        got = f"'{' '.join(words)}'" if words else "none"
        raise UsageError(f"expected {'no' if kind is bool else 'one'} value behind {option_of(name)}; got {got}")
    return parse_value(words[0], kind, name)


_SWEEP, _WORK = fields_of(SweepOptions), fields_of(WorkOptions)
_FLAGS = (tyro.conf.FlagCreatePairsOff,)


def _options(file: ExperimentFile) -> type:
    def flat(kind: type) -> Any:
        return Annotated[kind, tyro.conf.arg(name="")]

    defaults = file.Config()
    lines = [
        f"  {option_of(name)}: {in_words(kind)}; {to_word(value_of(defaults, name))}"
        for name, kind in fields_of(file.Config).items()
    ]
    about = "\n".join(
        [
            file.summary,
            "",
            "Fields, each with one value or more behind it, and their defaults:",
            "",
            *lines,
            "",
            "Ranges: --seed 0:10, --beta 0.5:8:4 (four points), --learning-rate 1e-4:1e-2:log (for a search).",
        ]
    )
    return dataclasses.make_dataclass(
        "Options",
        [
            ("sweep", flat(SweepOptions), dataclasses.field(default_factory=SweepOptions)),
            ("work", flat(WorkOptions), dataclasses.field(default_factory=WorkOptions)),
        ],
        namespace={"__doc__": about},
    )


def sweep_usage() -> str:
    """The help of `vae-jax sweep` without an experiment."""
    return "\n".join(
        [
            "usage: vae-jax sweep NAME|FILE --FIELD VALUE VALUE ... [--run-dir DIR] ...",
            "",
            Sweep.__doc__ or "",
            "",
            "'vae-jax sweep NAME --help' tells fields and options. For example:",
            "",
            "  vae-jax sweep vae --beta 1 2 4 8 --learning-rate 3e-4 1e-3 --seed 0:5",
            "  vae-jax sweep vae --beta 0.5:8 --learning-rate 1e-4:1e-2:log --search tpe --trials 64",
        ]
    )
