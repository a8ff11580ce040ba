"""The ranges that the fields of a `Config` state: checked for a run, and for all values of a sweep or a search."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import pytest

import vae_jax as vj
from vae_jax.catalogue import load_experiment
from vae_jax.cli.main import main
from vae_jax.config.fields import check_numbers, fields_of, range_of
from vae_jax.config.saved import config_from
from vae_jax.messages import UsageError
from vae_jax.ranges import Range
from vae_jax.sweeps import sweep as sweeps
from vae_jax.sweeps.config import EvolutionConfig, SearchConfig
from vae_jax.sweeps.values.axes import Interval, Values


@dataclass(frozen=True)
class Part:
    decay: Annotated[float, Range(at_least=0, below=1)] = 0.5


@dataclass(frozen=True)
class Config:
    beta: Annotated[float, Range(above=0)] = 1.0
    sizes: Annotated[tuple[int, ...] | None, Range(at_least=1)] = None
    share: Annotated[float | str, Range(at_least=-1, at_most=1)] = "auto"
    part: Part = field(default_factory=Part)


@dataclass(frozen=True)
class Inheriting(Config):
    beta: float = 4.0
    other: float = -1.0


FILE: Any = SimpleNamespace(name="mine", Config=Config)


def test_the_ends_belong_to_it_or_not():
    assert [value in Range(at_least=0, below=1) for value in (-1e-9, 0, 0.5, 1)] == [False, True, True, False]
    assert [value in Range(above=0, at_most=1) for value in (0, 1e-9, 1, 1.1)] == [False, True, True, False]
    assert -1e300 in Range()
    assert Range().ends == (-float("inf"), float("inf"))


@pytest.mark.parametrize(
    "stated", [Range(at_least=0.1, at_most=0.3), Range(above=0.7, below=0.9), Range(above=0, below=1)]
)
def test_its_ends_are_numbers_of_float32_in_it(stated):
    for end, outwards in zip(stated.ends, (-np.inf, np.inf), strict=True):
        assert float(np.float32(end)) == end
        assert end in stated
        assert float(np.nextafter(np.float32(end), np.float32(outwards))) not in stated


def test_a_field_has_the_type_that_it_would_have_without_one():
    assert fields_of(Config) == {
        "beta": float,
        "sizes": tuple[int, ...] | None,
        "share": float | str,
        "part.decay": float,
    }


def test_a_range_is_inherited_with_its_field():
    assert range_of(Inheriting, "beta") == Range(above=0)
    assert range_of(Inheriting, "part.decay") == Range(at_least=0, below=1)
    assert range_of(Inheriting, "other") == Range()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"beta": 0.0}, "expected beta above 0; got 0.0"),
        ({"part": {"decay": 1.0}}, "expected part.decay of at least 0 and below 1; got 1.0"),
        ({"sizes": [3, 0]}, "expected sizes of at least 1; got 0"),
        ({"share": 1.5}, "expected share of at least -1 and of at most 1; got 1.5"),
        ({"beta": 1e-9, "part": {"decay": 0.0}, "sizes": [1], "share": "much"}, None),
    ],
)
def test_what_is_out_of_it_is_refused(fields, message):
    if message is None:
        check_numbers(config_from(FILE, fields))
        return
    with pytest.raises(UsageError) as caught:
        config_from(FILE, fields)
    assert str(caught.value) == message


@pytest.fixture
def mine(tmp_path, request):
    """The small experiment of the sweeps, with ranges."""
    source = (request.config.rootpath / "tests" / "sweeps" / "small_experiment.py").read_text()
    source = source.replace("beta: float", "beta: Annotated[float, vj.Range(at_least=0, at_most=0.9)]")
    source = source.replace('1.0\n    """Weight of the KL', '0.5\n    """Weight of the KL')
    path = tmp_path / "mine.py"
    path.write_text(
        source.replace("from functools import partial", "from functools import partial\nfrom typing import Annotated")
    )
    return load_experiment(path)


def test_a_sweep_and_a_search_check_all_values_and_trace_them(mine, tmp_path):
    config, path = mine.Config(), tmp_path / "sweep"
    for axis in (Values((0.1, 0.5, -0.1)), Interval(0.1, 0.95)):
        search = SearchConfig("random", 4) if isinstance(axis, Interval) else None
        with pytest.raises(UsageError, match=r"^expected beta of at least 0 and of at most 0.9; got (-0.1|0.95)$"):
            sweeps.begin(mine, config, {"beta": axis}, run_dir=path, search=search)
        assert not path.exists()
    evolution = EvolutionConfig(every=1)
    begun = sweeps.begin(mine, config, {"beta": Values((0.1, 0.5))}, run_dir=path, evolution=evolution)
    assert begun.spec.side_by_side == ["beta"]
    evolving = begun._evolution(begun._experiment())
    assert evolving is not None
    low, high = evolving.bounds["beta"]
    assert (low, high) == (0, pytest.approx(0.9))
    assert high <= 0.9


def test_the_command_line_refuses_before_anything_is_imported(mine, capsys, tmp_path):
    assert main(["train", str(mine.path), "--beta", "1.5", "--run-dir", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == "vae-jax: expected beta of at least 0 and of at most 0.9; got 1.5\n"
    with pytest.raises(SystemExit):
        main(["train", str(mine.path), "--help"])
    assert "--beta FLOAT" in capsys.readouterr().out


def test_the_name_is_public():
    assert vj.Range is Range
