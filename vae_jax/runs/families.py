"""The distributions that a run is made of: its checkpoints hold arrays, and cannot tell one family from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

from vae_jax.messages import UsageError
from vae_jax.outline import Outline


def families(outline: Outline) -> dict[str, str]:
    """The classes behind one draw of the model and among its parameters, by the part that they play."""
    one = outline.draw
    parts = {
        "posterior": one.posterior,
        "prior": one.prior,
        "likelihood": one.likelihood,
        "parameters": outline.state.params,
    }
    return {part: named for part, node in parts.items() if (named := classes(node))}


def check_families(recorded: dict[str, str] | None, outline: Outline, path: Path) -> None:
    """Check that an experiment makes the distributions that a run was started with.

    Args:
        recorded: The `families` at the start; None for a run of an earlier version, which did not record them.
        outline: The outline of the present experiment.
        path: The run's directory, for the message.

    Raises:
        UsageError: If a part differs; the message names it.
    """
    if recorded is None:
        return
    now = families(outline)
    for part in sorted(recorded.keys() | now.keys(), key=[*recorded, *now].index):
        then, here = recorded.get(part, "none"), now.get(part, "none")
        if then != here:
            raise UsageError(
                f"expected the {part} of the run in {path}, {then}; got {here}: the experiment has changed; "
                "take back the change, or train a new run"
            )


def classes(node: Any) -> str:
    """The name of a node's class with those inside it, as in `Mixture(Normal)`; arrays and containers have none."""
    children = [child for child in jax.tree.leaves(node, is_leaf=lambda part: part is not node) if child is not node]
    inside = ", ".join(dict.fromkeys(filter(None, map(classes, children))))
    if hasattr(node, "dtype") or isinstance(node, float | int) or type(node) in (dict, list, tuple):
        return inside
    return f"{type(node).__name__}({inside})" if inside else type(node).__name__
