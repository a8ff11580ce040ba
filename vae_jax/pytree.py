"""Dataclasses as pytrees whose class counts.

`jax.tree_util.register_dataclass` of jax 0.10 to 0.12 makes the tree structures of two classes equal if they have as
many fields and equal static values. Under `jax.jit`, jax 0.10 then serves some calls with the program that it compiled
for another class; in all three, `jax.lax.cond` and a program compiled ahead of time take one class for another. Classes
that are registered with functions of their own are told apart. When every supported version of jax tells dataclasses
apart, this file can go: its callers then import the function from `jax.tree_util`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar

import jax

T = TypeVar("T")


def register_dataclass(node_type: type[T]) -> type[T]:
    """Register a dataclass as a pytree: a decorator, to stand above `dataclasses.dataclass`.

    The fields are subtrees, in their order, except for those with `metadata={"static": True}`: they belong to the
    structure, and are compared and hashed. Leaves, paths and static values are those of
    `jax.tree_util.register_dataclass`; structures of two classes are never equal.

    Args:
        node_type: A dataclass. Its constructor must accept any values, since JAX builds nodes of tracers and of
            placeholders.

    Returns:
        The same class.

    Raises:
        TypeError: If `node_type` is not a dataclass, or has a field that its constructor does not take.

    Example:
        >>> from dataclasses import dataclass
        >>> @register_dataclass
        ... @dataclass(frozen=True)
        ... class Pair:
        ...     first: float
        ...     second: float
        >>> jax.tree.map(lambda leaf: 2 * leaf, Pair(1.0, 2.0))
        Pair(first=2.0, second=4.0)
    """
    if not dataclasses.is_dataclass(node_type):
        raise TypeError(f"expected a dataclass; got {node_type!r}; put @dataclass(frozen=True) below this decorator")
    fields = dataclasses.fields(node_type)
    for field in fields:
        if not field.init:
            raise TypeError(
                f"expected fields that the constructor takes; {node_type.__name__}.{field.name} has init=False; "
                "make it a property"
            )
    static = [field.name for field in fields if field.metadata.get("static", False)]
    data = [field.name for field in fields if field.name not in static]
    names, keys = (*data, *static), [jax.tree_util.GetAttrKey(name) for name in data]
    children, auxiliary = _values_of(data), _values_of(static)
    # A call by position is twice as fast as by keyword, and JAX makes it for every node that a compiled function
    # returns.
    by_position = names == tuple(field.name for field in fields if not field.kw_only)

    def flatten_with_keys(node: Any) -> tuple[Any, Any]:
        return tuple(zip(keys, children(node), strict=True)), auxiliary(node)

    def flatten(node: Any) -> tuple[Any, Any]:
        return children(node), auxiliary(node)

    def unflatten(auxiliary: Any, children: Any) -> Any:
        if by_position:
            return node_type(*children, *auxiliary)
        return node_type(**dict(zip(names, (*children, *auxiliary), strict=True)))

    jax.tree_util.register_pytree_with_keys(node_type, flatten_with_keys, unflatten, flatten)
    return node_type


def _values_of(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """The function from an object to the tuple of these attributes, without a loop in Python: JAX calls it often."""
    if not names:
        return lambda node: ()
    get = attrgetter(*names)  # for one name it returns the value itself
    return get if len(names) > 1 else lambda node: (get(node),)
