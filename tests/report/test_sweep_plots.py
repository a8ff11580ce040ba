"""The plots of a sweep: the same bytes for the same input, what is drawn from what, and nothing that breaks them."""

import io

import made_up_sweep as made_up
import matplotlib
import numpy as np
import pytest
from PIL import Image

from vae_jax.ranking import rank
from vae_jax.report.sweep import fields as fields_module
from vae_jax.report.sweep import rate_distortion as plane_module
from vae_jax.report.sweep.colours import colour_of
from vae_jax.report.sweep.curves import lane_curves
from vae_jax.report.sweep.fields import field_plot
from vae_jax.report.sweep.importance import Importance, importance_bars
from vae_jax.report.sweep.parallel import parallel_coordinates
from vae_jax.report.sweep.pareto import pareto_plot
from vae_jax.report.sweep.rate_distortion import elbo_levels, rate_distortion, rate_distortion_plot
from vae_jax.report.sweep.scale import scale_of
from vae_jax.report.theme import DARK, LIGHT

GRID = made_up.grid(2, states={5: "stopped", 9: "diverged"})
FOUND = Importance(["beta", "dropout"], [5.0, -0.01], [1.0, 0.1], 0.9, 60)


def scales_of(records, *names):
    return [scale_of(name, [record.fields[name] for record in records]) for name in names]


BETA, RATE = scales_of(GRID, "beta", "learning_rate")
ALL = {
    "curves": lambda theme: lane_curves(GRID, BETA, best="0004", theme=theme),
    "field": lambda theme: field_plot(rank(GRID, "nll"), BETA, [RATE], "nll", theme=theme),
    "parallel": lambda theme: parallel_coordinates(rank(GRID, "nll"), [BETA, RATE], "nll", theme=theme),
    "plane": lambda theme: rate_distortion_plot(rate_distortion(rank(GRID, "nll")), [BETA, RATE], theme=theme),
    "front": lambda theme: pareto_plot(rank(GRID, "nll"), ("nll", "kl"), theme=theme),
    "importance": lambda theme: importance_bars(FOUND, "nll", theme=theme),
}


