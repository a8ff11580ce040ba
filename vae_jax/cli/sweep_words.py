"""The words of `vae-jax sweep`: several values for the fields of an experiment, beside options of the sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vae_jax.catalogue import ExperimentFile
from vae_jax.cli.help import show_help, side_by_side
from vae_jax.cli.parser import asks_for_help, experiment_behind, is_named, options_behind, value_behind
from vae_jax.cli.sweep_options import SweepOptions, WorkOptions
from vae_jax.config.fields import fields_of, value_of, with_fields
from vae_jax.config.kinds import in_words
from vae_jax.config.words import option_of, to_word
from vae_jax.messages import UsageError
from vae_jax.sweeps.values.axes import Axis, Values, parse_axis


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
        UsageError: If a value is not of its field's type, or is given twice.
    """
    kinds = fields_of(file.Config)
    axes = {name: parse_axis(name, of_one, kinds[name], may_repeat=may_repeat) for name, of_one in words.items()}
    single = {name: axis.values[0] for name, axis in axes.items() if isinstance(axis, Values) and len(axis.values) == 1}
    return with_fields(file.Config(), single), {name: axis for name, axis in axes.items() if name not in single}


def parse_sweep(argv: list[str]) -> Words:
    """Parse `EXPERIMENT --field value value ... --option value`.

    Raises:
        UsageError: If there is no such experiment, field or option, or an option's value is not of its type.
        SystemExit: With 0 after help.
    """
    if not is_named(argv) and asks_for_help(argv):
        print(sweep_usage())
        raise SystemExit(0)
    file = experiment_behind("sweep", argv)
    kinds = fields_of(file.Config)
    if clash := sorted(kinds.keys() & {**_SWEEP, **_WORK}.keys()):
        raise UsageError(
            f"expected a 'Config' without {', '.join(clash)}, which every sweep has; rename it in {file.path}"
        )
    if asks_for_help(argv):
        show_help(side_by_side(_about(file), SweepOptions(), WorkOptions()), f"vae-jax sweep {argv[0]}")
    words = options_behind("sweep", argv[1:], file, kinds | _SWEEP | _WORK, "the sweep")
    options, work = (
        {name: value_behind(name, kind, words[name]) for name, kind in ours.items() if name in words}
        for ours in (_SWEEP, _WORK)
    )
    fields = {name: of_one for name, of_one in words.items() if name in kinds}
    return Words(file, fields, with_fields(SweepOptions(), options), with_fields(WorkOptions(), work), tuple(argv))


_SWEEP, _WORK = fields_of(SweepOptions), fields_of(WorkOptions)


def _about(file: ExperimentFile) -> str:
    """The help of the fields of an experiment, each of which may be swept."""
    defaults = file.Config()
    lines = [
        f"  {option_of(name)}: {in_words(kind)}; {to_word(value_of(defaults, name), kind)}"
        for name, kind in fields_of(file.Config).items()
    ]
    return "\n".join(
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
