"""The captions of a sweep's page: what each picture is, and what a learner should look for."""

from __future__ import annotations

from collections.abc import Sequence

from vae_jax.ranking import RunRecord, lower_is_better
from vae_jax.report.sweep.importance import NUM_FOLDS, NUM_SHUFFLES, Importance
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale, field_words


def curves(records: Sequence[RunRecord], scale: Scale | None) -> str:
    """The caption of the learning curves and of the marks in them."""
    num = sum(any(line.get("split") == "validation" for line in record.metrics) for record in records)
    states = {record.state for record in records}
    if num == 1:
        return "The bound on examples that it was not trained on; higher is better."
    parts = [f"Each line is a lane{f', coloured by its {field_words(scale.name)}' if scale else ''}; higher is better."]
    if "stopped" in states:
        parts.append("Rings are lanes that were stopped early.")
    if "diverged" in states:
        parts.append("Crosses are lanes that diverged.")
    parts.append("Lines that still rise at the end would have gained from more steps.")
    return " ".join(parts)


def ranking(metric: str, has_seeds: bool) -> str:
    """The caption of the table: how to read it."""
    better = "lower" if lower_is_better(metric) else "higher"
    text = f"By {quantity_of(metric).name}: {better} is better."
    if not has_seeds:
        return text + " Each setting ran with one seed, so small differences may be luck."
    return text + (
        " Runs that differ in their seed alone share a row: their mean, ± its standard error. Where two "
        "errors overlap, these runs cannot tell which setting is better."
    )


def fields(*, has_lines: bool, has_others: bool, has_seeds: bool) -> str:
    """The caption of the plots of the metric against single fields."""
    if not has_lines:
        return (
            "Each point is a setting, the best tenth in colour. A field that matters gathers these in a part of its "
            "range; where they spread over all of it, the field makes little difference."
        )
    around = (
        "The strong line goes through the best setting, and only the one field varies along it; the faint ones do the "
        "same around other settings. "
    )
    band = "Bands and whiskers are one standard error over the seeds, up and down. "
    end = "Where the best value is at an end of the range, try values beyond it."
    return around * has_others + band * has_seeds + end


PARALLEL = (
    "Follow a line from left to right: where it crosses an axis is the value of that field, and where it ends is what "
    "came of it. Coloured lines that meet at one height of an axis say that this field matters, and which value it "
    "needs; lines that cross it everywhere say that it does not. Settings far worse than most end at the foot."
)


def rate_distortion(is_evaluation: bool, has_beta: bool) -> str:
    """The caption of the rate-distortion plane."""
    split = "final evaluation" if is_evaluation else "best validation"
    beta = (
        " Beta is the price of a nat of rate: a lane settles where one nat more would save beta nats of distortion, so "
        "larger betas lie further up and to the left."
        if has_beta
        else ""
    )
    return (
        "Rate is what a code tells about its example (the KL), distortion is what it leaves untold (−log p(x|z)). "
        f"Both cost: along each thin line their sum, and so the ELBO, is the same.{beta} Lower left is better, and a "
        f"point above others of its rate wastes it. Numbers of the {split}; see Alemi et al. 2018, arXiv:1711.00464."
    )


def pareto(metrics: tuple[str, str]) -> str:
    """The caption of the front of two objectives."""
    first, second = (quantity_of(metric).name for metric in metrics)
    return (
        f"Each point is a setting. The front joins those that no other beats in both {first} and {second}: to gain in "
        "one means to lose in the other, and choosing among them is a matter of taste. All other settings can be "
        "forgotten."
    )


def importance(found: Importance, metric: str, has_seed: bool) -> str:
    """The caption of the importance: how it was computed, without which it means nothing."""
    seed = " The seed is there to show what noise gets." if has_seed else ""
    return (
        f"A random forest learned to predict {quantity_of(metric).name} from the fields. Each bar is by how much its "
        "mean absolute error on lanes it had not seen grew when the values of that field were shuffled between them: "
        f"of a field without influence it does not grow. {NUM_FOLDS} folds of {found.num_lanes} lanes, {NUM_SHUFFLES} "
        "shuffles each; whiskers are one standard deviation. On unseen lanes the forest explains "
        f"{int(100 * found.explained)} % of the variance.{seed}"
    )


SAMPLES = (
    "What the best lanes generate, the best first. Likelihood and looks do not always agree: trust your eyes, too."
)