def count(png, colour, tolerance=3):
    """How many pixels have a colour."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels - wanted).max(axis=-1) <= tolerance).sum())


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_same_input_gives_the_same_bytes_whatever_the_settings_of_the_machine(name, theme):
    before, png = dict(matplotlib.rcParams), ALL[name](theme)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "lines.linewidth": 9, "savefig.dpi": 31}):
        assert ALL[name](theme) == png
    assert dict(matplotlib.rcParams) == before
    assert set(Image.open(io.BytesIO(png)).info) <= {"dpi"}
    # The ground is exactly the page's, or the plot would stand in a box.
    size = Image.open(io.BytesIO(png)).size
    assert count(png, theme.ground, tolerance=0) > 0.3 * size[0] * size[1]


def test_lanes_have_the_colours_of_their_field():
    png = lane_curves(GRID, BETA, theme=LIGHT)
    assert len({colour_of(BETA, value, LIGHT) for value in made_up.BETAS}) == 4
    for value in made_up.BETAS:
        assert count(png, colour_of(BETA, value, LIGHT), 40) > 300
    named = made_up.named()
    (activation,) = scales_of(named, "activation")
    for value in activation.values:
        assert count(lane_curves(named, activation), colour_of(activation, value, LIGHT), 20) > 300


def test_the_best_and_the_diverged_lane_are_marked():
    finished = made_up.grid(2)
    plain = lane_curves(finished, BETA)
    assert count(plain, LIGHT.mark) == 0
    assert count(lane_curves(finished, BETA, best="0004"), LIGHT.mark) > 100
    assert count(lane_curves(made_up.grid(2, states={9: "diverged"}), BETA), LIGHT.mark) > 40
    stopped = lane_curves(made_up.grid(2, states={9: "stopped"}), BETA)
    assert stopped != plain
    assert count(stopped, LIGHT.mark) == 0


def test_what_was_not_validated_has_no_curves():
    assert lane_curves([], None) is None
    assert lane_curves([made_up.record("a", {}, state="waiting")], None) is None


@pytest.mark.parametrize("num", [1, 2, 512])
def test_any_number_of_lanes_is_drawn(num):
    records = made_up.search(512)[:num]
    scales = scales_of(records, "beta", "learning_rate", "dropout")
    rows = [row for row in rank(records, "nll") if row.mean is not None]
    assert lane_curves(records, scales[0], best=records[0].name).startswith(b"\x89PNG")
    assert field_plot(rows, scales[0], scales[1:], "nll").startswith(b"\x89PNG")
    assert parallel_coordinates(rows, scales, "nll").startswith(b"\x89PNG")


def test_a_line_goes_through_the_means_with_a_band_of_one_standard_error(monkeypatch):
    """What is drawn, read from the axes before they become pixels."""
    drawn = []
    monkeypatch.setattr(fields_module, "to_png", lambda figure: drawn.append(figure.axes[0]) or b"")
    rows = rank(made_up.grid(4), "nll")
    field_plot(rows, BETA, [RATE], "nll")
    (axes,) = drawn
    assert len(axes.collections) == 4  # a band for each learning rate
    of_best = {row.fields["beta"]: row for row in rows if row.fields["learning_rate"] == made_up.BEST_RATE}
    x, y = axes.lines[3].get_data()
    np.testing.assert_allclose(x, np.log10(made_up.BETAS))
    np.testing.assert_allclose(y, [of_best[beta].mean for beta in made_up.BETAS])
    band = axes.collections[3].get_paths()[0].vertices
    for place, beta in zip(x, made_up.BETAS, strict=True):
        heights = band[np.isclose(band[:, 0], place), 1]
        row = of_best[beta]
        np.testing.assert_allclose(
            [heights.min(), heights.max()], [row.mean - row.standard_error, row.mean + row.standard_error]
        )


def test_the_lines_of_the_plane_are_of_constant_elbo(monkeypatch):
    drawn = []
    monkeypatch.setattr(plane_module, "to_png", lambda figure: drawn.append(figure.axes[0]) or b"")
    plane = rate_distortion(rank(made_up.four(), "nll"))
    rate_distortion_plot(plane, scales_of(made_up.four(), "beta"))
    (axes,) = drawn
    levels = elbo_levels(axes.get_xlim(), axes.get_ylim())
    assert len(levels) >= 3
    for level, line in zip(levels, axes.lines, strict=False):
        rate, distortion = line.get_data()
        np.testing.assert_allclose(-(rate + distortion), level)
    said = [text.get_text() for text in axes.texts if text.get_text().startswith("ELBO")]
    assert said == [f"ELBO −{-level:.0f}" for level in levels]
    points = axes.collections[0].get_offsets()
    np.testing.assert_allclose(points, np.column_stack([plane.rate, plane.distortion]))


def test_the_best_tenth_is_in_colour():
    records = made_up.search(100)
    scales = scales_of(records, "beta", "learning_rate", "dropout")
    rows = rank(records, "nll")
    png = parallel_coordinates(rows, scales, "nll")
    assert count(png, LIGHT.accent, 60) > 2_000
    assert count(png, LIGHT.mark, 10) > 2_000


def test_a_front_needs_two_settings_with_both_numbers():
    assert pareto_plot(rank(made_up.one(), "nll"), ("nll", "kl")) is None
    assert pareto_plot(rank(made_up.four(), "nll"), ("nll", "mig")) is None
    assert pareto_plot([], ("nll", "kl")) is None


@pytest.mark.filterwarnings("error")
def test_many_long_values_have_room():
    records = made_up.wide()
    names = [name for name in records[0].fields if "size" in name]
    scales = scales_of(records, *names)
    rows = rank(records, "elbo")
    classes = next(scale for scale in scales if scale.kind == "classes")
    assert field_plot(rows, classes, [], "elbo").startswith(b"\x89PNG")
    assert lane_curves(records, classes).startswith(b"\x89PNG")
    assert parallel_coordinates(rows, scales, "elbo").startswith(b"\x89PNG")
