"""What a sweep's page is computed from: scales, views, the plane, the front, importance, the table."""

import math

import made_up_sweep as made_up
import numpy as np
import pytest

from vae_jax.ranking import RunRecord, rank
from vae_jax.report.sweep.curves import validation_curve
from vae_jax.report.sweep.curves import view as view_of_curves
from vae_jax.report.sweep.fields import view
from vae_jax.report.sweep.groups import along, are_lines
from vae_jax.report.sweep.headlines import seed_deviation, sweep_headlines
from vae_jax.report.sweep.importance import importance
from vae_jax.report.sweep.parallel import line_heights, smooth
from vae_jax.report.sweep.pareto import pareto_front
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.rate_distortion import elbo_levels, rate_distortion
from vae_jax.report.sweep.scale import scale_of, value_words
from vae_jax.report.sweep.settings import search_settings
from vae_jax.report.sweep.table import BAR_WIDTH, entries, other_numbers


def scales_of(records, *names):
    return [scale_of(name, [record.fields[name] for record in records]) for name in names]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, 2.0, 4.0, 8.0], "log"),
        ([1e-4, 3e-4, 1e-3], "log"),
        (list(np.geomspace(0.01, 1, 50)), "log"),
        ([8, 16], "linear"),
        ([1e-4, 1e-2], "log"),
        ([10, 20, 30, 40], "linear"),
        (list(np.linspace(0.01, 1, 50)), "linear"),
        ([0.0, 0.1, 1.0], "linear"),
        ([-1.0, 10.0, 100.0], "linear"),
        ([3.0], "linear"),
        (["relu", "gelu"], "classes"),
        ([[512], [512, 256]], "classes"),
        ([True, False], "classes"),
        ([None, 10], "classes"),
    ],
)
def test_a_field_has_the_axis_that_its_values_are_spread_on(values, kind):
    scale = scale_of("field", values * 2)
    assert scale.kind == kind
    assert len(scale.values) == len(values)
    places = [scale.place(value) for value in scale.values]
    assert places == sorted(places)
    assert all(0 <= scale.fraction(value) <= 1 for value in values)
    ticks = scale.ticks()
    assert len(ticks) <= max(8, len(values)) if kind != "classes" else len(ticks) == len(values)
    assert all(scale.ends[0] - 1e-9 <= at <= scale.ends[1] + 1e-9 for at, _ in ticks)


def test_ticks_are_the_values_where_few_and_round_numbers_where_many():
    assert scale_of("beta", made_up.BETAS).ticks() == [
        (0.0, "1"),
        (math.log10(2), "2"),
        (math.log10(4), "4"),
        (math.log10(8), "8"),
    ]
    decades = scale_of("x", np.geomspace(0.9e-4, 1.1e-1, 40).tolist()).ticks()
    assert [words for _, words in decades] == ["0.0001", "0.001", "0.01", "0.1"]
    np.testing.assert_allclose([at for at, _ in decades], [-4, -3, -2, -1])
    assert [words for _, words in scale_of("x", list(range(101))).ticks()] == ["0", "20", "40", "60", "80", "100"]


def test_a_negative_exponent_is_not_a_negative_number():
    assert value_words(1e-7) == "1e-7"
    assert value_words(-0.5) == "−0.5"
    assert value_words(-2.5e-7) == "−2.5e-7"
    assert value_words(123456.789) == "123457"


def test_rows_along_a_field_differ_in_it_alone():
    records = made_up.grid()
    beta, rate = scales_of(records, "beta", "learning_rate")
    groups = along(rank(records, "nll"), beta, [rate])
    assert are_lines(groups)
    assert [[row.fields["beta"] for row in group] for group in groups] == [list(made_up.BETAS)] * 4
    assert {row.fields["learning_rate"] for row in groups[0]} == {made_up.BEST_RATE}
    drawn = made_up.search(40)
    scales = scales_of(drawn, "beta", "learning_rate", "dropout")
    assert not are_lines(along(rank(drawn, "nll"), scales[0], scales[1:]))


