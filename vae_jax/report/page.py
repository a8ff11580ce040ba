"""One page that explains a run, in one file that needs no network and no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vae_jax.report import captions, numbers
from vae_jax.report.certificate import gap_bars, rows, sentences
from vae_jax.report.picture import Picture
from vae_jax.report.plots import Metrics, best_validation_step, group_bars, kl_bars, learning_curve
from vae_jax.report.templates import render
from vae_jax.report.theme import DARK, LIGHT

CURVES = {
    "value": "Objective (nats per example)",
    "log_likelihood": "Reconstruction, log p(x|z) (nats)",
    "kl": "KL from posterior to prior (nats)",
}


def report_html(
    *,
    title: str,
    summary: str,
    config: Mapping[str, Any],
    data: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
    environment: Mapping[str, Any],
    metrics: Metrics,
    pictures: Sequence[Picture],
    command: str,
    command_is_at_home: bool = False,
    measures: Mapping[str, float] | None = None,
    other_evaluations: Sequence[Mapping[str, Any]] = (),
    best_step: int | None = None,
    certificate: Mapping[str, Any] | None = None,
) -> str:
    """The page as HTML: a function of its arguments alone, so an interrupted and resumed run has the same page.

    Args:
        title: The experiment's name.
        summary: The experiment in one sentence: the first line of its docstring.
        config: The experiment's settings.
        data: The entries of a `Dataset.summary()`, and the transform: `name`, `description`, `num_examples`, ...
        evaluation: evaluation.json, any of whose keys may be missing or None; None before the first evaluation.
        environment: environment.json: versions, device, source state.
        metrics: The lines of metrics.jsonl.
        pictures: In the order to show them; the first stands at the top of the page.
        command: The command that repeats this run.
        command_is_at_home: Whether the command has to be given in the directory that the page is in.
        measures: Further results, by name.
        other_evaluations: Evaluations of other splits, numbers of importance samples or checkpoints.
        best_step: The validation step whose parameters were kept; by default the one of highest value.
        certificate: certificate.json, if there is one.

    Returns:
        A complete HTML document.
    """
    evaluation = evaluation or {}
    best_step = best_validation_step(metrics) if best_step is None else best_step
    notes = evaluation.get("notes") or []
    return render(
        "page.html.jinja",
        title=title,
        summary=summary,
        hero=pictures[0] if pictures else None,
        pictures=pictures[1:],
        headlines=numbers.headlines(evaluation),
        measured=_measured(evaluation) | dict(map(_other, other_evaluations)),
        notes=[note[:1].upper() + note[1:] for note in ([notes] if isinstance(notes, str) else notes)],
        measures={**numbers.other_measures(evaluation), **(measures or {})},
        certificate=certificate and _certificate(certificate),
        curves=_curves(metrics, evaluation, best_step),
        curves_caption=captions.learning_curves(any(numbers.is_number(line.get("kl")) for line in metrics)),
        config=config,
        data=data,
        environment=environment,
        command=command,
        command_is_at_home=command_is_at_home,
    )


def _certificate(certificate: Mapping[str, Any]) -> dict[str, Any]:
    of, whole = certificate["num_examples"], certificate["num_examples_of_split"]
    return {
        "of": f"{of:,} of the {whole:,} examples of the {certificate['split']} split",
        "rows": rows(certificate, "real"),
        "sentences": sentences(certificate),
        "picture": gap_bars(certificate),
    }


def _curves(metrics: Metrics, evaluation: Mapping[str, Any], best_step: int | None) -> list[Picture]:
    """The curves that these metrics hold and the KL of each dimension, for a light page and a dark one."""
    names = [name for name in CURVES if any(numbers.is_number(line.get(name)) for line in metrics)]
    if "kl" not in names and all(line.get("log_likelihood") == line.get("value") for line in metrics):
        names = names[:1]  # an autoencoder's objective is its reconstruction: one curve, not two alike
    curves = []
    for name in names:
        light, dark = (
            learning_curve(metrics, name, title=CURVES[name], best_step=best_step, theme=theme)
            for theme in (LIGHT, DARK)
        )
        if light is not None:
            curves.append(Picture(light, CURVES[name], "", dark))
    kl, active_units = _kl_per_dimension(metrics, evaluation, best_step)
    if kl:
        light, dark = (kl_bars(kl, active_units=active_units, theme=theme) for theme in (LIGHT, DARK))
        curves.append(Picture(light, "KL of each latent dimension", captions.KL_PER_DIMENSION, dark))
    groups = evaluation.get("kl_per_group") or {}
    if len(groups) > 1:
        light, dark = (group_bars(groups, theme=theme) for theme in (LIGHT, DARK))
        curves.append(Picture(light, "KL of each group", captions.KL_PER_GROUP, dark))
    return curves


def _kl_per_dimension(
    metrics: Metrics, evaluation: Mapping[str, Any], best_step: int | None
) -> tuple[Sequence[float] | None, int | None]:
    """KL per dimension and active units: from the evaluation, else the kept step's validation, else the last one."""
    lines = [line for line in metrics if line.get("split") == "validation" and line.get("kl_per_dimension")]
    kept = [line for line in lines if line.get("step") == best_step]
    for source in [evaluation, *kept[-1:], *lines[-1:]]:
        if source.get("kl_per_dimension"):
            return source["kl_per_dimension"], source.get("active_units")
    return None, None


def _other(evaluation: Mapping[str, Any]) -> tuple[str, str]:
    """A row about another evaluation: what it is of, and its bound and NLL."""
    of = f"{evaluation['split'].capitalize()} split, step {evaluation['checkpoint_step']:,}"
    found = {"NLL": evaluation.get("nll"), "ELBO": evaluation.get("elbo")}
    values = [f"{name} {numbers.decimal(value)} nats" for name, value in found.items() if value is not None]
    samples = evaluation.get("num_samples")
    if numbers.is_number(samples):
        of += f", {samples:,} samples" + (" of a fitted q" if evaluation.get("proposal") == "fitted" else "")
    return of, ", ".join(values)


def _measured(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """The settings of the evaluation, without which its numbers cannot be compared with others."""
    rows = {
        "split": "Split",
        "num_examples": "Examples",
        "selection": "Parameters",
        "checkpoint_step": "Of step",
        "num_steps": "Steps trained",
        "num_skipped": "Steps skipped",
        "transform": "Transform",
        "binarisation": "Binarisation",
        "num_samples": "Importance samples",
        "proposal": "Drawn from q of",
        "seed": "Seed of the evaluation",
    }
    heavy = evaluation.get("share_of_heavy_tails")
    worth = {} if heavy is None else {"Weights with heavy tails": f"{heavy:.0%} of the examples"}
    shown = {key: words for key, words in rows.items() if evaluation.get(key) is not None}
    return {words: numbers.setting(evaluation[key], grouped=True) for key, words in shown.items()} | worth
