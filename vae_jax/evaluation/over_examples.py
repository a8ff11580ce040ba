"""A function of one example, over as many as there are, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vae_jax.data.examples import Examples
from vae_jax.types import Key, Params


def over_examples(
    function: Callable[[Key, Params, Array], Any],
    transform: Callable[[Key, Array], Array],
    *,
    seed: int = 0,
    batch_size: int = 500,
) -> Callable[[Params, Examples], Any]:
    """Lift a function of one example to all examples of a split.

    The randomness of an example comes from (seed, its index), so nothing depends on the batch size, and everything
    that is evaluated with the same seed sees the same draw of a dynamic binarisation.

    Args:
        function: `(key, params, x) -> pytree of arrays`.
        transform: `(key, stored example) -> x`.
        seed: Of the evaluation's own randomness, apart from training's.
        batch_size: How many examples are computed at once, at most.

    Returns:
        A function `(params, stored examples) -> pytree of numpy arrays` with a leading axis of examples. It compiles
        once and may be called again.
    """

    @jax.jit
    def of_batch(params: Params, examples: Array, indices: Int[Array, " batch"]) -> Any:
        def of_one(example: Array, index: Array) -> Any:
            transform_key, key = example_keys(seed, index)
            return function(key, params, transform(transform_key, example))

        return jax.vmap(of_one)(examples, indices)

    def of_all(params: Params, examples: Examples) -> Any:
        size = min(batch_size, len(examples))
        results = []
        for start in range(0, len(examples), size):
            # The last batch starts earlier rather than being shorter: one shape, one compilation.
            first = min(start, len(examples) - size)
            rows = slice(first, first + size)
            result = of_batch(params, jnp.asarray(examples[rows]), jnp.arange(first, first + size))
            results.append(jax.tree.map(lambda array, skip=start - first: np.asarray(array)[skip:], result))
        return jax.tree.map(lambda *parts: np.concatenate(parts), *results)

    return of_all


def example_keys(seed: int, index: int | Array) -> tuple[Key, Key]:
    """The keys of an example in an evaluation: one for its transform, one for the rest."""
    transform_key, key = jax.random.split(jax.random.fold_in(jax.random.key(seed), index))
    return transform_key, key
