"""The command line that is equivalent to a config: parsed again, it makes the same config.

Configs are compared by what they print: a file that is read twice makes two classes, and 1, 1.0 and True are equal.
"""

import shlex
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from vae_jax import catalogue
from vae_jax.cli.arguments import parse
from vae_jax.config.command import command, options_of, typed
from vae_jax.config.fields import fields_of, range_of, with_fields
from vae_jax.config.saved import config_from, config_to_json
from vae_jax.config.words import parse_value, to_word

AWKWARD = (
    "",
    " ",
    "two words",
    "a,b",
    ",",
    "-1",
    "-x",
    "--seed",
    "-h",
    "--help",
    "a=b",
    "none",
    "true",
    "3",
    "1e5",
    "nan",
)
AWKWARD += ("\\", "\\none", "a\\,b", "a\\", "'", '"', "$HOME", "line\nline", "\n", "ß", "*", "[1]", "{}")
NUMBERS = (0, -1, 10**30)
REALS = (0.0, -0.5, 1e-300, -1e300, 1.0, 0.1 + 0.2)
VALUES: dict[Any, tuple[Any, ...]] = {
    int: NUMBERS,
    float: REALS,
    bool: (True, False),
    str: AWKWARD,
    Path: (Path("a b"), Path("-x"), Path("--seed"), Path("a,b")),
    int | None: (None, *NUMBERS),
    float | None: (None, *REALS),
    str | None: (None, *AWKWARD),
    tuple[int, ...]: ((), (-1,), (512, 256)),
}


class Colour(Enum):
    RED = 1
    GREEN = "g"


MORE: dict[Any, tuple[Any, ...]] = {
    float | str: (*REALS, *AWKWARD),
    float | int | str: (*NUMBERS, *REALS, *AWKWARD),
    bool | float | None: (True, False, None, *REALS),
    Literal["auto"] | float: ("auto", *REALS),
    Literal[1, "1"]: (1,),
    tuple[float, ...]: ((), (-0.5,), REALS),
    tuple[str, ...]: ((), *((word,) for word in AWKWARD), *((word, "x", word) for word in AWKWARD), ("", "")),
    tuple[str, ...] | None: (None, (), *((word,) for word in AWKWARD)),
    tuple[str | None, ...]: ((None,), (None, *AWKWARD, None)),
    tuple[float | str, ...]: ((*REALS, *AWKWARD),),
    tuple[bool, ...]: ((True, False), ()),
    tuple[int, str]: ((-1, "a,b"), (0, "")),
    tuple[tuple[int, ...], ...]: ((), ((),), ((1, 2), (), (3,))),
    tuple[int, ...] | int: ((), (8,), (8, 4), 8),
    tuple[str, ...] | str: AWKWARD,
    list[int]: ([], [1, 2]),
    dict[str, int]: ({}, {"a,b": 1, "--c": -2}),
    Colour: tuple(Colour),
    Colour | None: (None, *Colour),
    tuple[Path, ...]: ((Path("a,b"), Path("--c")),),
}


@pytest.mark.parametrize("kind", [*VALUES, *MORE], ids=str)
def test_a_word_is_read_back_as_the_value(kind):
    for value in (VALUES | MORE)[kind]:
        word = to_word(value, kind)
        again = parse_value(word, kind, "field")
        assert repr(again) == repr(value), (word, value)


@pytest.mark.parametrize("name", catalogue.shipped())
def test_every_field_of_every_experiment_is_read_back_from_its_command(name):
    """All fields have awkward values at once, others in each turn; the test above goes through all values."""
    usual = catalogue.load_experiment(name).Config()
    kinds = fields_of(type(usual))
    for turn in range(4):
        values = {field: VALUES.get(kind) or get_args(kind) for field, kind in kinds.items()}
        for field, of_one in values.items():
            within = range_of(type(usual), field)
            values[field] = tuple(value for value in of_one if not isinstance(value, float) or value in within)
        chosen = {field: of_one[(turn + 5 * at) % len(of_one)] for at, (field, of_one) in enumerate(values.items())}
        config = with_fields(usual, chosen)
        words = shlex.split(command({"experiment": name, "num_steps": None}, config))
        assert words[:3] == ["vae-jax", "train", name]
        assert repr(parse(words[1:]).config) == repr(config), words
        assert len(words) == 3 + len(options_of(config))


OWN = '''"""An experiment."""

from dataclasses import dataclass, field
from pathlib import Path

import vae_jax as vj


@dataclass(frozen=True)
class Part:
    """A part."""

    limit: float | str = "auto"
    """A limit."""
    names: tuple[str, ...] = ("x",)
    """Names."""


@dataclass(frozen=True)
class Config:
    """All."""

    part: Part = field(default_factory=Part)
    """A part."""
    rate: int | float | str = 1
    """A rate."""
    is_deep: bool = True
    """Whether."""
    has_bias: bool = False
    """Whether."""
    where: Path | None = None
    """Where."""
    sizes: tuple[float | None, ...] = (1.0, None)
    """Sizes."""


def data(config: Config) -> vj.data.Dataset:
    """Nothing."""
    raise ValueError("expected to be parsed only")


def experiment(config: Config, data: vj.data.Dataset) -> vj.Experiment:
    """Nothing."""
    raise ValueError("expected to be parsed only")
'''


@pytest.fixture
def own(tmp_path):
    """An experiment with fields of awkward types."""
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return catalogue.load_experiment(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"part.limit": -0.5, "part.names": ("--a", "b,c", ""), "rate": 1.0, "is_deep": False, "has_bias": True},
        {"part.limit": "0.5", "part.names": (), "rate": "1", "where": Path("--x y"), "sizes": ()},
        {"rate": -3, "where": Path("none"), "sizes": (None,)},
        {"part.limit": "nan", "rate": "\\", "sizes": (-1.0, None, 1e-9)},
    ],
    ids=str,
)
def test_fields_of_awkward_types_come_back_from_the_command_and_from_json(own, changes):
    config = with_fields(own.Config(), changes)
    words = [*shlex.split(command({"experiment": str(own.path), "num_steps": 7}, config))]
    train = parse(words[1:])
    assert repr(train.config) == repr(config)
    assert train.options.num_steps == 7
    assert len(words) == len(shlex.split(command({"experiment": str(own.path), "num_steps": 7}, train.config)))
    assert repr(config_from(own, config_to_json(config))) == repr(config)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("--has-bias", {"has_bias": True}),
        ("--has-bias true", {"has_bias": True}),
        ("--has-bias=True", {"has_bias": True}),
        ("--has-bias=false", {}),
        ("--is-deep false", {"is_deep": False}),
        ("--no-is-deep", {"is_deep": False}),
        ("--is-deep --has-bias", {"has_bias": True}),
    ],
)
def test_a_bool_is_an_option_alone_or_with_a_word(own, words, changes):
    config = parse(["train", str(own.path), *words.split()]).config
    assert repr(config) == repr(with_fields(own.Config(), changes))


def test_a_value_as_usual_is_left_out_and_one_that_only_equals_it_is_not(own):
    assert options_of(own.Config()) == []
    assert options_of(with_fields(own.Config(), {"rate": 1.0})) == ["--rate", "1.0"]
    assert options_of(own.Config(is_deep=False, rate=-2), without=["rate"]) == ["--is-deep", "false"]


def test_only_what_looks_like_an_option_is_joined_to_it():
    assert typed("a_b", ["-.5", "-x"]) == ["--a-b", "-.5", "-x"]
    assert typed("a", ["-x"]) == ["--a=-x"]
    assert typed("a", [""]) == ["--a", ""]
