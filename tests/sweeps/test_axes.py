"""From the words of a command line to what a field is swept over."""

import json
import math
from itertools import pairwise

import pytest

from vae_jax.messages import UsageError
from vae_jax.sweeps.search.samplers import grid_of
from vae_jax.sweeps.values.axes import (
    MOST,
    Interval,
    Values,
    from_json,
    parse_axis,
    points,
    product_of,
    to_json,
    zip_of,
)


@pytest.mark.parametrize(
    ("words", "kind", "values"),
    [
        (["1"], float, (1.0,)),
        (["1", "2.5", "1e-3"], float, (1.0, 2.5, 0.001)),
        (["8", "16"], int, (8, 16)),
        (["relu", "a:b"], str, ("relu", "a:b")),
        (["a:b"], str, ("a:b",)),
        (["64", "64,32"], tuple[int, ...], ((64,), (64, 32))),
        (["true", "false"], bool, (True, False)),
        ([], bool, (True,)),
        (["1", "1.0", "true"], int | float | bool, (1, 1.0, True)),
        (["0.5", "auto"], float | str, (0.5, "auto")),
        (["none", "1,2"], tuple[float, ...] | None, (None, (1.0, 2.0))),
        (["none", "8"], int | None, (None, 8)),
    ],
)
def test_words_are_values_of_the_field_s_type(words, kind, values):
    axis = parse_axis("field", words, kind)
    assert axis == Values(values)
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("0:10", range(10)),
        ("0:10:3", range(0, 10, 3)),
        ("10:0:-3", range(10, 0, -3)),
        ("-2:2", range(-2, 2)),
        ("5:6", [5]),
        (f"7:{MOST + 7}", range(7, MOST + 7)),
    ],
)
def test_a_range_of_integers_is_that_of_python(word, values):
    assert parse_axis("seed", [word], int) == Values(tuple(values))


@pytest.mark.parametrize(
    ("word", "kind", "interval"),
    [
        ("0.5:8", float, Interval(0.5, 8.0)),
        ("-1:1", float, Interval(-1.0, 1.0)),
        ("1e-4:1e-2:log", float, Interval(1e-4, 1e-2, is_log=True)),
        ("4:64:log", int, Interval(4, 64, is_log=True, is_integer=True)),
    ],
)
def test_an_interval_is_all_between(word, kind, interval):
    axis = parse_axis("field", [word], kind)
    assert axis == interval
    assert type(axis.low) is type(axis.high) is kind


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("0:1:5", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("1:1000:log:4", (1.0, 10.0, 100.0, 1000.0)),
        ("1e-4:1e-2:log:5", (1e-4, 0.000316228, 1e-3, 0.00316228, 1e-2)),
        ("0.1:0.3:2", (0.1, 0.3)),
    ],
)
def test_points_of_an_interval(word, expected):
    assert parse_axis("field", [word], float) == Values(expected)


@pytest.mark.parametrize(("low", "high"), [(1e-4, 3e-2), (0.7, 0.9), (1e-30, 1e30), (3.0, 3.0000001), (1e6, 1e6 + 10)])
@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("num", [2, 3, 11, 64])
def test_points_are_even_ascending_and_end_exactly_where_was_said(low, high, is_log, num):
    found = points(Interval(low, high, is_log, num))
    assert (len(found), found[0], found[-1]) == (num, low, high)
    assert all(one < other for one, other in pairwise(found))
    scale = math.log if is_log else float
    width = scale(high) - scale(low)
    shares = [(scale(point) - scale(low)) / width for point in found]
    # Rounding to six digits moves a point by half of the sixth, which is much of a narrow interval.
    error = 1e-5 + (5e-6 if is_log else 5e-6 * high) / width
    assert shares == pytest.approx([index / (num - 1) for index in range(num)], abs=min(error, 0.5 / (num - 1)))


def test_points_of_integers_are_integers_and_each_is_there_once():
    found = points(Interval(2, 64, is_log=True, num=6, is_integer=True))
    assert found == (2, 4, 8, 16, 32, 64)
    assert {type(point) for point in found} == {int}
    assert points(Interval(1, 3, num=9, is_integer=True)) == (1, 2, 3)