def test_a_view_holds_the_best_and_leaves_out_what_is_far_worse():
    many = [100.0 + i for i in range(20)] + [1e6]
    low, high = view(many, "nll")
    assert low < 100 < 119 < high < 200
    assert view([-value for value in many], "elbo") == pytest.approx((-high, -low))
    few_low, few_high = view([100.0, 105.0, 160.0], "nll")
    assert few_low < 100 < 160 < few_high
    assert view([3.0], "nll")[0] < 3 < view([3.0], "nll")[1]
    assert view([100.0, 101.0, 150.0, 160.0], "nll", stressed=[100.0, 101.0])[1] < 150


def test_curves_are_shown_from_where_most_of_them_settle():
    steps = np.arange(0, 1001, 100)
    good = [np.column_stack([steps, -100 - offset - 400 * np.exp(-steps / 50)]) for offset in (0.0, 2.0, 4.0)]
    low, high = view_of_curves([*good, np.column_stack([steps, np.full(11, -1e6)])])
    assert -1000 < low < -104
    assert high > -100
    low, high = view_of_curves(good)
    assert low < -104 < -100 < high


def test_a_curve_holds_finite_validation_values_only():
    lines = [
        {"step": 0, "split": "validation", "value": -5.0},
        {"step": 1, "split": "train", "value": -4.0},
        {"step": 2, "split": "validation", "value": None},
        {"step": 3, "split": "validation", "value": math.nan},
        {"step": 4, "split": "validation", "value": -3.0},
    ]
    assert validation_curve(RunRecord("a", {}, lines, None, "diverged")).tolist() == [[0, -5], [4, -3]]


# The plane of rate and distortion


def test_the_plane_is_where_the_formula_puts_it():
    records = [made_up.record(str(beta), {"beta": beta}) for beta in made_up.BETAS]
    plane = rate_distortion(rank(records, "elbo"))
    found = {row.fields["beta"]: (rate, distortion) for row, rate, distortion in zip(*plane[:3], strict=True)}
    for beta in made_up.BETAS:
        assert found[beta] == pytest.approx(made_up.frontier(beta))
    assert plane.is_evaluation


def test_a_point_lies_on_the_line_of_its_own_elbo():
    """The ELBO of an evaluation, its own key, is minus distortion minus rate."""
    plane = rate_distortion(rank(made_up.grid(1), "nll"))
    for row, rate, distortion in zip(*plane[:3], strict=True):
        assert -distortion - rate == pytest.approx(row.records[0].evaluation["elbo"])


def test_the_levels_are_round_and_inside():
    levels = elbo_levels((0.0, 40.0), (60.0, 160.0))
    assert levels == [-180.0, -160.0, -140.0, -120.0, -100.0, -80.0]
    for rate, distortion in (((3.1, 3.2), (-900.0, -890.0)), ((0.0, 1e-3), (0.5, 0.6)), ((10.0, 900.0), (0.0, 2.0))):
        levels = elbo_levels(rate, distortion)
        assert 2 <= len(levels) <= 8
        assert all(-distortion[1] - rate[1] < level < -distortion[0] - rate[0] for level in levels)


def test_the_plane_holds_no_two_origins():
    records = made_up.four()
    only_validated = [record._replace(evaluation=None) for record in records]
    assert not rate_distortion(rank(only_validated, "value")).is_evaluation
    mixed = rate_distortion(rank([*only_validated[:1], *records[1:]], "value"))
    assert len(mixed.rows) == 4  # all were validated
    assert not mixed.is_evaluation


def test_the_plane_leaves_out_what_did_not_finish_or_has_no_numbers():
    records = made_up.four()
    stopped = made_up.record("s", {"beta": 3.0}, state="stopped")
    diverged = made_up.record("d", {"beta": 5.0}, state="diverged")
    without = made_up.record("w", {"beta": 6.0}, state="waiting")
    assert len(rate_distortion(rank([*records, stopped, diverged, without], "elbo")).rows) == 4
    assert (
        len(
            rate_distortion(
                rank([stopped, made_up.record("t", {"beta": 1.0}, state="stopped"), diverged], "value")
            ).rows
        )
        == 2
    )


