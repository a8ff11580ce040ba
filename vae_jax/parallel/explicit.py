"""Meshes whose axes are Explicit, as those of `jax.make_mesh` are by default since jax 0.9."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec


def spread_by_the_compiler(step: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """A step that takes arrays with Explicit shardings, too.

    An Explicit axis asks every operation inside to say how its result is spread, which networks do not. So inside, the
    axes are Auto: the compiler spreads the work, and the next state lies where the state lay.

    Args:
        step: (state, batch) -> (state, metrics). The next state lies as the state did, the metrics on every device.
    """

    @wraps(step)
    def spread(state: Any, batch: Any) -> tuple[Any, Any]:
        meshes = {_mesh_of(leaf) for leaf in jax.tree.leaves((state, batch))}
        explicit = [mesh for mesh in meshes if AxisType.Explicit in mesh.axis_types]
        if not explicit:
            return step(state, batch)
        mesh = explicit[0]
        kinds = zip(mesh.axis_names, mesh.axis_types, strict=True)
        axes = tuple(name for name, kind in kinds if kind is AxisType.Explicit)
        everywhere = NamedSharding(mesh, PartitionSpec())
        as_before = jax.tree.map(
            lambda leaf: jax.typeof(leaf).sharding if _mesh_of(leaf) == mesh else everywhere, state
        )
        auto: Any = jax.sharding.auto_axes(step, axes=axes, out_sharding=(as_before, everywhere))
        return auto(state, batch)

    return spread


def _mesh_of(leaf: Any) -> Any:
    return jax.typeof(leaf).sharding.mesh