def test_single_values_are_their_own_points_and_an_interval_has_as_many_as_it_says():
    assert points(Values(("a", (1,)))) == ("a", (1,))
    assert repr(points(Interval(0, 1, num=3))) == "(0.0, 0.5, 1.0)"
    with pytest.raises(ValueError, match="expected a number of points; got none in Interval"):
        points(Interval(0, 1))


def test_a_grid_takes_the_points_of_an_interval_as_the_words_of_a_command_line_do():
    interval = Interval(1e-4, 1e-2, is_log=True, num=5)
    (same,) = [parse_axis("learning_rate", ["1e-4:1e-2:log:5"], float)]
    assert product_of({"learning_rate": interval}) == product_of({"learning_rate": same})
    assert [row["learning_rate"] for row in grid_of({"learning_rate": interval}, 0)] != points(interval)
    assert sorted(row["learning_rate"] for row in grid_of({"learning_rate": interval}, 0)) == [*points(interval)]
    axes = {"learning_rate": interval, "seed": Values((0, 1, 2, 3, 4))}
    assert zip_of(axes)[1] == {"learning_rate": 0.000316228, "seed": 1}
    assert [row["latent_size"] for row in product_of({"latent_size": Interval(1, 3, num=9, is_integer=True)})] == [
        1,
        2,
        3,
    ]


def test_what_stands_twice_may_do_so_where_values_are_taken_together():
    assert parse_axis("beta", ["1", "1", "2"], float, may_repeat=True) == Values((1.0, 1.0, 2.0))


