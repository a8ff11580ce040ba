"""A batch spread over the devices of a named axis, for functions that `jax.pmap` and `jax.shard_map` run.

Each device has a share of the batch, and the shares in order are the batch. Without an axis name a share is the whole.
"""

from __future__ import annotations

from typing import Any

import jax

from vae_jax.keys import typed
from vae_jax.types import Key, Keys


def num_examples(share: Any) -> int:
    """The number of examples in a share, along the first axis of its arrays."""
    return len(jax.tree.leaves(share)[0])


def keys_of_share(key: Key | Keys, share: Any, axis_name: str | None = None) -> Keys:
    """A key for each example of a share, by the example's place in the whole batch.

    Args:
        key: The key of the batch, the same on all devices.
        share: The examples, along the first axis.
        axis_name: Name of the axis that the batch is spread over.

    Raises:
        ValueError: If there is a key for each example already: the share is then a part of a batch whose rest is not
            known.
    """
    key = typed(key)
    if key.ndim:
        raise ValueError(
            f"expected one key, of the whole batch; got {len(key)}, of the examples of a share; "
            "state what needs the whole batch by objectives.coupled, and pass axis_name on to it"
        )
    return own_share(jax.random.split(key, num_examples(share) * axis_size(axis_name)), axis_name)


def gathered(shares: Any, axis_name: str | None) -> Any:
    """Arrays of the whole batch, on every device, from the share of each device.

    The gradient adds up what all devices do with a share: after `pmean`, it is that of the mean over them all.
    """
    return _all_gathered(shares, axis_name, "varying")


def everywhere(shares: Any, axis_name: str | None) -> Any:
    """The arrays of `gathered`, but known to be the same on all devices, as a step's results must be; no gradient."""
    return _all_gathered(shares, axis_name, "invarying")


def own_share(whole: Any, axis_name: str | None) -> Any:
    """This device's share of arrays of the whole batch."""
    if axis_name is None:
        return whole

    def own(array: Any) -> Any:
        num = len(array) // axis_size(axis_name)
        return jax.lax.dynamic_slice_in_dim(array, jax.lax.axis_index(axis_name) * num, num)

    return jax.tree.map(own, whole)


def mean_over(shares: Any, axis_name: str | None) -> Any:
    """The mean over the devices, on every one of them."""
    return shares if axis_name is None else jax.lax.pmean(shares, axis_name)


def varying(tree: Any, axis_name: str | None) -> Any:
    """A tree that is the same on all devices, marked as one that may differ, so that each has a gradient of its own.

    Without the mark, `jax.shard_map` sums the gradients over the devices before anybody asks for their mean.
    """
    return tree if axis_name is None else jax.lax.pcast(tree, axis_name, to="varying")


def axis_size(axis_name: str | None) -> int:
    """The number of devices along the axis; 1 without an axis."""
    return 1 if axis_name is None else jax.lax.axis_size(axis_name)


def _all_gathered(shares: Any, axis_name: str | None, to: str) -> Any:
    if axis_name is None:
        return shares
    return jax.tree.map(lambda share: jax.lax.all_gather(share, axis_name, tiled=True, to=to), shares)
