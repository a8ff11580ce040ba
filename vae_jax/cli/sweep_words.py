"""The words of `vae-jax sweep`: several values for the fields of an experiment, beside options of the sweep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_origin

import tyro

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.cli.sweep_options import SweepOptions, WorkOptions
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.sweeps.axes import Axis, Values, parse_axis
from vae_jax.sweeps.fields import fields_of, in_words, option_of, parse_value, to_word, value_of, with_fields


class Words(NamedTuple):
    """The words that were typed after `sweep`, parsed."""

    file: ExperimentFile
    fields: Mapping[str, Sequence[str]]
    """Field -> the words after it."""
    options: SweepOptions
    work: WorkOptions
    argv: tuple[str, ...]
    """All the words as typed, for workers elsewhere."""


def config_and_axes(
    file: ExperimentFile, words: Mapping[str, Sequence[str]], *, may_repeat: bool = False
) -> tuple[Any, dict[str, Axis]]:
    """A config of the fields that have one value, and axes of those that have more.

    Args:
        file: The experiment's file.
        words: Field -> the words after it.
        may_repeat: Whether a field may have a value more than once.

    Raises:
        UsageError: If a value is not of its field's type, is given twice, or cannot be swept.
    """
    kinds = fields_of(file.Config)
    axes = {name: parse_axis(name, of_one, kinds[name], may_repeat=may_repeat) for name, of_one in words.items()}
    single = {name: axis.values[0] for name, axis in axes.items() if isinstance(axis, Values) and len(axis.values) == 1}
    axes = {name: axis for name, axis in axes.items() if name not in single}
    for name, axis in axes.items():
        if isinstance(axis, Values) and any(isinstance(value, Path) for value in axis.values):
            raise UsageError(
                f"expected one path for {option_of(name)}, which cannot be swept; got {len(axis.values)}; make it a str"
            )
    return with_fields(file.Config(), single), axes


def parse_sweep(argv: list[str]) -> Words:
    """Parse `EXPERIMENT --field value value ... --option value`.

    Raises:
        UsageError: If there is no such experiment, field or option, or an option's value is not of its type.
        SystemExit: With 0 after help.
    """
    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            print(sweep_usage())
            raise SystemExit(0)
        raise UsageError("expected the name or file of an experiment behind 'sweep'; 'vae-jax list' names them")
    file = load_experiment(argv[0])
    kinds = fields_of(file.Config)
    if clash := sorted(kinds.keys() & {**_SWEEP, **_WORK}.keys()):
        raise UsageError(
            f"expected a 'Config' without {', '.join(clash)}, which every sweep has; rename it in {file.path}"
        )
    if {"-h", "--help"} & {*argv}:
        tyro.cli(_options(file), args=["--help"], prog=f"vae-jax sweep {argv[0]}", config=_FLAGS)
    words = _apart(file, argv[1:])
    options, work = (
        {name: _option_value(name, kind, words[name]) for name, kind in ours.items() if name in words}
        for ours in (_SWEEP, _WORK)
    )
    fields = {name: of_one for name, of_one in words.items() if name in kinds}
    return Words(file, fields, with_fields(SweepOptions(), options), with_fields(WorkOptions(), work), tuple(argv))


def _apart(file: ExperimentFile, argv: list[str]) -> dict[str, list[str]]:
    """Field or option -> the words after it."""
    kinds = fields_of(file.Config)
    known = [option_of(name) for name in (*kinds, *_SWEEP, *_WORK)]
    found: dict[str, list[str]] = {}
    words: list[str] | None = None
    for word in argv:
        if not word.startswith("--"):
            if words is None:
                hint = did_you_mean(f"-{word}", known) or f"; 'vae-jax sweep {file.name} --help' names all"
                raise UsageError(f"expected an option before any value, such as {known[0]}; got '{word}'{hint}")
            words.append(word)
            continue
        option, equals, value = word.partition("=")
        option = option.replace("_", "-")
        if option not in known:
            raise UsageError(
                f"expected a field of {file.name} ({', '.join(kinds)}) or an option of the sweep; "
                f"got '{option}'{did_you_mean(option, known)}"
            )
        name = option[2:].replace("-", "_")
        if name in found:
            raise UsageError(f"expected {option} once, all its values behind it; got it twice")
        words = found[name] = [value] if equals else []
    return found


def _option_value(name: str, kind: Any, words: Sequence[str]) -> Any:
    """The value of an option of the sweep, from several words, one word, or, for a flag, none."""
    if get_origin(kind) is tuple and words:
        return tuple(words)
    if kind is bool and not words:
        return True
    if len(words) != 1:
        got = f"'{' '.join(words)}'" if words else "none"
        raise UsageError(f"expected {'no' if kind is bool else 'one'} value behind {option_of(name)}; got {got}")
    return parse_value(words[0], kind, name)


_SWEEP, _WORK = fields_of(SweepOptions), fields_of(WorkOptions)
_FLAGS = (tyro.conf.FlagCreatePairsOff,)


def _options(file: ExperimentFile) -> type:
    def flat(kind: type) -> Any:
        return Annotated[kind, tyro.conf.arg(name="")]

    defaults = file.Config()
    lines = [
        f"  {option_of(name)}: {in_words(kind)}; {to_word(value_of(defaults, name))}"
        for name, kind in fields_of(file.Config).items()
    ]
    about = "\n".join(
        [
            file.summary,
            "",
            "Fields, each with one value or more behind it, and their defaults:",
            "",
            *lines,
            "",
            "Ranges: --seed 0:10, --beta 0.5:8:4 (four points), --learning-rate 1e-4:1e-2:log (for a search).",
        ]
    )
    return dataclasses.make_dataclass(
        "Options",
        [
            ("sweep", flat(SweepOptions), dataclasses.field(default_factory=SweepOptions)),
            ("work", flat(WorkOptions), dataclasses.field(default_factory=WorkOptions)),
        ],
        namespace={"__doc__": about},
    )


def sweep_usage() -> str:
    """The help of `vae-jax sweep` without an experiment."""
    return "\n".join(
        [
            "usage: vae-jax sweep NAME|FILE --FIELD VALUE VALUE ... [--run-dir DIR] ...",
            "",
            "Train many variants of an experiment side by side, or search among them.",
            "",
            "'vae-jax sweep NAME --help' tells fields and options. For example:",
            "",
            "  vae-jax sweep vae --beta 1 2 4 8 --learning-rate 3e-4 1e-3 --seed 0:5",
            "  vae-jax sweep vae --beta 0.5:8 --learning-rate 1e-4:1e-2:log --search tpe --trials 64",
        ]
    )
