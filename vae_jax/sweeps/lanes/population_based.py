"""Population-based training: lanes that learn from each other, as a pure function of their stacked state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vae_jax.sweeps.lanes.lanes import LaneState
from vae_jax.types import Key

UNBOUNDED = (0.0, float("inf"))


class Generation(NamedTuple):
    """The lanes after a step of population-based training."""

    lanes: LaneState
    numbers: dict[str, Array]
    parents: Int[Array, " lanes"]
    """The lane that each lane goes on from: itself, unless it was among the worst."""


def next_generation(
    key: Key,
    lanes: LaneState,
    numbers: Mapping[str, Array],
    scores: Float[Array, " lanes"],
    *,
    bounds: Mapping[str, tuple[float, float]],
    share: float = 0.2,
    factor: float = 1.2,
) -> Generation:
    """Exploit and explore: each of the worst lanes goes on as a copy of a better one, its numbers perturbed.

    A copy has the parameters and the optimizer's state of its parent, and keeps its own key, so that from here on its
    noise is its own; the numbers that are perturbed are divided or multiplied by a factor, each by a toss of a coin.

    Args:
        key: Key of the random choices.
        lanes: The stacked lanes, at the same step.
        numbers: Field -> its value in each lane.
        scores: The score of each lane, the higher the better; one that is not finite is the worst.
        bounds: Field -> the interval that its values stay in, for the fields that are perturbed.
        share: Share of the lanes that count as worst, and as best: at least one lane, and at most half of them.
        factor: Factor of a perturbation.

    Source: Jaderberg et al. 2017, arXiv:1711.09846, section 4.1.1 (truncation selection, share 0.2; perturb, factors
        0.8 and 1.2). Differs from the paper: the factors are 1/1.2 and 1.2, so that a walk of them has no drift.
    """
    parents_key, *number_keys = jax.random.split(key, 1 + len(bounds))
    num = len(scores)
    num_worst = max(int(share * num), 1)
    scores = jnp.where(jnp.isfinite(scores), scores, -jnp.inf)
    best_first = jnp.argsort(-scores, stable=True)
    chosen = best_first[jax.random.randint(parents_key, (num_worst,), 0, num_worst)]
    worst = best_first[num - num_worst :]
    # There is nothing to learn from a lane that is no better: all may be as good as each other, or none a number.
    parents = jnp.arange(num).at[worst].set(jnp.where(scores[chosen] > scores[worst], chosen, worst))
    is_copy = parents != jnp.arange(num)

    def of_parent(tree: Any) -> Any:
        return jax.tree.map(lambda array: array[parents], tree)

    progress = of_parent(lanes.progress)
    progress = progress._replace(state=progress.state._replace(key=lanes.progress.state.key))
    perturbed = dict(numbers)
    for (field, (low, high)), number_key in zip(bounds.items(), number_keys, strict=True):
        inherited = numbers[field][parents]
        is_up = jax.random.bernoulli(number_key, shape=(num,))
        moved = jnp.clip(inherited * jnp.where(is_up, factor, 1 / factor), low, high)
        perturbed[field] = jnp.where(is_copy, moved, numbers[field])
    return Generation(lanes._replace(progress=progress), perturbed, parents)
