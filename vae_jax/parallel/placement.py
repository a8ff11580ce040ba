"""The placement of a run's arrays on its mesh: the batch in shares, the state whole or in parts."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vae_jax.parallel.mesh import mesh_of

SMALLEST_IN_PARTS = 2**12
"""Numbers in an array that is cut. A smaller array is not worth the exchange, and lies whole on every device."""


class Placement(NamedTuple):
    """Shardings of what a run computes with, on a mesh with axes ("run", "data", "params")."""

    mesh: Mesh

    @property
    def everywhere(self) -> NamedSharding:
        """The sharding of arrays that lie whole on every device."""
        return NamedSharding(self.mesh, PartitionSpec())

    @property
    def in_shares(self) -> NamedSharding:
        """The sharding of arrays whose first axis is shared out over all devices."""
        return NamedSharding(self.mesh, PartitionSpec(("data", "params")))

    def of_state(self, state: Any) -> Any:
        """Fully sharded data parallelism: every large array in parts along its longest axis that can be cut.

        Args:
            state: Arrays, or their shapes from `jax.eval_shape`: parameters, the optimizer's moments, all that is kept.

        Source: Zhao et al. 2023, arXiv:2304.11277.
        """
        return jax.tree.map(lambda leaf: NamedSharding(self.mesh, PartitionSpec(*self._parts(leaf.shape))), state)

    def of_lanes(self, lanes: Any) -> Any:
        """The shardings of `of_state` for arrays with a first axis of lanes, which is shared out along "run"."""
        return jax.tree.map(
            lambda leaf: NamedSharding(self.mesh, PartitionSpec("run", *self._parts(leaf.shape[1:]))), lanes
        )

    def _parts(self, shape: tuple[int, ...]) -> tuple[str | None, ...]:
        num = self.mesh.shape["params"]
        axes = [axis for axis in range(len(shape)) if shape[axis] % num == 0]
        if num == 1 or not axes or math.prod(shape) < SMALLEST_IN_PARTS:
            return ()
        cut = max(axes, key=lambda axis: shape[axis])
        return (*[None] * cut, "params")

    def put(self, arrays: Any) -> Any:
        """Arrays that every process has whole, placed whole on every device."""
        return jax.tree.map(
            lambda array: jax.make_array_from_callback(array.shape, self.everywhere, lambda index: array[index]), arrays
        )

    def put_share(self, share: Any) -> Any:
        """This process's share of a batch, placed as a part of the whole batch."""
        return jax.tree.map(lambda array: jax.make_array_from_process_local_data(self.in_shares, array), share)

    def whole(self, tree: Any) -> Any:
        """Arrays that lie anywhere on the mesh, whole, in this process's own memory."""
        gathered = jax.jit(lambda tree: tree, out_shardings=self.everywhere)(tree)
        return jax.tree.map(lambda array: array.addressable_data(0), gathered)


def on_one_device() -> Placement:
    """The placement of everything on this process's first device."""
    return Placement(mesh_of(jax.local_devices()[:1]))
