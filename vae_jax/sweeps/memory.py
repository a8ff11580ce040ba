"""How many lanes fit into the memory."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from vae_jax.machine.memory import in_words
from vae_jax.messages import UsageError
from vae_jax.sweeps.family import Family, Numbers
from vae_jax.sweeps.lanes import abstract_step

NUM_STATES = 4
"""Of each lane: where it is and where it was at its best, and both anew while they are replaced."""
SHARE = 0.9
"""Of the free memory, what a sweep takes: the estimate leaves out what is small."""


class Need(NamedTuple):
    """Bytes that a sweep takes on a device."""

    data: int
    """Once, however many lanes there are."""
    state: int
    """Of each lane: `NUM_STATES` times its arrays."""
    step: int
    """Of each lane that is trained at the same time: activations and gradients."""

    def of(self, num_lanes: int) -> int:
        """Of so many lanes, side by side."""
        return self.data + num_lanes * (self.state + self.step)


def need(family: Family, numbers: Numbers) -> Need:
    """What lanes of a family take, from the shapes of their arrays; the step's part is an upper bound."""
    step, (progress, arrays, examples) = abstract_step(family, numbers)
    computed = jax.make_jaxpr(step)(progress, arrays, examples)
    return Need(num_bytes(examples), NUM_STATES * num_bytes(progress), _intermediates(computed.jaxpr))


def exact_need(family: Family, numbers: Numbers, upper: Need) -> Need:
    """`need` with the step's part as the compiler tells it for one lane, which takes seconds to learn."""
    step, arguments = abstract_step(family, numbers)
    analysis: Any = jax.jit(step, donate_argnums=0).lower(*arguments).compile().memory_analysis()
    temporary = getattr(analysis, "temp_size_in_bytes", None)
    return upper if not temporary else upper._replace(step=min(temporary, upper.step))


def lanes_that_fit(family: Family, numbers: Numbers, wanted: int, free: int | None) -> int:
    """How many lanes can be trained side by side, at most as many as are wanted.

    Args:
        family: The lanes' experiment.
        numbers: Of one of them.
        wanted: On one device.
        free: Bytes on it; None if nobody knows, and then all fit.

    Raises:
        UsageError: If not even one does.
    """
    if free is None:
        return wanted
    free = int(free * SHARE)
    takes = need(family, numbers)
    if takes.of(wanted) <= free:
        return wanted
    takes = exact_need(family, numbers, takes)
    fitting = (free - takes.data) // (takes.state + takes.step)
    if fitting < 1:
        raise UsageError(
            f"expected a lane that fits into the memory; a single one needs {in_words(takes.of(1))} (data "
            f"{in_words(takes.data)}, state {in_words(takes.state)}, a step {in_words(takes.step)}) and "
            f"may take {in_words(free)}, {SHARE:.0%} of what there is; take a smaller model, batch or data, or "
            "give more by --lanes.memory"
        )
    return min(wanted, fitting)


def in_waves(num_lanes: int, fitting: int) -> int:
    """Lanes of a wave, where all waves are as large as one another.

    Example:
        >>> in_waves(10, 8), in_waves(64, 64)
        (5, 64)
    """
    return math.ceil(num_lanes / math.ceil(num_lanes / fitting))


def num_bytes(tree: Any) -> int:
    """Of arrays, or of their shapes."""

    def of_leaf(leaf: Any) -> int:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.eval_shape(jax.random.key_data, leaf)
        return math.prod(leaf.shape) * leaf.dtype.itemsize

    return sum(map(of_leaf, jax.tree.leaves(tree)))


def _intermediates(jaxpr: Any) -> int:
    """Bytes of all that is computed on the way: more than is ever there at once."""
    total = 0
    for equation in jaxpr.eqns:
        # A scan's results are those of all its steps, of which its inner program has only one.
        total += sum(num_bytes(variable.aval) for variable in equation.outvars)
        total += sum(_intermediates(value) for value in jax.tree.leaves(equation.params) if hasattr(value, "eqns"))
    return total
