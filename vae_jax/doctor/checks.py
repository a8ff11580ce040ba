"""The checks: each a pure function of the evidence, which finds one thing or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import chi2_contingency

from vae_jax.doctor.evidence import Evidence
from vae_jax.doctor.finding import Finding

Check = Callable[[Evidence], Finding | None]


def diverged(of: Evidence) -> Finding | None:
    """The last validation has no finite value."""
    values = _validations(of.metrics)
    if not values or values[-1] is not None:
        return None
    return Finding(
        "diverged",
        "fault",
        f"the last of {len(values)} validations has no finite value",
        "take a smaller learning rate, or clip gradients; the numbers are those of the best step before",
    )


def skipped(of: Evidence) -> Finding | None:
    """Training steps were skipped, since something in them was not finite."""
    lines = [line for line in of.metrics if line.get("num_skipped")]
    if not lines:
        return None
    num, steps = lines[-1]["num_skipped"], max(line["step"] for line in of.metrics)
    first = lines[0]["step"]
    return Finding(
        "skipped steps",
        "fault" if num > steps / 100 else "hint",
        f"{num:,} of {steps:,} steps were skipped, the first at step {first:,} or before: not finite",
        "look for a scale that shrinks towards 0 or data far outside of the others; a smaller learning rate may help",
    )


def not_learned(of: Evidence) -> Finding | None:
    """No validation is better than the untrained start."""
    values = [value for value in _validations(of.metrics) if value is not None]
    if len(values) < 2 or max(values[1:]) > values[0] + abs(values[0]) * 1e-3 or light_kl(of) is not None:
        return None
    return Finding(
        "nothing was learned",
        "fault",
        f"the best of {len(values) - 1} validations is {max(values[1:]):.2f}, the untrained start has {values[0]:.2f}",
        "change the learning rate by factors of ten; see that the objective's gradient reaches encoder and decoder",
    )


def ended_early(of: Evidence) -> Finding | None:
    """The validation was still rising when training ended."""
    values = [value for value in _validations(of.metrics) if value is not None]
    if len(values) < 6:
        return None
    before = values[: -max(1, len(values) // 5)]
    gained = max(values) - max(before)
    if gained < 0.02 * (max(values) - values[0]) or np.argmax(values) < len(before):
        return None
    return Finding(
        "ended early",
        "hint",
        f"the last fifth of the validations still gained {gained:.2f} nats of {max(values) - values[0]:.2f} in all",
        "train for more steps, from where it is: vae-jax resume RUN --num-steps N",
    )


def overfitted(of: Evidence) -> Finding | None:
    """The validation fell after its best step, by more than its error."""
    lines = [line for line in of.metrics if line.get("split") == "validation" and line.get("value") is not None]
    if len(lines) < 4:
        return None
    best = max(lines, key=lambda line: line["value"])
    lost, error = best["value"] - lines[-1]["value"], lines[-1].get("value_standard_error") or 0.0
    is_late = best["step"] > 0.7 * lines[-1]["step"]
    if lost < max(0.02 * abs(best["value"]), 2 * error) or is_late or light_kl(of) is not None:
        return None
    return Finding(
        "overfitting",
        "fault",
        f"the validation bound was best at step {best['step']:,} and is {lost:.2f} nats lower at the end",
        "more data, a smaller network, weight decay, or an end at that step by patience; its checkpoint was kept",
    )


def overfitted_encoder(of: Evidence) -> Finding | None:
    """The encoder serves training examples far better than others."""
    if of.splits is None or of.splits["test"].fitted_gain is None or of.splits["train"].fitted_gain is None:
        return None
    train, test = of.splits["train"].fitted_gain, of.splits["test"].fitted_gain
    if test < 3 * max(train, 0.5) or test - train < 0.02 * abs(of.splits["test"].bound):
        return None
    return Finding(
        "overfitted encoder",
        "fault",
        f"a q(z|x) fitted to each example gains {test:.2f} nats on the test split, {train:.2f} on the training split",
        "draw the binarisation or noise anew in each step, regularise the encoder, or fit q when evaluating "
        "(--proposal fitted)",
    )


def mean_for_sum(of: Evidence) -> Finding | None:
    """Training maximises a mean over the entries of an example where the bound has a sum."""
    trained = _last_trained(of.metrics, "value")
    if trained is None or of.splits is None or of.size is None or of.size < 8:
        return None
    train = of.splits["train"]
    latent_size = max(1, of.evaluation.get("latent_size") or 1)
    candidates = (train.log_likelihood / of.size - train.kl, train.log_likelihood / of.size - train.kl / latent_size)
    is_mean = any(abs(trained - of_mean) < 0.1 * abs(of_mean) + 0.01 for of_mean in candidates)
    if not is_mean or abs(trained - train.bound) < 0.5 * abs(train.bound):
        return None
    return Finding(
        "a mean for a sum",
        "fault",
        f"training had {trained:.3f} where the bound of the same examples is {train.bound:.2f}: the reconstruction was "
        f"divided by the {of.size} entries of an example, so that the KL counts {of.size} times",
        "sum log p(x|z) over the entries, as objectives.elbo does",
    )


def heavy_kl(of: Evidence) -> Finding | None:
    """The KL counts more than once, and half of the latents carry nothing."""
    weight = _weight_of_kl(of)
    active, size = of.evaluation.get("active_units"), of.evaluation.get("latent_size")
    if weight is None or weight < 2 or active is None or not size or active > size / 2:
        return None
    return Finding(
        "the KL weighs too much",
        "fault",
        f"training weighed the KL {weight:.3g} times, and {active} of {size} latents are active",
        "take a smaller β; for disentanglement, one at which the latents you want are still active",
    )


def light_kl(of: Evidence) -> Finding | None:
    """The KL hardly counts, so that training lowers the bound that is reported."""
    weight = _weight_of_kl(of)
    if weight is None or weight > 0.3 or mean_for_sum(of) is not None:
        return None
    return Finding(
        "the KL weighs too little",
        "fault",
        f"training weighed the KL {weight:.2g} times at its end: its objective is no bound, and the step that was kept "
        "is the best by the bound",
        "take β = 1, or end a warm-up at it; to have sharp codes on purpose, fit a prior to them (aggregate)",
    )


def collapsed(of: Evidence) -> Finding | None:
    """No latent tells examples apart."""
    size, kl = of.evaluation.get("latent_size"), of.evaluation.get("kl")
    if of.evaluation.get("elbo") is None or not size or of.evaluation.get("active_units"):
        return None
    if kl is not None and kl > 0.5:  # the posterior's spread or direction carries what its mean does not
        return None
    return Finding(
        "posterior collapse",
        "fault",
        f"0 of {size} latents are active; the KL is {kl or 0:.3f} nats",
        "warm the KL up, take free bits, a smaller β, a weaker decoder, or a smaller noise of p(x|z)",
    )


def dead_codes(of: Evidence) -> Finding | None:
    """Most codes belong to no example."""
    usage = of.evaluation.get("code_usage")
    if usage is None or usage > 0.3:
        return None
    return Finding(
        "dead codes",
        "fault",
        f"{usage:.0%} of the codes are in use, with a perplexity of {of.evaluation.get('code_perplexity') or 0:.1f}",
        "revive dead codes, start the codebook by k-means, take fewer codes, or a bottleneck without a codebook (fsq)",
    )


def noise(of: Evidence) -> Finding | None:
    """The noise of a normal p(x|z) is far from the residuals."""
    if of.residual is None or 0.4 < of.residual < 2.5:
        return None
    too = "small" if of.residual > 1 else "large"
    return Finding(
        f"the noise of p(x|z) is too {too}",
        "fault",
        f"the squared residuals are {of.residual:.3g} of what the scale of p(x|z) says; 1 is right",
        f"learn the scale with the model, or multiply it by {of.residual**0.5:.2g}; "
        + ("the KL counts too little as it is" if too == "small" else "the KL counts too much as it is"),
    )


def unscaled(of: Evidence) -> Finding | None:
    """The model sees numbers far from those that networks take."""
    if of.values is None:
        return None
    mean, deviation = of.values
    if abs(mean) < 20 and 1e-3 < deviation < 20:
        return None
    return Finding(
        "unscaled data",
        "fault",
        f"the model sees numbers of mean {mean:.3g} and deviation {deviation:.3g}",
        "scale or standardise them: data.scale, data.standardise",
    )


def holes(of: Evidence) -> Finding | None:
    """Draws from the prior fall where the encoder never goes, or codes lie where no draw falls."""
    if of.order is None:
        return None
    in_holes, out = of.order["share_in_holes"], of.order["share_out_of_reach"]
    if in_holes < 0.6 and out < 0.4:
        return None
    return Finding(
        "codes and prior do not meet",
        "fault",
        f"{in_holes:.0%} of the draws from the prior fall into holes between codes, and {out:.0%} of the codes are out "
        "of their reach; 1 % is usual",
        "do not sample from this prior: fit one to the codes (aggregate.with_gaussian_mixture), or weigh the KL more",
    )


def leaked(of: Evidence) -> Finding | None:
    """Rows of another split stand in the training split, too."""
    found = {name: share for name, share in of.shared.items() if share > 0.02}
    if not found:
        return None
    words = ", ".join(f"{share:.1%} of the {name} split" for name, share in found.items())
    return Finding(
        "leaked splits",
        "fault",
        f"{words} are rows of the training split",
        "split the data before they are repeated or augmented; numbers on such a split are too good",
    )


def unbalanced(of: Evidence) -> Finding | None:
    """The classes have other shares in another split than in training."""
    if of.classes is None:
        return None
    train = np.asarray(of.classes["train"])
    for name, counts in of.classes.items():
        table = np.array([train, counts])
        table = table[:, table.sum(axis=0) > 0]
        if name == "train" or table.shape[1] < 2:
            continue
        if float(np.asarray(chi2_contingency(table)[1])) < 1e-6:
            missing = int(((table[0] > 0) & (table[1] == 0)).sum())
            return Finding(
                "unbalanced splits",
                "fault",
                f"the classes of the {name} split have other shares than in training (p < 1e-6); {missing} are missing",
                "draw the splits at random, or class by class: data that are sorted by class are cut between classes",
            )
    return None


def heavy_tails(of: Evidence) -> Finding | None:
    """A few importance weights carry the NLL."""
    share = of.evaluation.get("share_of_heavy_tails")
    if share is None or share < 0.3:
        return None
    return Finding(
        "an NLL that is too high",
        "hint",
        f"the importance weights have heavy tails (k̂ > 0.7) for {share:.0%} of the examples",
        "vae-jax evaluate RUN --proposal fitted, or --certify for bounds",
    )


CHECKS: tuple[Check, ...] = (
    diverged,
    skipped,
    not_learned,
    mean_for_sum,
    collapsed,
    heavy_kl,
    light_kl,
    dead_codes,
    noise,
    unscaled,
    overfitted,
    overfitted_encoder,
    holes,
    leaked,
    unbalanced,
    ended_early,
    heavy_tails,
)
"""In the order in which they are told: what explains others comes first."""


def findings(of: Evidence) -> list[Finding]:
    """All that the checks find, faults first."""
    found = [finding for check in CHECKS if (finding := check(of)) is not None]
    return sorted(found, key=lambda finding: finding.level != "fault")


def _validations(metrics: Sequence[Any]) -> list[float | None]:
    return [line.get("value") for line in metrics if line.get("split") == "validation"]


def _last_trained(metrics: Sequence[Any], name: str, num: int = 5) -> float | None:
    """The mean of the last lines of training."""
    values = [line.get(name) for line in metrics if line.get("split") == "train"][-num:]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _weight_of_kl(of: Evidence) -> float | None:
    value, log_likelihood, kl = (_last_trained(of.metrics, name) for name in ("value", "log_likelihood", "kl"))
    if value is None or log_likelihood is None or kl is None or kl < 1e-3:
        return None
    return (log_likelihood - value) / kl
