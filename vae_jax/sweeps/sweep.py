"""Sweeps: how they are begun, joined, continued, and reported on at their end."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.config.fields import range_of, with_fields
from vae_jax.config.saved import config_from, config_to_json
from vae_jax.experiment import Experiment
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.outline import Outline
from vae_jax.parallel.config import ParallelConfig
from vae_jax.parallel.mesh import make_lanes_mesh, own_mesh
from vae_jax.ranges import Range
from vae_jax.ranking import RunRecord, default_metric, rank
from vae_jax.runs.begin import open_run
from vae_jax.runs.directory import next_free
from vae_jax.runs.environment import environment
from vae_jax.runs.records import records_in
from vae_jax.runs.run import Run
from vae_jax.runs.same_data import check_data
from vae_jax.runs.wiring import wire
from vae_jax.sweeps.config import EvolutionConfig, LanesConfig, SearchConfig
from vae_jax.sweeps.lanes.data_sets import DataSets, depend_on
from vae_jax.sweeps.lanes.evolution import Evolution
from vae_jax.sweeps.lanes.family import Family, side_by_side
from vae_jax.sweeps.search.check_search import check_optuna, check_search, num_trials
from vae_jax.sweeps.search.sources import Grid, Search, Source
from vae_jax.sweeps.search.storage import opening, with_password, without_password
from vae_jax.sweeps.search.study import Study
from vae_jax.sweeps.shown import sweep_html
from vae_jax.sweeps.values import axes as axes_module
from vae_jax.sweeps.values.axes import Axis, Interval, Values, points, product_of, zip_of
from vae_jax.sweeps.values.trial import Trial
from vae_jax.sweeps.work.directory import ENDED, SweepDirectory, SweepSpec
from vae_jax.sweeps.work.programs import check_for_lanes
from vae_jax.sweeps.work.settle import settle
from vae_jax.sweeps.work.table import Table
from vae_jax.sweeps.work.worker import Setting, Worker
from vae_jax.training import Budget


class Sweep:
    """A sweep's directory, ready to be worked on.

    Args:
        directory: The directory of the sweep.
        data_sets: The data that were loaded already; None to load all.
        storage: The address of the search's storage with its password, which no file has; None where it has none, or
            the environment variable `VAE_JAX_STORAGE` has it.
    """

    def __init__(
        self, directory: SweepDirectory, data_sets: DataSets | None = None, storage: str | None = None
    ) -> None:
        self.directory = directory
        self._storage = storage
        self.spec = directory.read_spec()
        self.file = load_experiment(directory.experiment)._replace(name=self.spec.experiment)
        self.data_sets = data_sets or DataSets(self.file, directory.folder)
        self.axes = {name: axes_module.from_json(axis) for name, axis in self.spec.axes.items()}

    def __repr__(self) -> str:
        return f"Sweep({str(self.directory.path)!r}, {self.spec.experiment} over {', '.join(self.axes)})"

    def _repr_html_(self) -> str:
        return sweep_html(self.directory.path, self.spec.experiment, self.records() if self.lane_numbers() else [])

    @own_mesh()
    def work(
        self,
        *,
        lanes: LanesConfig | None = None,
        parallel: ParallelConfig | None = None,
        show: str | None = None,
        accept_data: bool = False,
    ) -> bool:
        """Train lanes until all are done or taken by other workers; return False if a signal came first.

        Args:
            lanes: How the lanes share the machine.
            parallel: The devices of the lanes.
            show: "table", "lines" or "json"; None for a table in a terminal or a notebook, and lines elsewhere.
            accept_data: Take other data than the lanes were begun with, and note them in their `data.json`.

        Raises:
            UsageError: If the search is not possible here, not a single lane fits into the memory, or the data are
                others than those of lanes that were begun.
        """
        self.check_data(accept=accept_data)
        experiment = self._experiment()
        source = self.source(experiment)
        num_before = self.num_ended
        with Table(source.num_trials, experiment.budget.num_steps, show, num_ended=num_before) as table:
            setting = Setting(
                self.directory,
                self.spec,
                self.file,
                source,
                table,
                lanes or LanesConfig(),
                parallel or ParallelConfig(),
                self._evolution(experiment),
                self.data_sets,
            )
            is_done = Worker(setting).work()
        is_news = self.num_ended > num_before or not self.directory.report.is_file()
        if is_done and self.num_ended == source.num_trials and is_news:
            self.report()
        return is_done

    def records(self) -> list[RunRecord]:
        """The records of the sweep's lanes, for `vae_jax.ranking`."""
        return records_in(self.directory.path)

    def run(self, number: int) -> Run:
        """The run of a lane, to be evaluated, sampled from, or trained further."""
        settle(self.directory.lane(number).path)
        return open_run(self.directory.lane(number).path)

    def best(self, metric: str | None = None) -> Run:
        """The run of the best lane.

        Args:
            metric: The metric to rank by; None for the NLL where all lanes have one, else the bound.

        Raises:
            UsageError: If no lane has a value of the metric yet.
        """
        records = self.records()
        rows = [row for row in rank(records, metric or default_metric(records)) if row.mean is not None]
        if not rows:
            raise UsageError(
                f"expected a lane with {metric or 'an evaluation'} in {self.directory.path}; none has come"
            )
        return self.run(int(rows[0].records[0].name))

    @property
    def num_ended(self) -> int:
        """Number of lanes that have ended."""
        return sum(self.directory.status(number) in ENDED for number in self.lane_numbers())

    def check_data(self, *, accept: bool = False) -> None:
        """Check that the lanes that were begun have the data that they were begun with.

        Args:
            accept: Note other data in the lanes' `data.json`, in place of refusing them.

        Raises:
            UsageError: If the data are others.
        """
        for number in self.lane_numbers():
            run = self.directory.lane(number)
            try:
                record = run.read_config()
            except UsageError:  # a worker is making it at this moment
                continue
            check_data(run, self.data_sets.of(config_from(self.file, record["config"])), accept=accept)

    @own_mesh()
    def report(self, *, accept_data: bool = False) -> Path:
        """Write the report page from the files of the sweep, and return its path.

        Args:
            accept_data: Take other data than the lanes were begun with, and note them in their `data.json`.

        Raises:
            UsageError: If the data are others.
        """
        from vae_jax.sweeps.explain import write_sweep_report

        self.check_data(accept=accept_data)
        with self.directory.lock():
            write_sweep_report(self)
        return self.directory.report

    def lane_numbers(self) -> list[int]:
        """Numbers of the lanes that were begun."""
        folder = self.directory.lanes
        return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else []

    def source(self, experiment: Experiment | None = None) -> Source:
        """The source of the sweep's trials."""
        experiment = experiment or self._experiment()
        if self.spec.search is None:
            return Grid(trials_of(self.axes, is_zipped=self.spec.is_zipped))
        saved: dict[str, Any] = self.spec.search | {"objectives": tuple(self.spec.search["objectives"])}
        search = SearchConfig(**saved)
        if search.storage is not None:
            search = dataclasses.replace(search, storage=with_password(search.storage, self._storage))
        budget = experiment.budget
        study = Study(
            self.directory.path, self.axes, search, min_steps=budget.validate_every, max_steps=budget.num_steps
        )
        return Search(study, num_trials(self.axes, search), is_shared_beyond_files=search.storage is not None)

    def _experiment(self) -> Experiment:
        """The experiment of the fields that are not swept, on data of some lane: the default's may not be here."""
        common = config_from(self.file, self.spec.config)
        some = {name: _some(name, axis) for name, axis in self.axes.items()}
        of_data = depend_on(self.data_sets.fields_read(with_fields(common, some)), some)
        config = with_fields(common, {name: some[name] for name in of_data})
        return wire(self.file, config, self.spec.num_steps, self.data_sets.of(config))

    def _evolution(self, experiment: Experiment) -> Evolution | None:
        if self.spec.evolution is None:
            return None
        config = EvolutionConfig(**self.spec.evolution)
        names = [name for name in self.spec.side_by_side if name != "seed"]
        bounds = {name: _bounds(self.axes[name], range_of(self.file.Config, name)) for name in names}
        return Evolution(config, bounds, (config.every or 1) * experiment.budget.validate_every)


