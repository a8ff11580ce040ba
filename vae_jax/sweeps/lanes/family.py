"""Families: the experiments of a group, which differ only in some numbers that may be traced."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vae_jax.catalogue import ExperimentFile
from vae_jax.config.fields import fields_of, with_fields
from vae_jax.data.dataset import Dataset
from vae_jax.evaluation import Fitted
from vae_jax.experiment import Experiment
from vae_jax.outline import Outline, everything, outline
from vae_jax.runs.wiring import wire
from vae_jax.types import Params

LARGEST_SEED = 2**31 - 1
"""The largest seed that can be traced: a traced seed is an int32."""

Numbers = Mapping[str, Any]
"""Field -> its value in a lane: a Python number, or a traced scalar."""


class Lane(NamedTuple):
    """The numbers and parameters of a lane, which its evaluation takes as one argument."""

    numbers: Numbers
    params: Params


class Family(NamedTuple):
    """An experiment as a function of some of its numbers: what `jax.vmap` needs to make lanes of it."""

    file: ExperimentFile
    config: Any
    """The experiment's `Config`, with the fields that the lanes have in common."""
    num_steps: int | None
    data: Dataset
    """The data of all lanes, which are made of what they have in common."""

    def experiment(self, numbers: Numbers) -> Experiment:
        """The experiment of a lane, its numbers traced or not."""
        experiment = self.file.experiment(with_fields(self.config, numbers), self.data)
        if self.num_steps is None:
            return experiment
        return experiment._replace(budget=experiment.budget._replace(num_steps=self.num_steps))

    def checked(self, numbers: Numbers) -> tuple[Experiment, Outline]:
        """The experiment of plain numbers and its outline, once it is known to work.

        Raises:
            UsageError: If it does not work; the message says why.
        """
        experiment = wire(self.file, with_fields(self.config, numbers), self.num_steps, self.data)
        return experiment, outline(experiment)

    def fitted(self, lane: Lane) -> Fitted:
        """The fitted experiment of a lane, for an evaluation."""
        return self.experiment(lane.numbers).fitted(lane.params)


def side_by_side(family: Family, numbers: Numbers, apart: Collection[str] = ()) -> tuple[str, ...]:
    """The fields that lanes of one program may differ in: floats and the seed, where nothing in Python looks at them.

    An experiment that branches on a number, or makes a NumPy array of it, cannot be traced with it. Such a field makes
    groups instead, which is slower but just as right.

    Args:
        family: The experiment.
        numbers: The swept fields, with one value each.
        apart: Fields among them that make groups whatever the experiment does with them: the data depend on them.
    """
    kinds = fields_of(family.file.Config)
    candidates = [
        name for name, value in numbers.items() if name not in apart and _is_a_number(name, kinds[name], value)
    ]
    rest = {name: value for name, value in numbers.items() if name not in candidates}
    family = family._replace(config=with_fields(family.config, rest))
    if _is_traceable(family, {name: numbers[name] for name in candidates}):
        return tuple(candidates)
    alone = [name for name in candidates if _is_traceable(family, {name: numbers[name]})]
    return tuple(alone) if _is_traceable(family, {name: numbers[name] for name in alone}) else ()


def _is_a_number(name: str, kind: Any, value: Any) -> bool:
    """Whether a field's value can be a scalar of an array: a float, or a seed of 32 bits."""
    if name == "seed" and kind is int:
        return abs(value) <= LARGEST_SEED
    return kind is float and isinstance(value, float | int)


def _is_traceable(family: Family, numbers: Numbers) -> bool:
    try:
        jax.eval_shape(lambda numbers: everything(family.experiment(numbers)), traced(numbers))
    except Exception:
        # It was checked before that it works with plain numbers; so only the tracing can fail, in whatever way.
        return False
    return True


def scalar(name: str, value: Any) -> Array:
    """A number of a field as an array that behaves like a Python number: a float takes the type that it meets."""
    return jnp.asarray(np.int32(value)) if name == "seed" else jnp.asarray(float(value))


def traced(numbers: Numbers) -> dict[str, Array]:
    """The numbers of a lane as arrays."""
    return {name: scalar(name, value) for name, value in numbers.items()}


def stacked_numbers(lanes: Sequence[Numbers]) -> dict[str, Array]:
    """The numbers of several lanes, stacked to (num lanes,) for each field."""
    return {name: jnp.stack([scalar(name, lane[name]) for lane in lanes]) for name in lanes[0]}
