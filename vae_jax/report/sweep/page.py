"""One page that explains a sweep, in one file that needs no network and no script."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from vae_jax.ranking import Row, RunRecord, rank
from vae_jax.report.picture import Picture
from vae_jax.report.sweep import captions
from vae_jax.report.sweep.curves import lane_curves
from vae_jax.report.sweep.fields import field_plot
from vae_jax.report.sweep.groups import along, are_lines
from vae_jax.report.sweep.headlines import sweep_headlines
from vae_jax.report.sweep.importance import importance, importance_bars
from vae_jax.report.sweep.parallel import parallel_coordinates
from vae_jax.report.sweep.pareto import pareto_plot
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.rate_distortion import rate_distortion, rate_distortion_plot
from vae_jax.report.sweep.scale import Scale, field_words, scale_of
from vae_jax.report.sweep.settings import search_settings, setting_words, swept_values
from vae_jax.report.sweep.table import BAR_WIDTH, entries, other_numbers
from vae_jax.report.templates import render
from vae_jax.report.theme import DARK, LIGHT, Theme

NUM_SHOWN = 16
"""Number of rows of the ranking that are seen at once; the others unfold."""
MOST_LANES = 8
"""Number of lanes in a row of the ranking that are seen at once; the others unfold."""


class Digest(NamedTuple):
    """The data that all sections are made of."""

    records: Sequence[RunRecord]
    rows: list[Row]
    """The ranking, the best first."""
    scored: list[Row]
    """The rows that have the metric."""
    scales: list[Scale]
    """Scales of the swept fields with more than one value, except the seed."""
    seed: Scale | None
    """Scale of the seed, if it was swept."""
    metric: str


def sweep_report_html(
    *,
    title: str,
    summary: str,
    records: Sequence[RunRecord],
    swept: Sequence[str],
    metric: str,
    samples: Mapping[str, Picture | bytes],
    command: str,
    command_is_at_home: bool = False,
    environment: Mapping[str, Any],
    search: Mapping[str, Any] | None,
    reports: Collection[str] | None = None,
) -> str:
    """The page as HTML: a function of its arguments alone, so a sweep that was interrupted has the same page.

    A section that would say nothing, such as the importance of fields among four lanes, is left out.

    Args:
        title: The experiment's name.
        summary: The experiment in one sentence.
        records: The lanes.
        swept: Names of the fields that were swept, in the order to show them; the first one gives the colours.
        metric: The number by which lanes are ranked, as `metric_of` finds it.
        samples: Pictures of the best lanes by the lanes' names.
        command: The command that repeats this sweep.
        command_is_at_home: Whether the command has to be given in the directory that the page is in.
        environment: environment.json: versions, device, source state.
        search: The fields of the `SearchConfig` of a search; None for a grid.
        reports: Names of the lanes that have a page lanes/NAME/report.html; by default those that were evaluated.

    Returns:
        A complete HTML document.
    """
    rows = rank(records, metric)
    scales = [scale_of(name, (record.fields.get(name) for record in records)) for name in swept]
    scales = [scale for scale in scales if len(scale.values) > 1]
    seed = next((scale for scale in scales if scale.name == "seed"), None)
    scored = [row for row in rows if row.mean is not None]
    digest = Digest(records, rows, scored, [scale for scale in scales if scale.name != "seed"], seed, metric)
    others = other_numbers(rows, metric)
    trade_offs = [*_plane(digest), *_front(digest, search)]
    return render(
        "sweep/page.html.jinja",
        title=title,
        summary=summary,
        headlines=sweep_headlines(records, rows, digest.scales, metric),
        hero=_curves(digest, swept),
        fields=[field_words(scale.name) for scale in digest.scales],
        metric=quantity_of(metric),
        others=[quantity_of(name) for name in others],
        entries=entries(
            rows,
            digest.scales,
            metric,
            others,
            {record.name for record in records if record.evaluation} if reports is None else reports,
            NUM_SHOWN,
        ),
        ranking_caption=captions.ranking(metric, seed is not None) if len(rows) > 1 else "",
        num_shown=NUM_SHOWN,
        most_lanes=MOST_LANES,
        bar_width=BAR_WIDTH,
        plane_first="beta" in swept,
        trade_offs=trade_offs,
        field_plots=_fields(digest),
        fields_caption=_fields_caption(digest),
        importance=_importance(digest),
        parallel=_parallel(digest),
        samples=_samples(digest, samples),
        samples_caption=captions.SAMPLES,
        swept={field_words(scale.name): swept_values(scale) for scale in scales},
        search=search_settings(search),
        command=command,
        command_is_at_home=command_is_at_home,
        environment=environment,
    )


def _on_both_grounds(draw: Callable[[Theme], bytes | None], title: str, caption: str) -> list[Picture]:
    light, dark = draw(LIGHT), draw(DARK)
    return [] if light is None else [Picture(light, title, caption, dark)]


def _curves(digest: Digest, swept: Sequence[str]) -> Picture | None:
    scale = digest.scales[0] if digest.scales else None
    best = digest.scored[0].names[0] if digest.scored and len(digest.records) > 1 else None
    found = _on_both_grounds(
        lambda theme: lane_curves(digest.records, scale, best=best, theme=theme),
        "All lanes" if len(digest.records) > 1 else "The lane",
        captions.curves(digest.records, scale),
    )
    return found[0] if found else None


def _others(digest: Digest, scale: Scale) -> list[Scale]:
    return [other for other in digest.scales if other != scale]


def _fields(digest: Digest) -> list[Picture]:
    """One plot for each field that has the metric at two values or more."""
    found = []
    for scale in digest.scales:
        if len({scale.place(row.fields.get(scale.name)) for row in digest.scored}) < 2:
            continue

        def draw(theme: Theme, scale: Scale = scale) -> bytes:
            return field_plot(digest.scored, scale, _others(digest, scale), digest.metric, theme=theme)

        found += _on_both_grounds(draw, f"{quantity_of(digest.metric).name} by {field_words(scale.name)}", "")
    return found


def _fields_caption(digest: Digest) -> str:
    return captions.fields(
        has_lines=any(are_lines(along(digest.scored, scale, _others(digest, scale))) for scale in digest.scales),
        has_others=len(digest.scales) > 1,
        has_seeds=any(row.standard_error is not None for row in digest.scored),
    )


def _importance(digest: Digest) -> Picture | None:
    scales = [*digest.scales, *([digest.seed] if digest.seed and digest.scales else [])]
    found = importance(digest.records, scales, digest.metric)
    if found is None:
        return None
    caption = captions.importance(found, digest.metric, digest.seed is not None)
    (bars,) = _on_both_grounds(
        lambda theme: importance_bars(found, digest.metric, theme=theme), "Importance of each field", caption
    )
    return bars


def _parallel(digest: Digest) -> Picture | None:
    """Parallel coordinates of two fields and three settings or more: for fewer, the plots of single fields tell all."""
    if len(digest.scales) < 2 or len(digest.scored) < 3:
        return None
    (found,) = _on_both_grounds(
        lambda theme: parallel_coordinates(digest.scored, digest.scales, digest.metric, theme=theme),
        "Parallel coordinates",
        captions.PARALLEL,
    )
    return found


def _plane(digest: Digest) -> list[Picture]:
    plane = rate_distortion(digest.rows)
    if plane is None:
        return []
    has_beta = any(scale.name == "beta" for scale in digest.scales)
    return _on_both_grounds(
        lambda theme: rate_distortion_plot(plane, digest.scales, theme=theme),
        "The rate-distortion plane",
        captions.rate_distortion(plane.is_evaluation, has_beta),
    )


def _front(digest: Digest, search: Mapping[str, Any] | None) -> list[Picture]:
    """The Pareto front of the first two objectives of a search."""
    objectives = tuple((search or {}).get("objectives") or ())
    if len(objectives) < 2:
        return []
    metrics = objectives[0], objectives[1]
    return _on_both_grounds(
        lambda theme: pareto_plot(digest.rows, metrics, theme=theme), "The Pareto front", captions.pareto(metrics)
    )


def _samples(digest: Digest, samples: Mapping[str, Picture | bytes]) -> list[Picture]:
    """The given pictures, that of the best lane first, with the settings of the lane."""
    found = []
    for row in digest.rows:
        for record, value in zip(row.records, row.values, strict=True):
            if record.name not in samples:
                continue
            given = samples[record.name]
            picture = given if isinstance(given, Picture) else Picture(given, "", "")
            of = setting_words(record.fields, [*digest.scales, *([digest.seed] if digest.seed else [])])
            quantity = quantity_of(digest.metric)
            measured = f"{quantity.name} {quantity.show(value)} {quantity.unit}".strip()
            found.append(
                picture._replace(title=f"Lane {record.name}", caption=f"{of}: {measured}." if of else f"{measured}.")
            )
    return found