def begin(
    file: ExperimentFile,
    config: Any,
    axes: Mapping[str, Axis],
    *,
    run_dir: Path | None = None,
    num_steps: int | None = None,
    is_zipped: bool = False,
    search: SearchConfig | None = None,
    evolution: EvolutionConfig | None = None,
    parallel: ParallelConfig | None = None,
) -> Sweep:
    """Begin a sweep, or join the same one. Nothing on the disk changes before the sweep is known to work.

    Args:
        file: The experiment's file.
        config: The experiment's `Config`, for the fields that are not swept.
        axes: Field -> axis, for the swept fields.
        run_dir: The sweep's directory; None for the next free `runs/NAME-sweep-1`.
        num_steps: Number of training steps of each lane, in place of the experiment's own budget.
        is_zipped: Take the values of the fields together, not their product.
        search: How trials are chosen, in place of all combinations.
        evolution: How lanes learn from each other, if they do.
        parallel: The devices of this host that lanes will be on, to check that they exist; None if on other hosts.

    Raises:
        UsageError: If an argument is not as expected.
    """
    search = search if search is not None and search.sampler is not None else None
    evolution = evolution if evolution is not None and evolution.every is not None else None
    _check(axes, search, evolution, is_zipped=is_zipped)
    storage = search.storage if search is not None else None
    if search is not None and storage is not None:
        storage = with_password(storage)
        search = dataclasses.replace(search, storage=without_password(storage))
    data_sets = DataSets(file)
    some = {name: _some(name, axis) for name, axis in axes.items()}
    family = Family(file, config, num_steps, data_sets.of(with_fields(config, some)))
    experiment, traced = family.checked(some)
    check_for_lanes(experiment, traced)
    others = [some | {name: value} for name, axis in axes.items() for value in _extremes(axis)]
    read = frozenset[str]().union(*(data_sets.fields_read(with_fields(config, other)) for other in others))
    lane_fields = side_by_side(family, some, depend_on(read, some))
    for name, axis in axes.items():
        for value in _extremes(axis):
            other = some | {name: value}
            data = data_sets.of(with_fields(config, other))
            if name in lane_fields:
                wire(file, with_fields(config, other), num_steps, data)
            else:
                check_for_lanes(*family._replace(data=data).checked(other))
    if parallel is not None:
        make_lanes_mesh(parallel, experiment.budget.batch_size)
    if search is not None:
        _check_search(axes, search, experiment.budget, traced)
    if evolution is not None and not set(lane_fields) - {"seed"}:
        raise UsageError(
            f"expected a number to be swept, for lanes to learn from each other; got {', '.join(axes)}; "
            "sweep a learning rate, say"
        )
    spec = SweepSpec(
        file.name,
        config_to_json(config),
        num_steps,
        {name: axes_module.to_json(axis) for name, axis in axes.items()},
        list(lane_fields),
        is_zipped,
        None if search is None else dataclasses.asdict(search),
        None if evolution is None else dataclasses.asdict(evolution),
    )
    if run_dir is not None:
        SweepDirectory(run_dir).check(spec, file.kept)
    if storage is not None:
        with opening(Path(), storage):
            pass  # it can be reached
    directory = SweepDirectory(next_free(Path("runs"), f"{file.name}-sweep") if run_dir is None else run_dir)
    if not directory.exists:
        directory.create(spec, environment(file.path), file.kept)
    return Sweep(directory, data_sets, storage)