OF_INTEGERS = "expected --latent-size as FIRST:END, FIRST:END:STEP or LOW:HIGH:log; got "
OF_NUMBERS = (
    "expected --latent-size as LOW:HIGH or LOW:HIGH:log, with a number of points behind it for a grid, LOW:HIGH:5; got "
)
TOO_MANY = f"expected a range of 1 to {MOST} integers for --latent-size; got "


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ([], float, "expected at least one value behind --latent-size; got none"),
        (["1", "1.0"], float, "expected different values for --latent-size; got 1.0 twice; leave one out"),
        (["8", "4", "8"], int, "expected different values for --latent-size; got 8 twice; leave one out"),
        (["one"], float, "expected a number for --latent-size; got 'one'"),
        (["nan"], float, "expected a number for --latent-size; got 'nan'"),
        (["1", "inf"], float, "expected a number for --latent-size; got 'inf'"),
        (["2.5"], int, "expected an integer for --latent-size; got '2.5'"),
        (["1:2", "3"], int, "expected an integer for --latent-size; got '1:2'"),
        (["1:x"], int, f"{OF_INTEGERS}'1:x'"),
        ([":"], int, f"{OF_INTEGERS}':'"),
        (["0:10:0"], int, f"{OF_INTEGERS}'0:10:0'"),
        (["0:10:1:2"], int, f"{OF_INTEGERS}'0:10:1:2'"),
        (["4:64:log:3"], int, f"{OF_INTEGERS}'4:64:log:3'"),
        (["0.5:8"], int, f"{OF_INTEGERS}'0.5:8'"),
        (["10:0"], int, f"{TOO_MANY}'10:0', of 0"),
        (["3:3"], int, f"{TOO_MANY}'3:3', of 0"),
        (["0:10:-1"], int, f"{TOO_MANY}'0:10:-1', of 0"),
        (["0:100001"], int, f"{TOO_MANY}'0:100001', of 100001"),
        ([f"0:{10**30}:3"], int, f"{TOO_MANY}'0:{10**30}:3', of {-(-(10**30) // 3)}"),
        (["1:x"], float, f"{OF_NUMBERS}'1:x'"),
        (["1:"], float, f"{OF_NUMBERS}'1:'"),
        (["1:10:log:log"], float, f"{OF_NUMBERS}'1:10:log:log'"),
        (["1:10:5:log"], float, f"{OF_NUMBERS}'1:10:5:log'"),
        (["1:10:0.5"], float, f"{OF_NUMBERS}'1:10:0.5'"),
        (["1:10:0"], float, f"{OF_NUMBERS}'1:10:0'"),
        (["8:1"], float, "expected --latent-size as LOW:HIGH, with LOW below HIGH; got '8:1'"),
        (["1:1"], float, "expected --latent-size as LOW:HIGH, with LOW below HIGH; got '1:1'"),
        (["1:inf"], float, "expected --latent-size as LOW:HIGH, with LOW below HIGH; got '1:inf'"),
        (["nan:1"], float, "expected --latent-size as LOW:HIGH, with LOW below HIGH; got 'nan:1'"),
        (["0:1:log"], float, "expected --latent-size as LOW:HIGH, with LOW above 0 and below HIGH; got '0:1:log'"),
        (["0:9:log"], int, "expected --latent-size as LOW:HIGH, with LOW above 0 and below HIGH; got '0:9:log'"),
        (["1:10:1"], float, f"expected 2 to {MOST} points of --latent-size; got 1 in '1:10:1'"),
        (["1:10:-3"], float, f"expected 2 to {MOST} points of --latent-size; got -3 in '1:10:-3'"),
        (["1:10:999999999"], float, f"expected 2 to {MOST} points of --latent-size; got 999999999 in '1:10:999999999'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_no_axis(words, kind, message):
    with pytest.raises(UsageError) as caught:
        parse_axis("latent_size", words, kind)
    assert str(caught.value) == message


def test_the_product_has_every_combination_the_last_field_fastest():
    rows = product_of({"beta": Values((1.0, 2.0)), "seed": Values((0, 1, 2)), "activation": Values(("relu",))})
    assert rows == [{"beta": beta, "seed": seed, "activation": "relu"} for beta in (1.0, 2.0) for seed in (0, 1, 2)]
    assert [list(row) for row in rows] == [["beta", "seed", "activation"]] * 6


def test_a_zip_takes_first_with_first():
    axes = {"beta": Values((1.0, 1.0, 2.0)), "hidden_sizes": Values(((8,), (4,), (8,)))}
    assert zip_of(axes) == [
        {"beta": 1.0, "hidden_sizes": (8,)},
        {"beta": 1.0, "hidden_sizes": (4,)},
        {"beta": 2.0, "hidden_sizes": (8,)},
    ]


@pytest.mark.parametrize(
    ("make", "axes", "message"),
    [
        (
            zip_of,
            {"beta": Values((1.0, 2.0)), "seed": Values((0, 1, 2)), "latent_size": Values((2,))},
            "expected as many values of every field with --zip; got 2 of beta, 3 of seed, 1 of latent_size",
        ),
        (
            zip_of,
            {"hidden_sizes": Values(((8, 4), (8,), (8, 4))), "seed": Values((0, 1, 0))},
            "expected different lanes with --zip; got hidden_sizes 8,4, seed 0 twice; leave one out",
        ),
        (
            product_of,
            {"learning_rate": Interval(1e-4, 1e-2, is_log=True), "seed": Values((0, 1))},
            "expected values of --learning-rate to make a grid of; got all between 0.0001 and 0.01; put a number of "
            "points behind it, or choose a --search",
        ),
        (
            zip_of,
            {"beta": Interval(1, 2)},
            "expected values of --beta to make a grid of; got all between 1 and 2; put a number of points behind it, "
            "or choose a --search",
        ),
        (
            product_of,
            {"seed": Values(tuple(range(1000))), "beta": Values(tuple(range(101)))},
            f"expected at most {MOST} combinations; got 101000; give fewer values, or choose a --search",
        ),
    ],
)
def test_what_is_no_grid(make, axes, message):
    with pytest.raises(UsageError) as caught:
        make(axes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "axis",
    [
        Values((1.0, 2.0)),
        Values((0, 1)),
        Values((True, None, "relu")),
        Values(((8,), (8, 4), ())),
        Values((((1, 2), (3,)), 0.5, "auto", "0.5")),
        Interval(0.1, 1.0),
        Interval(4, 64, is_log=True, is_integer=True),
        Interval(1e-4, 1e-2, is_log=True, num=5),
    ],
)
def test_json_keeps_an_axis(axis):
    again = from_json(json.loads(json.dumps(to_json(axis))))
    assert again == axis
    assert repr(again) == repr(axis)
