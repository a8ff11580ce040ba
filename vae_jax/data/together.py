"""Examples of several parts: an image and its label, a row and which of its values are known, a text and its length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from vae_jax.data.examples import ArrayLike


@jax.tree_util.register_pytree_with_keys_class  # so that a compiled step accepts it like an array
class Together:
    """Parts of the same examples, each indexed like an array; an example is the pytree of its parts.

    Args:
        parts: A pytree, such as a dict, of arrays, or of objects that are read or computed when rows are asked for.
            Their first axes count the examples.

    Raises:
        ValueError: If there is no part, a part is not an array, or the parts differ in their number of examples.

    Example:
        >>> import numpy as np
        >>> both = Together({"x": np.zeros((5, 28, 28)), "label": np.arange(5)})
        >>> len(both), both[1:3]["label"].tolist()
        (5, [1, 2])
    """

    def __init__(self, parts: Any) -> None:
        found = jax.tree_util.tree_leaves_with_path(parts, is_leaf=is_part)
        if not found:
            raise ValueError(f"expected examples, an array or a pytree of them; got {parts!r}")
        for path, part in found:
            name = jax.tree_util.keystr(path)
            if not is_part(part):
                raise ValueError(f"expected an array of examples as part {name}; got a {type(part).__name__}")
            if not part.shape:
                raise ValueError(f"expected the examples along the first axis of part {name}; got a single number")
        sizes = {jax.tree_util.keystr(path): len(part) for path, part in found}
        if len(set(sizes.values())) > 1:
            got = ", ".join(f"{size} in {name}" for name, size in sizes.items())
            raise ValueError(f"expected as many examples in every part; got {got}")
        self.parts = parts

    def __len__(self) -> int:
        return len(jax.tree.leaves(self.parts, is_leaf=is_part)[0])

    def __getitem__(self, rows: Any) -> Any:
        return self.map(lambda part: part[rows])

    def map(self, function: Callable[[ArrayLike], Any]) -> Any:
        """The pytree of the results of a function for each part."""
        return jax.tree.map(function, self.parts, is_leaf=is_part)

    def tree_flatten_with_keys(self) -> tuple[Any, None]:
        """The keyed children and static data of a pytree node, as JAX requires them."""
        return ((jax.tree_util.GetAttrKey("parts"), self.parts),), None

    @classmethod
    def tree_unflatten(cls, _: None, children: tuple[Any]) -> Together:
        """A pytree node from its children, as JAX requires it; JAX may pass children that are not arrays."""
        self = object.__new__(cls)
        (self.parts,) = children
        return self


def is_part(node: Any) -> bool:
    """Whether a node of a pytree of examples is an array of examples, or is indexed like one."""
    return hasattr(node, "shape") and hasattr(node, "dtype")
