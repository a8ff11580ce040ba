"""`vae-jax compare` on runs made by hand: the table, the JSON, and what it says beside them."""

import itertools
import json
import math
import re

import pytest

from vae_jax.cli.compare_lines import comparison_lines
from vae_jax.ranking import RunRecord, rank


@pytest.fixture
def sweep(write_run, tmp_path):
    """β of 1 and 4 by three seeds, of which one diverged: NLLs of 90, 92, 94 and 84, 86."""
    lanes = itertools.count()
    for beta, seed in itertools.product((1.0, 4.0), (0, 1, 2)):
        diverged = (beta, seed) == (4.0, 1)
        nll = {1.0: 90.0, 4.0: 84.0}[beta] + (2 * seed if beta == 1 else seed)
        write_run(
            tmp_path / "sweep" / "lanes" / f"{next(lanes):04d}",
            values=(-nll - 20, None) if diverged else (-nll - 20, -nll - 4),
            evaluation=None
            if diverged
            else {"nll": nll, "elbo": -nll - 3, "kl": 20 / beta, "active_units": 7 + seed, "data": "digits"},
            state="diverged" if diverged else "finished",
            seed=seed,
            beta=beta,
            sizes=[16, 8],
        )
    (tmp_path / "sweep" / "sweep.json").write_text("{}")
    return tmp_path / "sweep"


def test_the_table(vae_jax, sweep):
    result = vae_jax("compare", sweep)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "   beta             nll   seeds  elbo  kl  active_units  state                   best run",
        "1     4  85.000 ± 1.000  2 of 3   -88   5             8  2 finished, 1 diverged      0003",
        "2     1  92.000 ± 1.155       3   -95  20             8  finished                    0000",
        "",
        "lower nll is better; means over seeds, ± one standard error",
        "not counted: 1 diverged",
    ]


def test_another_metric_turns_the_order_round(vae_jax, sweep):
    lines = vae_jax("compare", sweep, "--metric", "kl").out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["1", "4"], ["2", "1"]]
    lines = vae_jax("compare", sweep, "--metric", "value").out.splitlines()
    assert lines[1].split()[:5] == ["1", "4", "-89.000", "±", "1.000"]
    assert "higher value is better; means over seeds, ± one standard error" in lines


def test_a_row_of_json_has_the_numbers_in_full(vae_jax, sweep):
    result = vae_jax("compare", sweep, "--json")
    assert (result.code, result.err) == (0, "")
    first, second = map(json.loads, result.out.splitlines())
    assert first == {
        "rank": 1,
        "fields": {"beta": 4.0},
        "metric": "nll",
        "mean": 85.0,
        "standard_error": 1.0,
        "num_seeds": 2,
        "elbo": -88.0,
        "kl": 5.0,
        "active_units": 8.0,
        "runs": [
            {"name": "0003", "seed": 0, "state": "finished", "nll": 84.0},
            {"name": "0005", "seed": 2, "state": "finished", "nll": 86.0},
            {"name": "0004", "seed": 1, "state": "diverged", "nll": None},
        ],
    }
    assert (second["mean"], second["standard_error"]) == (92.0, pytest.approx(2 / math.sqrt(3), rel=1e-14))


def test_the_first_few_rows_and_how_many_more(vae_jax, sweep):
    lines = vae_jax("compare", sweep, "--top", 1).out.splitlines()
    assert lines[1].startswith("1     4  85.000")
    assert lines[2] == "and 1 more"
    assert "not counted: 1 diverged" in lines
    assert len(vae_jax("compare", sweep, "--top", 1, "--json").out.splitlines()) == 1
    assert "more" not in vae_jax("compare", sweep, "--top", 2).out


def test_rows_without_a_value_are_last_and_have_no_rank(vae_jax, write_run, tmp_path):
    write_run(tmp_path / "a", beta=1.0, state="diverged", values=(-1.0,))
    write_run(tmp_path / "b", beta=2.0, state="waiting")
    write_run(tmp_path / "c", beta=3.0, values=(-9.0, -5.5))
    lines = vae_jax("compare", tmp_path).out.splitlines()
    assert [re.split("  +", line) for line in lines[:4]] == [
        ["", "beta", "value", "state", "best run"],
        ["1", "3", "-5.5000", "running", "c"],
        ["-", "1", "-", "diverged", "a"],
        ["-", "2", "-", "waiting", "b"],
    ]
    assert lines[4:] == ["", "higher value is better", "not counted: 1 diverged, 1 waiting without value"]
    rows = [json.loads(line) for line in vae_jax("compare", tmp_path, "--json").out.splitlines()]
    assert [row["rank"] for row in rows] == [1, None, None]


def test_a_sweep_that_has_only_begun(vae_jax, write_run, tmp_path):
    write_run(tmp_path / "lanes" / "0000", state="waiting")
    lines = vae_jax("compare", tmp_path).out.splitlines()
    assert [line.split() for line in lines[:2]] == [["value", "state", "best", "run"], ["-", "-", "waiting", "0000"]]


