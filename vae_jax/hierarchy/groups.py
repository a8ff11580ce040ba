"""The groups of a hierarchy: one group of latents, or many alike in one loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
from jax import lax

from vae_jax.types import Distribution, Params

State: TypeAlias = Any
"""The state that the groups above pass to those below, a pytree."""
Features: TypeAlias = Any
"""The features that the encoder finds in an example, a pytree."""


class Group(NamedTuple):
    """One group of latents: pure functions of the model's parameters and the state above it."""

    prior: Callable[[Params, State], Distribution]
    """(parameters, state) -> p(z_l | z_<l)."""
    posterior: Callable[[Params, State, Features], Distribution]
    """(parameters, state, features of x) -> q(z_l | z_<l, x)."""
    down: Callable[[Params, State, Any], State]
    """(parameters, state, z_l) -> the state below."""
    enter: Callable[[Params, State], State] | None = None
    """(parameters, state above) -> the state that the three functions get, computed once for all of them: a network
    that gives p(z_l | z_<l) and also changes the state. None where they get the state as it comes from above."""

    def entered(self, params: Params, state: State) -> State:
        """The state that the group's functions get."""
        return state if self.enter is None else self.enter(params, state)


class Repeated(NamedTuple):
    """A group that is repeated, each time with parameters of its own: several groups, which are compiled once.

    The groups run in one loop, so the state below one is like the state above it in structure, shapes and types. Its
    name has one entry in an event: the z of all its groups along a leading axis, the upper one first. It has one
    distribution, too, a `distributions.Stacked`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import Normal
        >>> from vae_jax.hierarchy import top_down
        >>> step = Group(
        ...     prior=lambda scale, above: Normal(above, scale),
        ...     posterior=lambda scale, above, x: Normal((above + x) / 2, scale),
        ...     down=lambda scale, above, z: z,
        ... )
        >>> bind = top_down(
        ...     {"walk": Repeated(step, 100, lambda params: params["scales"])},
        ...     start=lambda params: jnp.zeros(2),
        ...     features=lambda params, x: x,
        ...     read=lambda params, state: Normal(state, jnp.ones(2)),
        ... )
        >>> bind({"scales": jnp.ones(100)}).prior.sample(jax.random.key(0))["walk"].shape
        (100, 2)
    """

    group: Group
    """The group; its functions take the parameters of one repetition in the place of the model's."""
    num: int
    """The number of groups, ≥ 1. The time to compile does not depend on it."""
    params: Callable[[Params], Params]
    """The model's parameters -> those of all repetitions, each array with a leading axis of `num`."""
    enter: Callable[[Params, State], State] | None = None
    """(the model's parameters, state above) -> the state above the first of the groups: a change of resolution, say.
    None where it is the same."""
    rematerialise: bool = False
    """Whether to keep only the state above each group for the backward pass, and to compute its inside again there:
    less memory, for at most a third more computation (Chen et al. 2016, arXiv:1604.06174)."""

    def entered(self, params: Params, state: State) -> State:
        """The state above the first of the groups."""
        return state if self.enter is None else self.enter(params, state)

    def run(self, name: str, once: Callable[[State, Any], tuple[State, Any]], state: State, inputs: Any) -> Any:
        """`once` in a loop: (state, inputs of one group) -> (state, outputs), the inputs along a leading axis.

        Raises:
            ValueError: If a group changes the state's structure, shapes or types.
        """

        def checked(above: State, inputs: Any) -> tuple[State, Any]:
            below, outputs = once(above, inputs)
            given, got = (jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), state) for state in (above, below))
            if jax.tree.structure(above) != jax.tree.structure(below) or given != got:
                raise ValueError(
                    f"expected a repeated group whose state below is like the state above, {given}; got {got} in "
                    f"{name}; change the state by `enter`, or repeat fewer groups"
                )
            return below, outputs

        # A loop is barrier enough: the compiler cannot share a group's two computations between two loops.
        step = jax.checkpoint(checked, prevent_cse=False) if self.rematerialise else checked
        return lax.scan(step, state, inputs)


Groups: TypeAlias = tuple[tuple[str, Group | Repeated], ...]


def num_single(entry: Group | Repeated) -> int:
    """The number of single groups in an entry of a hierarchy."""
    return entry.num if isinstance(entry, Repeated) else 1