def test_a_rate_of_zero_is_a_number():
    collapsed = made_up.record("c", {"beta": 20.0})
    collapsed = collapsed._replace(evaluation=collapsed.evaluation | {"kl": 0.0})
    assert 0.0 in rate_distortion(rank([collapsed, *made_up.four()], "elbo")).rate


def test_one_place_is_no_plane():
    assert rate_distortion(rank(made_up.named(), "nll")) is None
    assert rate_distortion(rank(made_up.one(), "nll")) is None
    assert rate_distortion([]) is None


# The front of two objectives


def test_the_front_is_what_nobody_beats():
    rng = np.random.default_rng(0)
    nll, units = rng.normal(size=60), rng.integers(0, 9, 60).astype(float)
    front = pareto_front(nll, units, ("nll", "active_units"))
    for i in range(60):
        better = (nll <= nll[i]) & (units >= units[i]) & ((nll < nll[i]) | (units > units[i]))
        assert (i in front) == (not better.any())
    assert list(nll[front]) == sorted(nll[front])
    assert list(units[front]) == sorted(units[front])
    assert pareto_front([1.0, 1.0], [2.0, 2.0], ("nll", "kl")) == [0, 1]


# Importance


def test_importance_finds_the_field_that_matters_and_not_the_noise():
    records = made_up.search(80)
    scales = scales_of(records, "dropout", "learning_rate", "beta")
    found = importance(records, scales, "nll")
    mean = dict(zip(found.names, found.mean, strict=True))
    deviation = dict(zip(found.names, found.deviation, strict=True))
    assert found.names[0] == "beta"
    assert mean["beta"] > 5
    assert mean["beta"] - deviation["beta"] > mean["learning_rate"] + deviation["learning_rate"]
    assert abs(mean["dropout"]) < 0.02 * mean["beta"]
    assert 0.8 < found.explained <= 1
    assert found.num_lanes == sum(record.evaluation is not None for record in records)
    assert importance(records, scales, "nll") == found


def test_importance_of_fields_that_do_nothing_is_not_told():
    rng = np.random.default_rng(1)
    records = [
        RunRecord(str(i), {"a": float(rng.uniform()), "b": i % 3}, [], {"nll": float(rng.normal())}, "finished")
        for i in range(40)
    ]
    assert importance(records, scales_of(records, "a", "b"), "nll") is None


def test_importance_takes_enough_lanes_two_fields_and_a_number_that_varies():
    records = made_up.search(80)
    scales = scales_of(records, "beta", "learning_rate")
    assert importance(records[:12], scales, "nll") is None
    assert importance(records, scales[:1], "nll") is None
    same = [record._replace(evaluation={"nll": 1.0}) for record in records]
    assert importance(same, scales, "nll") is None
    assert importance([record._replace(state="diverged") for record in records], scales, "nll") is None


# Parallel coordinates


