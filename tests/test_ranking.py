"""Ranking runs: which is best, and how sure that is, against numbers worked out by hand and by numpy."""

import math
import subprocess
import sys

import numpy as np
import pytest

from vae_jax.ranking import (
    LOWER_IS_BETTER,
    RunRecord,
    best_validation,
    default_metric,
    lower_is_better,
    mean_and_standard_error,
    metric_names,
    metric_of,
    over_seeds,
    rank,
    swept_fields,
)


def run(name="run", evaluation=None, state="finished", metrics=(), **fields):
    return RunRecord(name, fields, metrics, evaluation, state)


def validated(*values, **others):
    return [{"step": step, "split": "validation", "value": value} | others for step, value in enumerate(values)]


# Means and standard errors


def test_a_standard_error_worked_out_by_hand():
    """Of 2, 4, 4, 4, 5, 5, 7, 9: the mean is 5, the squares about it sum to 32, and √(32 / (8 · 7)) = √(4 / 7)."""
    assert mean_and_standard_error([2, 4, 4, 4, 5, 5, 7, 9]) == (5, math.sqrt(4 / 7), 8)


@pytest.mark.parametrize("num", [2, 3, 10, 1_000])
def test_a_standard_error_against_numpy_far_from_zero(num):
    values = 1e6 + np.random.default_rng(num).normal(size=num)
    mean, error, counted = mean_and_standard_error(values.tolist())
    np.testing.assert_allclose(mean, values.mean(), rtol=1e-14)
    np.testing.assert_allclose(error, values.std(ddof=1) / np.sqrt(num), rtol=1e-9)
    assert counted == num


def test_one_value_has_no_error_and_none_no_mean():
    assert mean_and_standard_error([3.0]) == (3.0, None, 1)
    assert mean_and_standard_error([]) == (None, None, 0)


def test_a_repeated_seed_is_one_seed():
    """Seeds 0, 0, 1 with 1, 3, 4 are 2 and 4, of mean 3 and error 1; three seeds would be 8/3 ± 0.88."""
    records = [run(seed=seed, evaluation={"nll": nll}) for seed, nll in ((0, 1.0), (0, 3.0), (1, 4.0))]
    assert over_seeds(records, "nll") == (3.0, 1.0, 2)
    (row,) = rank(records, "nll")
    assert (row.mean, row.standard_error, row.num_seeds, row.values) == (3.0, 1.0, 2, (1.0, 3.0, 4.0))


def test_runs_without_a_seed_are_of_one_seed():
    assert over_seeds([run(beta=1.0, evaluation={"nll": nll}) for nll in (1.0, 3.0)], "nll") == (2.0, None, 1)


# What a metric is


def test_the_evaluation_comes_before_its_measures_and_those_before_the_best_validation():
    record = run(
        evaluation={"kl": 1.0, "measures": {"kl": 2.0, "angle": 3.0}},
        metrics=validated(-5.0, -4.0, kl=4.0, angle=5.0, grey=6.0),
    )
    assert [metric_of(record, name) for name in ("kl", "angle", "grey", "value", "blue")] == [1, 3, 6, -4, None]


def test_the_best_validation_is_of_the_greatest_value_and_the_first_of_its_like():
    lines = [*validated(-5.0, -3.0, None, -3.0, -4.0), {"step": 9, "split": "train", "value": 0.0}]
    assert best_validation(run(metrics=lines)) == {"step": 1, "split": "validation", "value": -3.0}
    assert best_validation(run(metrics=validated(None, None))) is None
    assert best_validation(run()) is None


def test_a_loss_is_of_the_best_validation_and_not_the_least():
    """The step that was kept had a KL of 7: the 1 of another step is of parameters that nobody will use."""
    lines = validated(-5.0, kl=1.0) + validated(-4.0, kl=7.0)
    assert metric_of(run(metrics=lines), "kl") == 7.0


@pytest.mark.parametrize("value", [None, math.nan, math.inf, True, "1.0", [1.0]])
def test_what_is_no_number_is_no_metric(value):
    record = run(evaluation={"nll": value})
    assert metric_of(record, "nll") is None
    assert metric_names([record]) == []


def test_the_names_of_metrics_are_those_of_any_run():
    records = [
        run(metrics=validated(-1.0, kl=2.0)),
        run(evaluation={"nll": 1.0, "nll_standard_error": 0.1, "num_samples": 9, "seed": 0, "measures": {"angle": 1}}),
    ]
    assert metric_names(records) == ["value", "kl", "nll", "angle"]


@pytest.mark.parametrize(
    ("evaluations", "metric"),
    [
        ([{"nll": 1.0, "elbo": -2.0}] * 2, "nll"),
        ([{"nll": 1.0, "elbo": -2.0}, {"nll": None, "elbo": -2.0}], "elbo"),
        ([{"nll": 1.0, "elbo": -2.0}, {"squared_error": 1.0}], "value"),
        ([{"nll": 1.0}, {"elbo": -1.0}], "value"),
        ([{"nll": 1.0}, None], "nll"),
        ([None], "value"),
        ([], "value"),
    ],
)
def test_the_default_metric_is_one_that_all_have(evaluations, metric):
    """None stands for a run that has not begun."""
    records = [run(evaluation=evaluation) for evaluation in evaluations]
    assert default_metric(records) == metric
    assert default_metric([*records, run(state="diverged", metrics=validated(-1e9))]) == metric


