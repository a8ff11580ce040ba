"""The command `vae-jax sweep`: options of the sweep, and several values for the fields of an experiment."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.parallel.config import ParallelConfig
from vae_jax.sweep.axes import Axis, Values, parse_axis
from vae_jax.sweep.config import EvolutionConfig, LanesConfig, Sampler, SearchConfig, SlurmConfig, Stopping
from vae_jax.sweep.fields import fields_of, in_words, value_of, with_fields

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
    words: Mapping[str, tuple[str, ...]]
    options: SweepOptions
    work: WorkOptions
    argv: tuple[str, ...] = ()
    """What was typed behind `sweep`, for workers elsewhere."""

    def run(self) -> int:
        """Begin the sweep, or go on with it."""
        config, axes = config_and_axes(self.file, self.words)
        options = self.options
        if options.num_steps is not None and options.num_steps < 1:
            raise UsageError(f"expected --num-steps of at least 1; got {options.num_steps}")
        if options.search is None and (options.trials is not None or options.stopping or options.storage):
            raise UsageError("expected --search with --trials, --stopping or --storage; got none; choose one, say tpe")
        from vae_jax.cli.commands import check_data
        from vae_jax.data.loading import loaded_once
        from vae_jax.sweep.sweep import begin

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
            )
            if options.slurm.workers:
                return self._submit(sweep.directory.path)
            return work_on(sweep, self.work)

    def _submit(self, directory: Path) -> int:
        """Let jobs of a cluster work on it, each by the same command."""
        from vae_jax.sweep.submit import submit

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
    from vae_jax.sweep.outcome import outcome_in_words

    print(f"sweep directory: {sweep.directory.path}", flush=True) if options.show != "json" else None
    show = None if options.show == "auto" else options.show
    is_done = sweep.work(lanes=options.lanes, parallel=options.parallel, show=show)
    for line in outcome_in_words(sweep, is_done=is_done):
        print(line, flush=True) if options.show != "json" else None
    return 0


def config_and_axes(file: ExperimentFile, words: Mapping[str, tuple[str, ...]]) -> tuple[Any, dict[str, Axis]]:
    """A config of the fields that have one value, and axes of those that have more.

    Raises:
        UsageError: If a value is not of its field's type, or stands twice.
    """
    kinds = fields_of(file.Config)
    axes = {name: parse_axis(name, of_one, kinds[name]) for name, of_one in words.items()}
    single = {name: axis.values[0] for name, axis in axes.items() if isinstance(axis, Values) and len(axis.values) == 1}
    return with_fields(file.Config(), single), {name: axis for name, axis in axes.items() if name not in single}


def parse_sweep(argv: list[str]) -> Sweep:
    """`EXPERIMENT --field value value ... --option value`.

    Raises:
        UsageError: If there is no such experiment, field or option.
        SystemExit: With 0 after help, with 2 after a usage error that tyro has described.
    """
    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            print(sweep_usage())
            raise SystemExit(0)
        raise UsageError("expected the name or file of an experiment behind 'sweep'; 'vae-jax list' names them")
    file = load_experiment(argv[0])
    fields, rest = _apart(file, argv[1:])
    options = tyro.cli(
        _options(file), args=rest, prog=f"vae-jax sweep {argv[0]}", config=(tyro.conf.FlagCreatePairsOff,)
    )
    return Sweep(file, fields, options.sweep, options.work, tuple(argv))


def _apart(file: ExperimentFile, argv: list[str]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The words behind the experiment's fields, and all others."""
    kinds, ours = fields_of(file.Config), option_names(SweepOptions) | option_names(WorkOptions)
    if clash := sorted(kinds.keys() & ours):
        raise UsageError(
            f"expected a 'Config' without {', '.join(clash)}, which every sweep has; rename it in {file.path}"
        )
    fields: dict[str, tuple[str, ...]] = {}
    rest: list[str] = []
    words = rest
    for word in argv:
        is_option = word.startswith("--") or word == "-h"
        if is_option:
            option, equals, value = word[2:].partition("=")
            name = option.replace("-", "_")
            if name in kinds:
                if name in fields:
                    raise UsageError(f"expected --{option} once, all its values behind it; got it twice")
                words = []
                fields[name] = ()
                current = name
                if equals:
                    fields[name] = (value,)
                continue
            if name not in ours and word not in ("-h", "--help"):
                known = [known.replace("_", "-") for known in (*kinds, *ours)]
                raise UsageError(
                    f"expected a field of {file.name} ({', '.join(kinds)}) or an option of the sweep; "
                    f"got '{word}'{did_you_mean(option, known)}"
                )
            words = rest
        if words is rest:
            rest.append(word)
        else:
            fields[current] += (word,)
    return fields, rest


def option_names(kind: type) -> set[str]:
    """The names of the options of a dataclass, those of nested ones by dotted names."""
    return set(fields_of(kind))


def _options(file: ExperimentFile) -> type:
    def flat(kind: type) -> Any:
        return Annotated[kind, tyro.conf.arg(name="")]

    defaults = file.Config()
    lines = [
        f"  --{name.replace('_', '-')}: {in_words(kind)}; {value_of(defaults, name)}"
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
