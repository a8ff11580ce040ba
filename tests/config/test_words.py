"""The fields of a `Config`: their names, types, and the values that words stand for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional

import pytest

from vae_jax import catalogue
from vae_jax.config.fields import fields_of, value_of, with_fields
from vae_jax.config.kinds import in_words
from vae_jax.config.words import option_of, parse_value, to_word
from vae_jax.data.config import DataConfig
from vae_jax.messages import UsageError


@dataclass(frozen=True)
class Inner:
    """A part."""

    rate: float = 0.5
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    """Fields of every type, two levels of them nested."""

    seed: int = 0
    sizes: tuple[int, ...] = (16, 8)
    size: int | None = None
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"expected a seed of 0 or more; got {self.seed}")


@dataclass(frozen=True)
class Outermost:
    """A part with a part."""

    outer: Outer = field(default_factory=Outer)


def experiment_fields() -> list[Any]:
    """(Config, field, type) of all that comes with vae-jax."""
    files = [catalogue.load_experiment(path) for path in catalogue.shipped().values()]
    return [(file.Config, name, kind) for file in files for name, kind in fields_of(file.Config).items()]


def test_the_fields_of_an_experiment_with_their_types():
    kinds = fields_of(catalogue.load_experiment("vae").Config)
    assert list(kinds)[:3] == ["seed", "data.name", "data.dir"]
    assert "data" not in kinds
    assert {name: kinds[name] for name in ("seed", "beta", "activation", "data.image_size", "data.colour")} == {
        "seed": int,
        "beta": float,
        "activation": str,
        "data.image_size": int | None,
        "data.colour": Literal["stored", "rgb", "grey"],
    }
    assert kinds["hidden_sizes"] == tuple[int, ...]


def test_every_value_of_every_experiment_is_a_word_that_is_read_back():
    cases = experiment_fields()
    assert len(cases) > 100
    for config, name, kind in cases:
        value = value_of(config(), name)
        assert parse_value(to_word(value), kind, name) == value, (config, name)
        assert "<" not in in_words(kind), (config, name, in_words(kind))


def test_fields_of_parts_are_changed_and_nothing_else():
    changed = with_fields(Outer(), {"inner.rate": 0.1, "seed": 3, "inner.kind": "b"})
    assert changed == Outer(seed=3, inner=Inner(0.1, "b"))
    assert with_fields(Outer(size=4, inner=Inner(kind="b")), {"inner.rate": 2.0}) == Outer(
        size=4, inner=Inner(2.0, "b")
    )
    assert with_fields(Outer(), {}) == Outer()
    assert [value_of(changed, name) for name in ("inner.rate", "seed", "sizes")] == [0.1, 3, (16, 8)]


def test_a_config_that_refuses_a_value_says_why():
    with pytest.raises(UsageError, match=r"^expected a seed of 0 or more; got -1$"):
        with_fields(Outer(), {"seed": -1})


def test_fields_of_parts_of_parts():
    assert list(fields_of(Outermost)) == [
        f"outer.{name}" for name in ("seed", "sizes", "size", "inner.rate", "inner.kind")
    ]
    changed = with_fields(Outermost(), {"outer.inner.rate": 9.0, "outer.seed": 1})
    assert changed == Outermost(Outer(seed=1, inner=Inner(9.0)))
    assert value_of(changed, "outer.inner.rate") == 9.0


@pytest.mark.parametrize(
    ("word", "kind", "value"),
    [
        ("0.1", float, 0.1),
        ("1", float, 1.0),
        ("-1e-3", float, -0.001),
        ("8", int, 8),
        ("-1", int, -1),
        ("relu", str, "relu"),
        ("", str, ""),
        ("none", str, "none"),
        ("true", bool, True),
        ("False", bool, False),
        ("none", int | None, None),
        ("None", int | None, None),
        ("3", int | None, 3),
        ("3", Optional[int], 3),  # noqa: UP045 (the other spelling of a union)
        ("none", str | None, None),
        ("word", str | None, "word"),
        ("3", int | str, 3),
        ("three", str | int, "three"),
        ("1.5", int | float, 1.5),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
        ("none", Literal["a"] | None, None),
        ("512,256", tuple[int, ...], (512, 256)),
        ("512", tuple[int, ...], (512,)),
        ("512,", tuple[int, ...], (512,)),
        ("", tuple[int, ...], ()),
        ("0.5,1", tuple[float, ...], (0.5, 1.0)),
        ("3,x", tuple[int, str], (3, "x")),
        ("a,b", tuple[str, ...], ("a", "b")),
        ("here/there", Path, Path("here/there")),
    ],
    ids=str,
)
def test_a_word_is_a_value(word, kind, value):
    found = parse_value(word, kind, "field")
    assert (found, type(found)) == (value, type(value))
    assert parse_value(to_word(value), kind, "field") == value


@pytest.mark.parametrize(
    ("word", "kind", "message"),
    [
        ("fast", float, "expected a number for --learning-rate; got 'fast'"),
        ("", float, "expected a number for --learning-rate; got ''"),
        ("-inf", float, "expected a number for --learning-rate; got '-inf'"),
        ("1,2", float, "expected a number for --learning-rate; got '1,2'"),
        ("1.0", int, "expected an integer for --learning-rate; got '1.0'"),
        ("yes", bool, "expected true or false for --learning-rate; got 'yes'"),
        ("1", bool, "expected true or false for --learning-rate; got '1'"),
        ("x", int | None, "expected an integer or none for --learning-rate; got 'x'"),
        ("nan", float | None, "expected a number or none for --learning-rate; got 'nan'"),
        ("nan", float | str, "expected a number or a word for --learning-rate; got 'nan'"),
        (
            "a,1e999",
            tuple[float | str, ...],
            "expected numbers or words with commas between for --learning-rate; got 'a,1e999'",
        ),
        ("1,x", tuple[int, ...], "expected integers with commas between for --learning-rate; got '1,x'"),
        ("1,nan", tuple[float, ...], "expected numbers with commas between for --learning-rate; got '1,nan'"),
        ("1", tuple[int, int], "expected 2 integers with commas between for --learning-rate; got '1'"),
        (
            "rellu",
            Literal["relu", "tanh"],
            "expected relu or tanh for --learning-rate; got 'rellu'; did you mean 'relu'?",
        ),
        (
            "tahn",
            Literal["relu", "tanh"] | None,
            "expected relu or tanh or none for --learning-rate; got 'tahn'; did you mean 'tanh'?",
        ),
        ("a", dict[str, int], "expected dict for --learning-rate; got 'a'"),
    ],
)
def test_a_word_that_is_no_such_value(word, kind, message):
    with pytest.raises(UsageError) as caught:
        parse_value(word, kind, "learning_rate")
    assert str(caught.value) == message


def test_an_option_is_what_is_typed():
    assert option_of("data.image_size") == "--data.image-size"


def test_a_path_in_words():
    assert in_words(Path | None) == "a path or none"
    assert fields_of(DataConfig)["name"] is str


def test_the_home_folder_may_be_written_as_a_shell_does(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    for kind in (Path, Path | None):
        assert parse_value("~/runs", kind, "run_dir") == Path("/home/me/runs")
        assert parse_value("~nobody-here/runs", kind, "run_dir") == Path("~nobody-here/runs")
    assert parse_value("~/runs", str, "name") == "~/runs"