def test_a_running_one_has_a_say_in_the_default_metric():
    assert default_metric([run(evaluation={"nll": 1.0}), run(state="running", metrics=validated(-1.0))]) == "value"


# Which fields


def test_swept_fields_are_in_order_and_the_seed_is_last():
    records = [run(seed=seed, alpha=1, gamma=seed, beta=seed % 2) for seed in range(3)]
    assert swept_fields(records) == ["gamma", "beta", "seed"]
    assert swept_fields(records[:1]) == swept_fields([]) == []


def test_lists_and_tuples_are_alike_and_missing_fields_are_no_difference():
    assert swept_fields([run(sizes=[1, 2]), run(sizes=(1, 2), depth=3)]) == []
    assert swept_fields([run(sizes=[1, 2]), run(sizes=[2, 1], depth=3), run(sizes=[1, 2], depth=4)]) == [
        "sizes",
        "depth",
    ]


# Rows and their order


def three(metric):
    return [run(str(value), beta=value, evaluation={metric: value}) for value in (2.0, 1.0, 3.0)]


def test_lower_or_higher_is_better():
    assert [row.mean for row in rank(three("nll"), "nll")] == [1, 2, 3]
    assert [row.mean for row in rank(three("elbo"), "elbo")] == [3, 2, 1]
    assert all(map(lower_is_better, LOWER_IS_BETTER))
    assert not any(map(lower_is_better, ("elbo", "value", "log_likelihood", "active_units")))


def test_a_row_has_the_runs_that_differ_in_their_seed_alone():
    records = [
        run(f"{beta}/{seed}", beta=beta, sizes=[8], seed=seed, evaluation={"nll": 10 * beta + seed})
        for seed in range(4)
        for beta in (2, 1)
    ]
    first, second = rank(records, "nll")
    assert first.fields == {"beta": 1, "sizes": [8]}
    assert first.names == ("1/0", "1/1", "1/2", "1/3")
    assert first.values == (10, 11, 12, 13)
    assert first.mean == 11.5
    assert first.standard_error == pytest.approx(np.std([0, 1, 2, 3], ddof=1) / 2, rel=1e-14)
    assert (second.mean, second.num_seeds) == (21.5, 4)


def test_in_a_row_the_best_run_is_first():
    records = [run(str(seed), seed=seed, evaluation={"elbo": elbo}) for seed, elbo in enumerate((-3.0, -1.0, -2.0))]
    (row,) = rank(records, "elbo")
    assert row.names == ("1", "2", "0")
    assert row.values == (-1, -2, -3)


def test_equal_rows_stay_in_their_order():
    names = list("fabecd")
    for metric in ("nll", "elbo"):
        rows = rank([run(name, field=name, evaluation={metric: 1.0}) for name in names], metric)
        assert [row.names for row in rows] == [(name,) for name in names]


@pytest.mark.parametrize("metric", ["nll", "elbo"])
def test_what_diverged_or_is_missing_is_last_and_counted(metric):
    records = [
        run("diverged", beta=1, state="diverged", evaluation={"nll": -1e9, "elbo": 1e9}),
        run("missing", beta=2, state="running"),
        run("there", beta=3, evaluation={metric: 5.0}),
    ]
    rows = rank(records, metric)
    assert [row.names for row in rows] == [("there",), ("diverged",), ("missing",)]
    expected = [(5, None, 1), (None, None, 0), (None, None, 0)]
    assert [(row.mean, row.standard_error, row.num_seeds) for row in rows] == expected
    assert [row.states for row in rows] == [("finished",), ("diverged",), ("running",)]


def test_a_row_with_a_diverged_seed_keeps_it_out_of_the_mean_and_in_the_row():
    records = [
        run("a", seed=0, state="diverged", evaluation={"nll": -1e9}),
        run("b", seed=1, evaluation={"nll": 3.0}),
        run("c", seed=2, evaluation={"nll": 1.0}),
        run("d", seed=3, state="waiting"),
    ]
    (row,) = rank(records, "nll")
    assert row.names == ("c", "b", "a", "d")
    assert row.values == (1.0, 3.0, None, None)
    assert (row.mean, row.standard_error, row.num_seeds) == (2.0, 1.0, 2)


def test_every_run_is_in_exactly_one_row():
    random = np.random.default_rng(0)
    records = [
        run(
            str(index),
            seed=index % 4,
            beta=index % 7,
            state=str(random.choice(["finished", "running", "diverged"])),
            evaluation={"nll": None if index % 5 == 0 else float(random.normal())},
        )
        for index in range(200)
    ]
    rows = rank(records, "nll")
    assert sorted(name for row in rows for name in row.names) == sorted(record.name for record in records)
    means = [row.mean for row in rows if row.mean is not None]
    assert means == sorted(means)
    assert len(rows) == 7


def test_it_is_read_without_numpy_or_jax():
    code = "import sys, vae_jax.ranking; assert not {'numpy', 'jax'} & sys.modules.keys(), 'slow'"
    subprocess.run([sys.executable, "-c", code], check=True)
