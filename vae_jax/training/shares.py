"""A step's batch in shares: over the devices of a named axis, and in parts one after another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from vae_jax.axis import keys_of_share, num_examples, varying
from vae_jax.stated import couples_examples
from vae_jax.types import Key, Keys


class Shares(NamedTuple):
    """The division of a step's batch into shares."""

    axis_name: str | None = None
    """The axis of devices that `step` runs along, under `jax.pmap` or `jax.shard_map`; None for one share."""
    num_parts: int = 1
    """Parts of a device's share, whose gradients are computed one after another and added: less memory, same step."""

    @property
    def is_whole(self) -> bool:
        """Whether a step sees its batch as a whole."""
        return self.axis_name is None and self.num_parts == 1

    @property
    def words(self) -> str:
        """The division in words, for error messages."""
        over = [] if self.axis_name is None else [f"over the axis '{self.axis_name}'"]
        return " and ".join(over + ([] if self.num_parts == 1 else [f"in {self.num_parts} parts"]))

    def fitted(self, objective: Callable[..., Any]) -> Callable[..., Any]:
        """An objective of a batch, given the axis where it couples the examples of a batch.

        Raises:
            ValueError: If the objective needs the whole batch and does not get it, or does not state whether it does.
        """
        if self.is_whole:
            return objective
        couples = couples_examples(objective)
        if couples is None:
            raise ValueError(
                f"expected an objective that states whether it couples its examples, for a batch {self.words}; "
                "got one that does not; make it by over_batch, or state it: objectives.separable, objectives.coupled"
            )
        if couples and self.num_parts > 1:
            raise ValueError(
                f"expected an objective that is a mean over examples, for a batch {self.words}; "
                "got one that needs the whole batch; use num_parts=1"
            )
        return partial(objective, axis_name=self.axis_name) if couples else objective

    def keys(self, objective: Callable[..., Any], key: Key, batch: Any) -> Key | Keys:
        """The key of an objective: that of the batch, or one for each example of a share."""
        if self.is_whole or couples_examples(objective):
            return key
        return keys_of_share(key, batch, self.axis_name)

    def over_parts(self, function: Callable[[Any, Any], tuple[Any, Any]], keys: Any, batch: Any) -> tuple[Any, Any]:
        """`function(keys, batch)` of each part of a share, one after another.

        Args:
            function: Returns a mean over the examples of a part, and arrays with one entry for each of them.
            keys: A key for each example of the share, if it has parts.
            batch: The share.

        Returns:
            The mean over the parts, and the arrays of the whole share, its examples in their order.

        Raises:
            ValueError: If the parts would not be of the same size.
        """
        if self.num_parts == 1:
            return function(keys, batch)
        num = num_examples(batch)
        if num % self.num_parts:
            low = num // self.num_parts * self.num_parts
            raise ValueError(
                f"expected a batch (or a device's share of it) that {self.num_parts} parts divide; got {num}; "
                f"use {low or self.num_parts} or {low + self.num_parts}"
            )

        # Every n-th example, not a stretch of them: where the batch is spread over devices, each has its part of each.
        def parts(array: Any) -> Any:
            return jnp.moveaxis(array.reshape(num // self.num_parts, self.num_parts, *array.shape[1:]), 1, 0)

        def whole(array: Any) -> Any:
            return jnp.moveaxis(array, 1, 0).reshape(num, *array.shape[2:])

        def add(total: Any, part: Any) -> tuple[Any, Any]:
            mean, of_each = function(*part)
            return jax.tree.map(jnp.add, total, mean), of_each

        of_parts = jax.tree.map(parts, (keys, batch))
        first = jax.tree.map(lambda array: array[0], of_parts)
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(function, *first)[0])
        total, of_each = jax.lax.scan(add, varying(zeros, self.axis_name), of_parts)
        return jax.tree.map(lambda array: array / self.num_parts, total), jax.tree.map(whole, of_each)
