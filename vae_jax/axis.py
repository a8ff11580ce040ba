"""A batch spread over the devices of a named axis, for functions that `jax.pmap` and `jax.shard_map` run.

Each device has a share of the batch, and the shares in order are the batch. Without an axis name a share is the whole.
"""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Shaped

from vae_jax.keys import typed
from vae_jax.types import Key


def num_examples(share: Any) -> int:
    """Along the first axis of its arrays."""
    return len(jax.tree.leaves(share)[0])


def keys_of_share(key: Key, share: Any, axis_name: str | None = None) -> Shaped[Key, " num"]:
    """A key for each example of a share, as its place in the whole batch has it.

    Args:
        key: Of the batch, the same on all devices.
        share: The examples, along the first axis.
        axis_name: Of the axis that the batch is spread over.

    Raises:
        ValueError: If there is a key for each example already: a part of a batch, of which nobody knows the rest.
    """
    key = typed(key)
    if key.ndim:
        raise ValueError(
            f"expected one key, of the whole batch; got {len(key)}, of the examples of a share; "
            "state what needs the whole batch by objectives.coupled, and pass axis_name on to it"
        )
    return own_share(jax.random.split(key, num_examples(share) * axis_size(axis_name)), axis_name)


def gathered(shares: Any, axis_name: str | None) -> Any:
    """Arrays of the whole batch, on every device, from each one's share.

    Its gradient adds up what the devices do with a share: after `pmean`, that of the mean over them all.
    """
    return _all_gathered(shares, axis_name, "varying")


def everywhere(shares: Any, axis_name: str | None) -> Any:
    """As `gathered`, and known to be the same on all devices, as what a step returns has to be; without a gradient."""
    return _all_gathered(shares, axis_name, "invarying")


def own_share(whole: Any, axis_name: str | None) -> Any:
    """The share of this device of arrays of the whole batch."""
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
    """What is the same on all devices, as something that may differ, so that each has a gradient of its own.

    Without it `jax.shard_map` sums the gradients over the devices before anybody asks for their mean.
    """
    return tree if axis_name is None else jax.lax.pcast(tree, axis_name, to="varying")


def axis_size(axis_name: str | None) -> int:
    """How many devices there are along the axis."""
    return 1 if axis_name is None else jax.lax.axis_size(axis_name)


def _all_gathered(shares: Any, axis_name: str | None, to: str) -> Any:
    if axis_name is None:
        return shares
    return jax.tree.map(lambda share: jax.lax.all_gather(share, axis_name, tiled=True, to=to), shares)
