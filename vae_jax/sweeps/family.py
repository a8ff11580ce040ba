"""The experiments of a group: all alike but for some numbers, which may be traced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vae_jax.catalogue import ExperimentFile
from vae_jax.evaluation import Fitted
from vae_jax.experiment import Experiment
from vae_jax.outline import Outline, everything, outline
from vae_jax.runs.run import wire
from vae_jax.sweeps.fields import fields_of, is_number, with_fields
from vae_jax.types import Params

LARGEST_SEED = 2**31 - 1
"""A traced seed is an int32."""

Numbers = Mapping[str, Any]
"""Field -> its value in a lane: a Python number, or a traced scalar."""


class Lane(NamedTuple):
    """What an evaluation of a lane needs as its parameters."""

    numbers: Numbers
    params: Params


class Family(NamedTuple):
    """An experiment as a function of some of its numbers: what `jax.vmap` needs to make lanes of it."""

    file: ExperimentFile
    config: Any
    """Of all the fields that the lanes have in common."""
    num_steps: int | None

    def experiment(self, numbers: Numbers) -> Experiment:
        """The experiment of a lane, its numbers traced or not."""
        experiment = self.file.experiment(with_fields(self.config, numbers))
        if self.num_steps is None:
            return experiment
        return experiment._replace(budget=experiment.budget._replace(num_steps=self.num_steps))

    def checked(self, numbers: Numbers) -> tuple[Experiment, Outline]:
        """The experiment of plain numbers, and its outline: it was seen to work.

        Raises:
            UsageError: With the reason why it does not.
        """
        experiment = wire(self.file, with_fields(self.config, numbers), self.num_steps)
        return experiment, outline(experiment)

    def fitted(self, lane: Lane) -> Fitted:
        """A lane as it is evaluated."""
        return self.experiment(lane.numbers).fitted(lane.params)


def side_by_side(family: Family, numbers: Numbers) -> tuple[str, ...]:
    """The fields that lanes of one program may differ in: floats and the seed, where nothing in Python looks at them.

    An experiment that branches on a number, or makes a NumPy array of it, cannot be traced with it. Such a field makes
    groups instead: slower, and right all the same.

    Args:
        family: The experiment.
        numbers: The swept fields with a value each.
    """
    kinds = fields_of(family.file.Config)
    candidates = [
        name
        for name, value in numbers.items()
        if (is_number(kinds[name]) and isinstance(value, float | int))
        or (name == "seed" and kinds[name] is int and abs(value) <= LARGEST_SEED)
    ]
    rest = {name: value for name, value in numbers.items() if name not in candidates}
    family = family._replace(config=with_fields(family.config, rest))
    if _is_traceable(family, {name: numbers[name] for name in candidates}):
        return tuple(candidates)
    alone = [name for name in candidates if _is_traceable(family, {name: numbers[name]})]
    return tuple(alone) if _is_traceable(family, {name: numbers[name] for name in alone}) else ()


def _is_traceable(family: Family, numbers: Numbers) -> bool:
    try:
        jax.eval_shape(lambda numbers: everything(family.experiment(numbers)), traced(numbers))
    except Exception:
        # Built with plain numbers it works, as was checked before; so it is the tracing that fails, in whatever way.
        return False
    return True


def scalar(name: str, value: Any) -> Array:
    """A number of a field as an array that behaves like a Python number: floats give way to the type they meet."""
    return jnp.asarray(np.int32(value)) if name == "seed" else jnp.asarray(float(value))


def traced(numbers: Numbers) -> dict[str, Array]:
    """The numbers of a lane as arrays."""
    return {name: scalar(name, value) for name, value in numbers.items()}


def stacked_numbers(lanes: Sequence[Numbers]) -> dict[str, Array]:
    """(num lanes,) for each field."""
    return {name: jnp.stack([scalar(name, lane[name]) for lane in lanes]) for name in lanes[0]}
