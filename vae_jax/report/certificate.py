"""A certificate in words and in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from vae_jax.evaluation.evidence.certificate import ANNEALED, ENCODER, FITTED, in_digits
from vae_jax.report.labels import name_plot
from vae_jax.report.picture import Picture
from vae_jax.report.theme import DARK, LIGHT, Theme, plot, to_png


class Row(NamedTuple):
    """An estimate of the mean log p(x)."""

    name: str
    value: str
    """In nats per example, with as many digits as its error supports."""
    remark: str
    """The settings it was made with, and whether to trust it."""


NAMES = {
    ENCODER: "importance sampling, draws from the encoder's q(z|x)",
    FITTED: "importance sampling, a normal q fitted to each example",
    ANNEALED: "annealed importance sampling",
}


def rows(certificate: Mapping[str, Any], of: str) -> list[Row]:
    """A row for each estimate.

    Args:
        certificate: The contents of a `certificate.json`.
        of: "real" or "simulated".
    """
    summary = certificate[of]
    found = [Row(NAMES[name], _value(each), _remark(certificate, each)) for name, each in summary["estimates"].items()]
    if summary["thermodynamic"] is not None:
        error = summary["estimates"][ANNEALED]["error"]
        value = in_digits(summary["thermodynamic"], error).split(" ")[0]
        found.append(Row("thermodynamic integration", value, "the same chains; no bound"))
    return [Row(row.name, row.value.replace("-", "−"), row.remark) for row in found]


def sentences(certificate: Mapping[str, Any]) -> list[str]:
    """All that the numbers say together, and what was left out."""
    said = []
    if gap := certificate["real"]["gap"]:
        whole = gap["approximation"] + gap["amortisation"]
        said.append(
            f"The ELBO is {whole:.2f} nats below the greatest estimate: {gap['approximation']:.2f} because q(z|x) is "
            f"taken for a normal, {gap['amortisation']:.2f} because one encoder serves all examples."
        )
    said.append(
        "All estimates of real examples are too low in expectation, so the greatest is the nearest; nothing bounds "
        "them from above."
    )
    own = certificate["simulated"]
    if own and own["interval"]:
        lower, upper = own["interval"]
        places = max(0, min(4, -int(np.floor(np.log10(max(upper - lower, 1e-4))))))
        said.append(
            f"For {certificate['num_examples']:,} examples that the model drew itself, log p(x) is between "
            f"{lower:.{places}f} and {upper:.{places}f} nats with 99 % confidence: so near do these settings come."
        )
    return [sentence.replace("-", "−") if "between" in sentence else sentence for sentence in said] + list(
        certificate["notes"]
    )


def gap_bars(certificate: Mapping[str, Any]) -> Picture | None:
    """The gap between log p(x) and the ELBO, taken apart; None where it could not be."""
    if not (gap := certificate["real"]["gap"]):
        return None
    light, dark = (_gap_bars(gap, theme) for theme in (LIGHT, DARK))
    return Picture(light, "The gap of the ELBO", GAP, dark)


GAP = (
    "From log p(x), estimated, down to the ELBO. Approximation is what a normal q(z|x) costs even where it is fitted "
    "to each example alone: a richer family closes it. Amortisation is what the encoder costs beyond: a larger "
    "encoder, or longer training, closes it."
)


def _gap_bars(gap: Mapping[str, float], theme: Theme) -> bytes:
    parts = {"approximation": (gap["approximation"], theme.accent), "amortisation": (gap["amortisation"], theme.mark)}
    with plot(theme, 460, 150) as (figure, axes):
        name_plot(figure, "log p(x) − ELBO (nats per example)")
        for place, (size, colour) in enumerate(parts.values()):
            axes.barh(place, size, color=colour, height=0.55)
            axes.annotate(
                f"{size:.2f}".replace("-", "−"),
                (max(size, 0), place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=theme.ink,
            )
        axes.set_yticks(range(len(parts)), list(parts))
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.12)
        axes.set_xlim(left=min(0, gap["amortisation"] * 1.2))
        return to_png(figure)


def _value(estimate: Mapping[str, Any]) -> str:
    return in_digits(estimate["log_likelihood"], estimate["error"])


def _remark(certificate: Mapping[str, Any], estimate: Mapping[str, Any]) -> str:
    if "is_trusted" not in estimate:
        annealing = certificate["annealing"]
        return (
            f"{annealing['chains']:,} chains, {annealing['temperatures']:,} temperatures; "
            f"{estimate['acceptance']:.0%} accepted"
        )
    samples = f"{certificate['num_samples']:,} samples, worth {estimate['effective_sample_size']:,.0f}"
    share = estimate["share_of_heavy_tails"]
    if share is None:
        return f"{samples}: too few to tell the tails of their weights"
    trust = "" if estimate["is_trusted"] else ": too low, and by more than its error says"
    return f"{samples}; weights with heavy tails (k̂ > 0.7) for {share:.0%}{trust}"
