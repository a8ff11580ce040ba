"""A `Config` from JSON and keyword arguments, and what is refused."""

import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from vae_jax import catalogue
from vae_jax.config.fields import check_numbers
from vae_jax.config.saved import config_from, config_to_json, structured
from vae_jax.messages import UsageError


class Colour(Enum):
    RED = 1
    GREEN = "g"


@dataclass(frozen=True)
class Part:
    rate: float = 0.5
    rates: tuple[float, ...] = ()


@dataclass(frozen=True)
class Config:
    seed: int = 0
    limit: float | str = "auto"
    many: tuple[float | str, ...] | None = None
    part: Part = field(default_factory=Part)
    parts: tuple[Part, ...] = ()
    other: Part | None = None
    where: Path | None = None
    table: dict[str, float] = field(default_factory=dict)
    colour: Colour = Colour.RED

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"expected a seed of 0 or more; got {self.seed}")


FILE: Any = SimpleNamespace(name="mine", Config=Config)


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(limit=0.5, many=(1.0, "1", "auto"), part=Part(0.25, (1.0, 2.0)), other=Part()),
        Config(limit="0.5", many=(), parts=(Part(), Part(1.0)), where=Path("here"), table={"a": 1.0}),
        Config(limit="", colour=Colour.GREEN),
    ],
)
def test_json_keeps_a_config(config):
    again = config_from(FILE, json.loads(json.dumps(config_to_json(config))))
    assert repr(again) == repr(config)


def test_json_keeps_the_config_of_every_experiment():
    for path in catalogue.shipped().values():
        file = catalogue.load_experiment(path)
        assert config_from(file, json.loads(json.dumps(config_to_json(file.Config())))) == file.Config()


@pytest.mark.parametrize(
    ("value", "kind", "made"),
    [
        (3, float, 3.0),
        (np.int64(3), int, 3),
        (np.float32(0.5), float, 0.5),
        (3, int | float, 3),
        (3.0, int | float, 3.0),
        (True, bool | float, True),
        (3, float | str, 3.0),
        ("3", float | str, "3"),
        (None, float | None, None),
        ("auto", Literal["auto"] | float, "auto"),
        (1, Literal[True, 1], 1),
        ([1, 2], tuple[int, ...], (1, 2)),
        (range(2), tuple[int, ...], (0, 1)),
        (np.arange(2), tuple[int, ...], (0, 1)),
        ([1, "a"], tuple[int, str], (1, "a")),
        ((1, 2), list[int], [1, 2]),
        ([[1], []], tuple[tuple[int, ...], ...], ((1,), ())),
        ("g", Colour, Colour.GREEN),
        ({"rate": 1}, Part, Part(1.0)),
        (Part(2), Part, Part(2.0)),
        ([1, {"a": None}], Any, [1, {"a": None}]),
    ],
    ids=str,
)
def test_a_value_is_of_its_type(value, kind, made):
    found = structured(value, kind)
    assert repr(found) == repr(made)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": 2.0}, "got 2.0 for seed, not an integer"),
        ({"seed": True}, "got True for seed, not an integer"),
        ({"seed": "1"}, "got '1' for seed, not an integer"),
        ({"limit": None}, "got None for limit, not a number or a word"),
        ({"limit": True}, "got True for limit, not a number or a word"),
        ({"many": "auto"}, "got 'auto' for many, not numbers or words with commas between or none"),
        ({"part": {"rate": "x"}}, "got 'x' for part.rate, not a number"),
        ({"part": {"rates": [1, "x"]}}, "got 'x' for part.rates, not a number"),
        ({"part": {"rates": "12"}}, "got '12' for part.rates, not numbers with commas between"),
        ({"part": {"rat": 1}}, "got 'rat' in part, which has rate, rates"),
        ({"part": 3}, "got 3 for part, not Part"),
        ({"table": 3}, "got 3 for table, not dict"),
        ({"part": {"rate": 10**400}}, f"got {10**400} for part.rate, not a number"),
        ({"table": {"a": "b"}}, "got 'b' for table, not a number"),
        ({"colour": "blue"}, "got 'blue' for colour, not RED or GREEN"),
    ],
    ids=str,
)
def test_what_is_no_value_of_its_type_is_named(fields, message):
    with pytest.raises(UsageError) as caught:
        config_from(FILE, fields)
    assert str(caught.value) == f"expected values of the types of mine's fields; {message}"


def test_a_field_that_is_not_there_is_named():
    with pytest.raises(
        UsageError, match=r"^expected a field of mine; got 'sed'; did you mean 'seed'\? Known: seed, .*"
    ):
        config_from(FILE, {"sed": 1})


def test_a_config_that_refuses_a_value_says_why():
    with pytest.raises(UsageError, match=r"^expected a seed of 0 or more; got -1$"):
        config_from(FILE, {"seed": -1})


def test_data_may_be_a_name():
    file = catalogue.load_experiment("vae")
    assert config_from(file, {"data": "digits"}).data.name == "digits"
    with pytest.raises(UsageError, match=r"got 3 for data, not DataConfig$"):
        config_from(file, {"data": 3})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ('{"limit": NaN}', "limit"),
        ('{"many": [1, "a", Infinity]}', "many"),
        ('{"part": {"rate": -Infinity}}', "part.rate"),
        ('{"part": {"rates": [0, NaN]}}', "part.rates"),
        ('{"parts": [{"rate": NaN}]}', "parts.rate"),
        ('{"other": {"rate": 1e999}}', "other.rate"),
        ('{"table": {"a": NaN}}', "table"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_however_deep(fields, name):
    with pytest.raises(UsageError, match=rf"^expected a finite number for {name}; got (nan|-?inf)$"):
        config_from(FILE, json.loads(fields))


def test_a_default_that_is_not_finite_is_refused_too():
    with pytest.raises(UsageError, match=r"^expected a finite number for part.rates; got inf$"):
        check_numbers(Config(part=Part(rates=(1.0, float("inf")))))