def test_lines_cross_each_axis_at_their_value():
    records = made_up.four()
    (beta,) = scales_of(records, "beta")
    heights = line_heights(rank(records, "nll"), [beta], worst=200.0, best=100.0)
    np.testing.assert_allclose(heights[:, 0], [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(heights[:, 1], [(200 - record.evaluation["nll"]) / 100 for record in records])
    assert line_heights(rank(records, "nll"), [beta], worst=110.0, best=100.0)[-1, 1] == 0  # far worse: at the foot
    curve = smooth(heights[0], num=5)
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == pytest.approx([1, heights[0, 1]])


def test_rows_of_one_value_are_spread_a_little_the_better_higher():
    records = made_up.grid(1)
    scales = scales_of(records, "beta", "learning_rate")
    heights = line_heights(rank(records, "nll"), scales, worst=200.0, best=100.0)
    assert len(np.unique(heights[:, 0])) == 16
    best_of_beta = heights[:4, 0]
    assert abs(heights[:, 0] - np.rint(3 * heights[:, 0]) / 3).max() <= 0.04
    assert best_of_beta[0] == max(height for height in heights[:, 0] if height < 0.1)


# Headlines, the table, the search


def test_the_noise_of_seeds_is_pooled_over_settings():
    values = {1.0: [100.0, 102.0], 2.0: [110.0, 111.0, 115.0], 4.0: [130.0]}
    records = [
        RunRecord(f"{beta}-{i}", {"beta": beta, "seed": i}, [], {"nll": value}, "finished")
        for beta, seeds in values.items()
        for i, value in enumerate(seeds)
    ]
    expected = math.sqrt((1 * np.var([100, 102], ddof=1) + 2 * np.var([110, 111, 115], ddof=1)) / 3)
    assert seed_deviation(rank(records, "nll")) == pytest.approx(expected)
    assert seed_deviation(rank(records[-1:], "nll")) is None


def test_headlines_count_every_lane_once():
    records = made_up.named()
    scales = scales_of(records, "activation", "hidden_sizes")
    found = {one.name: one for one in sweep_headlines(records, rank(records, "nll"), scales, "nll")}
    counts = {name: int(found[name].value) for name in ("Finished", "Stopped", "Diverged", "Running", "Waiting")}
    assert counts == {"Finished": 8, "Stopped": 1, "Diverged": 1, "Running": 1, "Waiting": 1}
    assert found["Lanes"].value == "12"
    assert "activation gelu, hidden sizes 512" in found["−log p(x)"].meaning


def test_the_table_says_mean_error_and_where_the_lanes_are():
    records = made_up.grid(states={13: "diverged"})
    rows = rank(records, "nll")
    scales = scales_of(records, "beta", "learning_rate")
    others = other_numbers(rows, "nll")
    assert others == ["elbo", "kl", "active_units"]
    table = entries(rows, scales, "nll", others, {"0008", "0009"}, len(rows))
    best = [record.evaluation["nll"] for record in records[8:12]]
    assert table[0].fields == ["1", "0.001"]
    assert table[0].value == f"{np.mean(best):.2f}"
    assert table[0].error == f"± {np.std(best, ddof=1) / 2:.2f}"
    links = {lane.name: lane.link for lane in table[0].lanes}
    assert links == {"0008": "lanes/0008/report.html", "0009": "lanes/0009/report.html", "0010": None, "0011": None}
    (diverged,) = [entry for entry in table if entry.states]
    assert diverged.states == "1 diverged"
    assert len(diverged.lanes) == 4
    bars = [entry.bar for entry in table]
    assert [bar.at for bar in bars] == sorted(bar.at for bar in bars)
    assert all(0 <= bar.low <= bar.at <= bar.high <= BAR_WIDTH for bar in bars)


def test_a_row_is_of_the_runs_in_its_mean():
    """A stopped run without the metric is not in the other numbers either."""
    records = [made_up.record("a", {"seed": 0}), made_up.record("b", {"seed": 1}, state="stopped")]
    (entry,) = entries(rank(records, "nll"), [], "nll", ["kl"], set(), 1)
    assert entry.others == [f"{made_up.frontier(1.0)[0]:.2f}"]


def test_a_name_cannot_lead_out_of_the_lanes():
    (entry,) = entries(rank([made_up.record('a" x="?#', {})], "nll"), [], "nll", [], {'a" x="?#'}, 1)
    assert entry.lanes[0].link == "lanes/a%22%20x%3D%22%3F%23/report.html"


def test_the_address_of_a_storage_is_not_told():
    shown = search_settings({"sampler": "tpe", "storage": "mysql://me:secret@host/db", "objectives": ("nll", "kl")})
    assert shown == {"Sampler": "tpe", "Objectives": "−log p(x), KL", "Storage": "mysql"}
    assert search_settings(None) == search_settings({"sampler": None}) == {}


def test_unknown_metrics_have_a_name_too():
    assert quantity_of("mig").title == "Mig"
    assert quantity_of("nll").show(None) == "—"