def test_different_experiments_have_a_column_and_their_own_fields(vae_jax, write_run, tmp_path):
    evaluation = {"data": "digits", "elbo": -1.0}
    write_run(tmp_path / "a", evaluation=evaluation | {"nll": 2.0}, seed=0, beta=1.0)
    write_run(tmp_path / "b", evaluation=evaluation | {"nll": 1.0}, experiment="iwae", seed=5, num_samples=5)
    write_run(tmp_path / "c", evaluation=evaluation | {"nll": 3.0}, experiment="iwae", seed=5, num_samples=50)
    write_run(tmp_path / "d", evaluation=evaluation | {"nll": 4.0}, num_steps=10, seed=0, beta=1.0)
    lines = vae_jax("compare", tmp_path).out.splitlines()
    assert [re.split("  +", line)[:5] for line in lines[:5]] == [
        ["", "experiment", "num_steps", "num_samples", "nll"],
        ["1", "iwae", "-", "5", "1"],
        ["2", "vae", "-", "2", "-1"],
        ["3", "iwae", "-", "50", "3"],
        ["4", "vae", "10", "4", "-1"],
    ]
    assert lines[-1] == "lower nll is better"


def test_different_data_are_not_compared_silently(vae_jax, write_run, tmp_path):
    for name, data in (("a", "digits"), ("b", "mnist_5k")):
        write_run(tmp_path / name, evaluation={"nll": 1.0, "data": data, "split": "test"}, seed=0, data={"name": data})
    line = "not comparable: nll is of different examples: digits, test split (1 run); mnist_5k, test split (1 run)"
    assert vae_jax("compare", tmp_path).out.splitlines()[-1] == line
    result = vae_jax("compare", tmp_path, "--json")
    assert result.err == f"vae-jax: {line}\n"
    assert all(json.loads(row) for row in result.out.splitlines())


def test_what_cannot_be_read_is_left_out_on_stderr(vae_jax, sweep):
    (sweep / "lanes" / "0000" / "evaluation.json").write_text("{")
    result = vae_jax("compare", sweep)
    assert result.code == 0
    assert result.err.startswith(
        f"vae-jax: left out: expected JSON in {sweep / 'lanes' / '0000' / 'evaluation.json'}; "
    )
    assert result.out.splitlines()[2].split()[:5] == ["2", "1", "93", "±", "1"]


def test_single_runs_in_any_number(vae_jax, sweep):
    lanes = sweep / "lanes"
    lines = vae_jax("compare", lanes / "0001", lanes / "0003", "--metric", "elbo").out.splitlines()
    assert [line.split()[-1] for line in lines[1:3]] == ["0003", "0001"]
    assert "seeds" not in lines[0]


def test_a_repeated_seed_counts_once(vae_jax, write_run, tmp_path):
    for name, seed, nll in (("a", 0, 1.0), ("b", 0, 3.0), ("c", 1, 4.0)):
        write_run(tmp_path / name, seed=seed, evaluation={"nll": nll})
    line = vae_jax("compare", tmp_path).out.splitlines()[1]
    assert re.split("  +", line)[:3] == ["1", "3 ± 1", "2"]


def test_fields_are_written_as_one_would_type_them():
    fields = [{"sizes": [512, 256], "rate": 0.0003, "size": None, "is_on": True}, {"rate": 1e-5, "size": 3}]
    fields[1] |= {"sizes": [16], "is_on": False}
    records = [RunRecord(str(i), each, [], {"nll": i}, "finished") for i, each in enumerate(fields)]
    lines = comparison_lines(rank(records, "nll"), list(fields[0]), "nll")
    assert lines[:3] == [
        "     sizes    rate  size  is_on  nll  state     best run",
        "1  512 256  0.0003     -  True     0  finished         0",
        "2       16   1e-05     3  False    1  finished         1",
    ]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1234.5678, -2.0], ["1234.6", "-2.0"]),
        ([0.001234567, 0.02], ["0.001235", "0.020000"]),
        ([7.0, 12.0], ["7", "12"]),
        ([0.0, 0.0], ["0", "0"]),
        ([123456.5], ["123456"]),
        ([-99.5, -100.25], ["-99.50", "-100.25"]),
    ],
)
def test_numbers_have_the_decimals_of_the_largest(values, shown):
    records = [RunRecord("", {"id": i}, [], {"elbo": value}, "finished") for i, value in enumerate(values)]
    lines = comparison_lines(rank(records, "elbo"), [], "elbo")
    assert {line.split()[1] for line in lines[1 : 1 + len(values)]} == set(shown)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected runs, a sweep, or a folder with runs behind 'compare'; got none"),
        (("SWEEP", "--top", "0"), "expected --top of at least 1; got 0"),
        (
            ("SWEEP", "--metric", "active_unit"),
            "expected a metric of these runs (nll, elbo, kl, active_units, value); got 'active_unit'; "
            "did you mean 'active_units'?",
        ),
        (
            ("SWEEP", "--split", "nope"),
            "expected an evaluation of that split and number of samples in one of these runs; none has one; make it by "
            "'vae-jax evaluate'",
        ),
        (("nowhere",), "expected a run, a sweep, or a folder with runs in it; nowhere does not exist"),
    ],
)
def test_usage_errors_are_one_line(refusal, sweep, arguments, message):
    assert refusal("compare", *(sweep if word == "SWEEP" else word for word in arguments)) == message


def test_a_metric_where_there_is_none_yet(refusal, write_run, tmp_path):
    write_run(tmp_path / "a")
    line = refusal("compare", tmp_path, "--metric", "nll")
    assert line == "expected a metric of these runs (they have none yet); got 'nll'"
