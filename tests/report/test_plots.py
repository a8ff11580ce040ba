"""Plots: the same bytes for the same input, whatever is missing, and what they show."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from vae_jax.report import plots
from vae_jax.report.scatter import latent_scatter
from vae_jax.report.theme import DARK, LIGHT

METRICS = [
    {"step": 10, "split": "train", "value": -500.0, "kl": 1.0},
    {"step": 100, "split": "train", "value": -120.0, "kl": 9.0},
    {"step": 100, "split": "validation", "value": -125.0, "kl": 9.5},
    {"step": 200, "split": "train", "value": -100.0, "kl": 11.0},
    {"step": 200, "split": "validation", "value": -110.0, "kl": 11.5},
    {"step": 300, "split": "validation", "value": -112.0},
]
CODES = np.random.default_rng(0).normal(size=(60, 4))


def has_colour(png, colour, more_than=60, tolerance=3):
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    # More than the few pixels that the soft edges of letters pass through.
    return int((np.abs(pixels - wanted).max(axis=-1) <= tolerance).sum()) > more_than


ALL = {
    "curve": lambda theme: plots.learning_curve(METRICS, "value", title="Objective", best_step=200, theme=theme),
    "bars": lambda theme: plots.kl_bars([0.5, 3.0, 0.0], theme=theme),
    "groups": lambda theme: plots.group_bars({"z1": 3.0, "z2": 0.5, "z3": 0.0}, theme=theme),
    "scatter": lambda theme: latent_scatter(CODES, np.arange(60) % 10, theme=theme),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_same_input_gives_the_same_bytes_whatever_the_settings_of_the_machine(name, theme):
    png = ALL[name](theme)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "lines.linewidth": 9, "savefig.dpi": 31}):
        assert ALL[name](theme) == png
    # No date, no version: what is left is the resolution.
    assert set(Image.open(io.BytesIO(png)).info) <= {"dpi"}
    assert has_colour(png, theme.ground)


def test_drawing_changes_nothing_for_the_caller():
    before = dict(matplotlib.rcParams)
    ALL["scatter"](DARK)
    assert dict(matplotlib.rcParams) == before


def test_the_best_step_is_that_of_the_highest_finite_validation_value():
    assert plots.best_validation_step(METRICS) == 200
    assert plots.best_validation_step([*METRICS, {"step": 400, "split": "validation", "value": float("nan")}]) == 200
    assert plots.best_validation_step([line for line in METRICS if line["split"] == "train"]) is None


def test_the_best_step_is_marked():
    unmarked = plots.learning_curve(METRICS, "value", title="Objective")
    assert unmarked is not None
    assert not has_colour(unmarked, LIGHT.mark)
    assert has_colour(ALL["curve"](LIGHT), LIGHT.mark)


@pytest.mark.parametrize(
    "metrics",
    [
        METRICS[:1],
        METRICS[2:3],
        [{"step": 0, "split": "validation", "value": -1.0}],
        [{"step": 5, "split": "train", "value": None}, *METRICS],
        [{"step": step, "split": "train", "value": -float(step % 7)} for step in range(1_000)],
        [{"step": step, "split": "train", "value": 2.0} for step in range(9)],
    ],
)
def test_few_many_constant_and_absent_numbers_are_drawn(metrics):
    assert plots.learning_curve(metrics, "value", title="Objective", best_step=0) is not None


def test_a_quantity_that_no_line_has_gives_no_plot():
    assert plots.learning_curve(METRICS, "squared_error", title="Squared error") is None
    assert plots.learning_curve([], "value", title="Objective") is None


def test_long_runs_are_averaged_without_losing_the_mean():
    steps, values = np.arange(1_000), np.random.default_rng(0).normal(size=1_000)
    fewer_steps, fewer = plots._averaged(steps, values)
    assert len(fewer) == 200
    np.testing.assert_allclose(fewer, values.reshape(200, 5).mean(axis=1))
    np.testing.assert_allclose(fewer_steps, steps.reshape(200, 5).mean(axis=1))


def test_bars_show_active_and_unused_dimensions_apart():
    all_active = plots.kl_bars([1.0, 2.0])
    assert has_colour(all_active, LIGHT.accent, 2_000)
    assert not has_colour(all_active, LIGHT.quiet, 2_000)
    some = plots.kl_bars([1.0, 2.0, 0.5], active_units=2)
    assert has_colour(some, LIGHT.accent, 2_000)
    assert has_colour(some, LIGHT.quiet, 2_000)
    assert plots.kl_bars(np.linspace(0, 1, 200)) != plots.kl_bars(np.zeros(200))


def test_bars_of_groups_are_in_the_order_of_their_names():
    """Not in the order of the mapping; many of them fit, and one that is not a number is drawn as none."""
    some = plots.group_bars({"z1": 3.0, "z2": 0.5})
    assert plots.group_bars({"z2": 0.5, "z1": 3.0}) == some
    assert plots.group_bars({"z1": 0.5, "z2": 3.0}) != some
    assert has_colour(some, LIGHT.accent)
    assert not has_colour(plots.group_bars({f"{i:02}": np.nan for i in range(48)}), LIGHT.accent)


@pytest.mark.parametrize(
    "labels",
    [
        None,
        np.arange(60) % 3,
        np.arange(60) % 37,
        np.linspace(0, 1, 60),
        np.array(["cat", "dog"] * 30),
        np.zeros(60, bool),
    ],
)
def test_codes_are_drawn_with_any_labels(labels):
    assert latent_scatter(CODES, labels, dimensions=(3, 1)).startswith(b"\x89PNG")