def trials_of(axes: Mapping[str, Axis], *, is_zipped: bool) -> list[Trial]:
    """The numbered trials of a grid.

    Raises:
        UsageError: If an axis is an interval, there are too many combinations, or the values do not match.
    """
    rows = zip_of(axes) if is_zipped else product_of(axes)
    return [Trial(number, fields) for number, fields in enumerate(rows)]


def _check(
    axes: Mapping[str, Axis], search: SearchConfig | None, evolution: EvolutionConfig | None, *, is_zipped: bool
) -> None:
    if not axes:
        raise UsageError("expected fields to sweep over, with two values or more, such as --beta 1 2 4; got none")
    for name, axis in axes.items():
        kept = axes_module.from_json(json.loads(json.dumps(axes_module.to_json(axis), default=str)))
        if repr(kept) != repr(axis):
            raise UsageError(
                f"expected numbers, words and tuples of them to sweep {name} over, which JSON keeps; got "
                f"{', '.join(map(repr, points(axis)))}; make them words"
            )
    if search is None:
        trials_of(axes, is_zipped=is_zipped)
    elif is_zipped:
        raise UsageError("expected --zip without --search, which takes every combination; got both; leave one out")
    if evolution is not None:
        if search is not None and search.stopping is not None:
            raise UsageError(
                f"expected lanes that all go on, to learn from each other; got --stopping {search.stopping}; "
                "leave out that or --evolve"
            )
        if (evolution.every or 0) < 1 or not 0 < evolution.share <= 0.5 or not evolution.factor > 1:
            raise UsageError(
                f"expected --evolve.every of at least 1, --evolve.share above 0 and at most 0.5, and --evolve.factor "
                f"above 1; got {evolution.every}, {evolution.share:g} and {evolution.factor:g}"
            )


def _check_search(axes: Mapping[str, Axis], search: SearchConfig, budget: Budget, outline: Outline) -> None:
    check_search(axes, search, min_steps=budget.validate_every, max_steps=budget.num_steps)
    check_optuna(search)
    known = objectives_of(outline)
    for name in search.objectives:
        if name not in known:
            raise UsageError(f"expected an objective ({', '.join(known)}); got '{name}'{did_you_mean(name, known)}")


def objectives_of(outline: Outline) -> list[str]:
    """The names of possible objectives: the numbers of a validation, and the NLL."""
    return sorted({*outline.validation} | {"active_units", "nll"})


def _some(name: str, axis: Axis) -> Any:
    """A value of an axis. For seeds it is the largest one, since too large a seed cannot be a number of a lane."""
    values = _extremes(axis)
    return max(values, key=abs) if name == "seed" and all(isinstance(value, int) for value in values) else values[0]


def _extremes(axis: Axis) -> tuple[Any, ...]:
    if isinstance(axis, Values):
        return axis.values
    return tuple(int(end) if axis.is_integer else end for end in (axis.low, axis.high))


def _bounds(axis: Axis, stated: Range) -> tuple[float, float]:
    """The interval that lanes which learn from each other stay in."""
    low, high = (axis.low, axis.high) if isinstance(axis, Interval) else (0.0, float("inf"))
    least, largest = stated.ends
    return max(low, least), min(high, largest)
