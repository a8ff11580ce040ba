"""A sweep's report page, and the lanes that it shows."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from vae_jax import generation
from vae_jax.catalogue import is_shipped
from vae_jax.config.command import options_of, typed
from vae_jax.config.fields import fields_of, value_of, with_fields
from vae_jax.config.saved import config_from
from vae_jax.config.words import to_word
from vae_jax.data.dataset import is_image
from vae_jax.files import write_bytes
from vae_jax.grids import png_bytes
from vae_jax.keys import key_of
from vae_jax.parallel.placement import on_one_device
from vae_jax.ranking import RunRecord, default_metric, rank
from vae_jax.report import image_grid
from vae_jax.report.sweep import sweep_report_html
from vae_jax.runs.chosen import conditions_of
from vae_jax.runs.records import records_in
from vae_jax.runs.report import environment_in_words, to_unit
from vae_jax.runs.run import Run
from vae_jax.runs.wiring import wire
from vae_jax.sweeps.lanes.family import Family, Lane, traced
from vae_jax.sweeps.search.storage import without_password
from vae_jax.sweeps.values.axes import Axis, Interval, points

if TYPE_CHECKING:
    from vae_jax.sweeps.sweep import Sweep

NUM_SHOWN = 6
"""Maximum number of lanes whose samples are shown."""
NUM_SAMPLES = 36


def write_sweep_report(sweep: Sweep) -> None:
    """Write `report.html`, `images/`, and the report of the best lane, from the files of the sweep alone."""
    directory = sweep.directory
    records = records_in(directory.path)
    metric = default_metric(records)
    best = [row.records[0] for row in rank(records, metric) if row.mean is not None][:NUM_SHOWN]
    if best:
        lane_run(sweep, best[0]).report()
    drawn: _Drawn = {}
    samples = {record.name: png for record in best if (png := _samples(sweep, record, drawn)) is not None}
    directory.images.mkdir(exist_ok=True)
    for name, png in samples.items():
        write_bytes(directory.images / f"samples_{name}.png", png)
    page = sweep_report_html(
        title=sweep.file.name,
        summary=sweep.file.summary,
        records=records,
        swept=list(sweep.axes),
        metric=metric,
        samples=samples,
        command=command(sweep),
        command_is_at_home=not is_shipped(sweep.file),
        environment=environment_in_words(directory.read_environment()),
        search=sweep.spec.search,
        reports={record.name for record in records if (directory.lanes / record.name / "report.html").is_file()},
    )
    write_bytes(directory.report, page.encode())


def lane_run(sweep: Sweep, record: RunRecord) -> Run:
    """The run of a lane."""
    run = sweep.directory.lane(int(record.name))
    saved = run.read_config()
    config = config_from(sweep.file, saved["config"])
    experiment = wire(sweep.file, config, saved["num_steps"], sweep.data_sets.of(config))
    return Run(run, saved, sweep.file, config, experiment, on_one_device())


def command(sweep: Sweep) -> str:
    """The command that starts such a sweep again; that of an own experiment file is given in the sweep's directory."""
    spec = sweep.spec
    config = config_from(sweep.file, spec.config)
    experiment = spec.experiment if is_shipped(sweep.file) else sweep.directory.experiment.name
    words = ["vae-jax", "sweep", experiment, *options_of(config, without=sweep.axes)]
    is_grid = spec.search is None or spec.search["sampler"] == "grid"
    kinds = fields_of(type(config))
    for name, axis in sweep.axes.items():
        words += typed(name, _words_of(axis, kinds[name], is_grid=is_grid))
    options = {
        "num_steps": spec.num_steps,
        **{_OPTIONS.get(name, name): value for name, value in _search(sweep).items()},
    }
    for name, value in options.items():
        if value not in (None, (), []):
            words += typed(name, [to_word(value)])
    if spec.is_zipped:
        words.append("--zip")
    return shlex.join(words)


_OPTIONS = {"sampler": "search", "objectives": "objective", "seed": "search_seed"}


def _search(sweep: Sweep) -> dict[str, object]:
    evolution = {f"evolve.{name}": value for name, value in (sweep.spec.evolution or {}).items()}
    search = dict(sweep.spec.search or {})
    if search.get("storage"):
        search["storage"] = without_password(search["storage"])  # one of an earlier version has its password
    return search | evolution


def _words_of(axis: Axis, kind: Any, *, is_grid: bool) -> Sequence[str]:
    if isinstance(axis, Interval) and not (is_grid and axis.num):
        return [f"{axis.low}:{axis.high}" + ":log" * axis.is_log]
    return [to_word(value, kind) for value in points(axis)]


_Drawn = dict[Any, Callable[[Lane, Any], jax.Array]]
"""The config of a group -> a function that draws examples from its lanes, compiled once."""


def _samples(sweep: Sweep, record: RunRecord, drawn: _Drawn) -> bytes | None:
    """New examples from a lane, as PNG bytes; None where the examples are not images."""
    run = lane_run(sweep, record)
    experiment = run.experiment
    numbers = {name: value_of(run.config, name) for name in sweep.spec.side_by_side}
    group = {name: value_of(run.config, name) for name in sweep.axes if name not in numbers}
    config = with_fields(config_from(sweep.file, sweep.spec.config), group)
    if config not in drawn:
        data = sweep.data_sets.of(run.config)
        drawn[config] = _drawing(Family(sweep.file, config, sweep.spec.num_steps, data))
    params, _ = run.params()
    conditions, _ = conditions_of(experiment, experiment.model.bind(params), NUM_SAMPLES)
    images = drawn[config](Lane(traced(numbers), params), conditions)
    if not is_image(images.shape[1:]) or experiment.dataset.columns:
        return None
    return png_bytes(image_grid(np.asarray(images), num_columns=round(NUM_SAMPLES**0.5)))


def _drawing(family: Family) -> Callable[[Lane, Any], jax.Array]:
    """A function that draws examples from a lane of a family."""

    def drawn(lane: Lane, conditions: Any) -> jax.Array:
        fitted = family.fitted(lane)
        seen = generation.sample(key_of(0), fitted.vae, NUM_SAMPLES, conditions=conditions)
        return jax.vmap(to_unit(family.experiment(lane.numbers)))(seen)

    return jax.jit(drawn)
