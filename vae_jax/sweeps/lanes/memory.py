"""The number of lanes that fit into memory."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from vae_jax.machine.memory import in_words
from vae_jax.messages import UsageError
from vae_jax.sweeps.lanes.family import Family, Numbers
from vae_jax.sweeps.lanes.lanes import abstract_step

NUM_STATES = 4
"""States of each lane in memory: the present and the best one, and both anew while they are replaced."""
SHARE = 0.9
"""Share of the free memory that a sweep takes: the estimate leaves out what is small."""


class Need(NamedTuple):
    """Bytes that a sweep takes on a device."""

    data: int
    """Bytes of the data, once for all lanes."""
    state: int
    """Bytes of each lane's states: `NUM_STATES` times its arrays."""
    step: int
    """Bytes of the activations and gradients of each lane that is trained at the same time."""

    def of(self, num_lanes: int) -> int:
        """Bytes that so many lanes take side by side."""
        return self.data + num_lanes * (self.state + self.step)


def need(family: Family, numbers: Numbers) -> Need:
    """The need of a family's lanes, from the shapes of their arrays; the step's part is an upper bound."""
    step, (progress, arrays, examples) = abstract_step(family, numbers)
    computed = jax.make_jaxpr(step)(progress, arrays, examples)
    return Need(num_bytes(examples), NUM_STATES * num_bytes(progress), _intermediates(computed.jaxpr))


def exact_need(family: Family, numbers: Numbers, upper: Need) -> Need:
    """The need with the step's part from the compiler, for one lane; the compilation takes seconds."""
    step, arguments = abstract_step(family, numbers)
    analysis: Any = jax.jit(step, donate_argnums=0).lower(*arguments).compile().memory_analysis()
    temporary = getattr(analysis, "temp_size_in_bytes", None)
    return upper if not temporary else upper._replace(step=min(temporary, upper.step))


def lanes_that_fit(family: Family, numbers: Numbers, wanted: int, free: int | None) -> int:
    """The number of lanes that can be trained side by side, at most as many as are wanted.

    Args:
        family: The lanes' experiment.
        numbers: Numbers of one of the lanes.
        wanted: Number of lanes wanted on one device.
        free: Free bytes of the device; None if unknown, and then all lanes fit.

    Raises:
        UsageError: If not even one lane fits.
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
    """The number of lanes in a wave, where the waves are equally large.

    Example:
        >>> in_waves(10, 8), in_waves(64, 64)
        (5, 64)
    """
    return math.ceil(num_lanes / math.ceil(num_lanes / fitting))


def num_bytes(tree: Any) -> int:
    """The number of bytes of arrays, or of arrays with given shapes."""

    def of_leaf(leaf: Any) -> int:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.eval_shape(jax.random.key_data, leaf)
        return math.prod(leaf.shape) * leaf.dtype.itemsize

    return sum(map(of_leaf, jax.tree.leaves(tree)))


def _intermediates(jaxpr: Any) -> int:
    """Bytes of all intermediate results: more than ever exist at once."""
    total = 0
    for equation in jaxpr.eqns:
        # The results of a scan are those of all its steps; its inner program has the results of only one.
        total += sum(num_bytes(variable.aval) for variable in equation.outvars)
        total += sum(_intermediates(value) for value in jax.tree.leaves(equation.params) if hasattr(value, "eqns"))
    return total
