"""What is shown of a sweep while it goes on, without any training: slots are made by hand, and the clock too."""

import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from vae_jax.runs import notebook
from vae_jax.sweeps.values.trial import Trial
from vae_jax.sweeps.work import table as tables
from vae_jax.sweeps.work.table import BARS, NUM_ROWS, LaneRow, Table, best_first, in_words, sparkline


class Clock:
    """The time, which goes on when it is told to."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(tables, "time", clock)
    return clock


def slot(number, *values, step=None, **fields):
    """A lane that was validated after every ten steps."""
    lines = [{"step": 10 * index, "split": "validation", "value": value} for index, value in enumerate(values)]
    at = 10 * (len(values) - 1) if step is None else step
    return SimpleNamespace(trial=Trial(number, fields or {"beta": 1.0}), step=at, validations=lines, numbers={})


def row(number, *values):
    return LaneRow(number, {}, 100, values=list(values))


def test_the_best_lane_is_first_and_those_without_a_number_last():
    rows = [row(0, -5.0), row(1), row(2, -9.0, -1.0, -7.0), row(3, None, None), row(4, -5.0), row(5, 0.0), row(6, 2.0)]
    assert [each.number for each in best_first(rows)] == [6, 5, 2, 0, 4, 1, 3]
    assert [each.best for each in best_first(rows)] == [2.0, 0.0, -1.0, -5.0, -5.0, None, None]


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ""),
        ([None, None], "  "),
        ([-3.0], BARS[0]),
        ([4.0, 4.0, 4.0], BARS[0] * 3),
        ([0.0, 7.0], BARS[0] + BARS[7]),
        ([float(value) for value in range(8)], BARS),
        ([7.0, None, 0.0], f"{BARS[7]} {BARS[0]}"),
        ([-1e30, 1e30, 0.0], BARS[0] + BARS[7] + BARS[3]),
        ([1e9, *map(float, range(16))], "".join(BARS[int(7 * value / 15)] for value in range(16))),
    ],
)
def test_a_sparkline_is_from_the_lowest_to_the_highest_of_the_last(values, bars):
    assert sparkline(values) == bars


def test_fields_in_words():
    fields = {"beta": 4.0, "sizes": (8, 4), "seed": 3, "activation": "relu", "size": None, "rate": 1e-10}
    assert in_words(fields) == "beta 4, sizes 8,4, seed 3, activation relu, size None, rate 1e-10"


def test_lines_for_logs(clock, capsys):
    with Table(3, 20, "lines") as table:
        table.validated(slot(0, -50.0, beta=1.0))
        clock.now += 1.0
        table.validated(slot(1, -40.0, beta=4.0, sizes=(8, 4)))
        assert capsys.readouterr().err.splitlines() == ["0 of 3 lanes ended; best: lane 0 (beta 1) -50.00"]
        table.validated(slot(0, -50.0, -30.125))
        table.ended(slot(0, -50.0, -30.125, step=20), "finished")
        clock.now += 10.0
        table.validated(slot(1, -40.0, None))
        table.ended(slot(1, -40.0, None, step=10), "diverged")
        table.say("[bold]a note[/bold] of 3 lanes")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "lane 0 finished at step 20: beta 1: best -30.12",
        "1 of 3 lanes ended; best: lane 0 (beta 1) -30.12",
        "lane 1 diverged at step 10: beta 4, sizes 8,4: best -40.00",
        "[bold]a note[/bold] of 3 lanes",
    ]


def test_a_lane_without_any_number(capsys):
    with Table(1, 20, "lines") as table:
        table.validated(slot(0, None))
        table.ended(slot(0, None), "diverged")
    assert capsys.readouterr().err.splitlines() == [
        "0 of 1 lanes ended",
        "lane 0 diverged at step 0: beta 1: best —",
    ]


def test_lanes_that_ended_before_are_counted(capsys):
    with Table(5, 20, "lines", num_ended=3) as table:
        table.ended(slot(3, -1.0), "finished")
        assert capsys.readouterr().err.splitlines() == [
            "lane 3 finished at step 0: beta 1: best -1.00",
            "4 of 5 lanes ended; best: lane 3 (beta 1) -1.00",
        ]


def test_what_is_left_is_told_by_the_speed_so_far(clock):
    table = Table(4, 100, "lines", num_ended=1)
    table.validated(slot(1, -3.0))
    table.validated(slot(2, -3.0))
    assert table._seconds_left is None
    clock.now += 60.0
    table.advanced(20)  # the first steps compile, and do not count
    assert table._seconds_left is None
    clock.now += 10.0
    table.advanced(20)
    for number in (1, 2):
        table.validated(slot(number, -3.0, -2.0, -1.0, step=20))
    # Two lanes have 80 steps left, one has not begun with its 100; 2 steps took a second.
    assert table._seconds_left == pytest.approx((80 + 80 + 100) / 2)
    table.ended(slot(1, -3.0, -2.0, -1.0, step=20), "stopped")
    assert table._seconds_left == pytest.approx((80 + 100) / 2)
    clock.now += 10.0
    assert table._seconds_left == pytest.approx((80 + 100) / 1)


def test_more_lanes_than_there_should_be_leave_nothing(clock, capsys):
    table = Table(1, 100, "lines")
    for number in range(3):
        table.ended(slot(number, -1.0, step=100), "finished")
    table.advanced(1)
    clock.now += 1
    table.advanced(1)
    assert table._seconds_left == 0


def test_json_lines(capsys):
    with Table(2, 20, "json") as table:
        table.validated(slot(0, -50.0, beta=1.0, sizes=(8, 4), kind=None))
        table.validated(slot(0, -50.0, None))
        table.advanced(3)
        table.ended(slot(0, -50.0, None, step=12), "diverged")
    out, err = capsys.readouterr()
    assert err == ""
    fields = {"beta": 1.0, "sizes": [8, 4], "kind": None}
    assert [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()] == [
        {"lane": 0, "status": "running", "fields": fields, "step": 0, "split": "validation", "value": -50.0},
        {"lane": 0, "status": "running", "fields": fields, "step": 10, "split": "validation", "value": None},
        {"lane": 0, "status": "diverged", "fields": fields, "step": 12, "best": -50.0},
    ]


def test_numbers_that_lanes_have_learned_are_shown(capsys):
    table = Table(1, 20, "json")
    moved = slot(0, -50.0, beta=1.0, latent_size=4)
    moved.numbers = {"beta": 1.2}
    table.validated(moved)
    assert json.loads(capsys.readouterr().out)["fields"] == {"beta": 1.2, "latent_size": 4}


def rendered(table, width=72):
    """As a terminal of so many columns shows it."""
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table._as_table())
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.fixture
def quiet():
    """A table that is shown only when it is asked for."""

    def make(*arguments):
        table = Table(*arguments, "table")
        table._live = SimpleNamespace(update=lambda *_, **__: None, start=lambda: None, stop=lambda: None)
        return table

    return make


def test_the_table_as_a_terminal_shows_it(quiet):
    table = quiet(3, 30)
    table.validated(slot(0, -50.0, -45.5, beta=1.0, hidden_sizes=(8, 4)))
    table.validated(slot(1, -50.0, None, -30.25, beta=0.25, hidden_sizes=(8,)))
    table.validated(slot(2, None, beta=4.0, hidden_sizes=(8,)))
    table.ended(slot(1, -50.0, None, -30.25, step=30), "finished")
    table.ended(slot(2, None, step=7), "diverged")
    assert rendered(table) == [
        "lane  beta  hidden_sizes   step  validation    best",
        "   1  0.25             8  30/30  ▁ █         -30.25  finished",
        "   0     1           8,4  10/30  ▁█          -45.50",
        "   2     4             8   7/30                   —  diverged",
    ]
    assert table._summary() == "2 of 3 lanes ended; best: lane 1 (beta 0.25, hidden_sizes 8) -30.25"


def test_of_many_lanes_the_best_are_shown_and_the_others_counted(quiet):
    table = quiet(1000, 30)
    for number in range(53):
        table.validated(slot(number, -100.0 + number))
    lines = rendered(table)
    assert len(lines) == 1 + NUM_ROWS + 1
    assert [int(line.split()[0]) for line in lines[1:-1]] == list(range(52, 52 - NUM_ROWS, -1))
    assert lines[-1].strip() == "and 33 more"
    assert len(rendered(quiet(9, 9))) == 1


def test_without_a_terminal_there_are_lines(capsys):
    with Table(1, 20) as table:
        table.ended(slot(0, -1.0), "finished")
    assert "lane 0 finished" in capsys.readouterr().err


def test_in_a_notebook_the_table_is_one_output_that_changes(monkeypatch):
    contents = []
    handle = SimpleNamespace(update=lambda content, raw: contents.append(content))
    monkeypatch.setattr(tables, "in_notebook", lambda: True)
    monkeypatch.setattr(
        notebook, "_display_of_notebook", lambda: lambda content, **_: contents.append(content) or handle
    )
    with Table(2, 20) as table:
        table.say("4 lanes <fit>")
        table.ended(slot(0, -1.0, beta=2.0), "finished")
    assert "4 lanes &lt;fit&gt;" in contents[0]["text/html"]
    assert ">finished</td>" in contents[-1]["text/html"]
    assert contents[-1]["text/plain"] == "1 of 2 lanes ended; best: lane 0 (beta 2) -1.00"
