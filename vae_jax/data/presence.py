"""The presence of the modalities of an example, which is the condition of a multimodal model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from vae_jax.data.transforms import Transform
from vae_jax.types import Key


def all_present(*names: str) -> Transform:
    """The condition that every modality is present, for an example that does not say which are.

    Args:
        *names: The modalities.

    Example:
        >>> example = all_present("image", "word").apply(jax.random.key(0), {"image": 0, "word": 1})
        >>> jax.tree.map(bool, example["condition"])
        {'image': True, 'word': True}
    """

    def apply(key: Key, example: Any) -> Any:
        return example if "condition" in example else {**example, "condition": dict.fromkeys(names, jnp.array(True))}

    return Transform(apply, "all present")


def some_present(*names: str) -> Transform:
    """The condition that a subset of the modalities is present, each that is not empty equally likely.

    As `Experiment.augmentation` it trains every expert, alone and beside others: its mean over draws is the mean of the
    bound over all subsets, of which Wu & Goodman sum some.

    Args:
        *names: The modalities.

    Source: Wu & Goodman 2018, arXiv:1802.05335, section 2.2 (sub-sampled training).
        Differs from the paper: one subset is drawn for an example, where the paper adds up several.
    """

    def apply(key: Key, example: Mapping[str, Any]) -> Any:
        subset = jax.random.randint(key, (), 1, 2 ** len(names))
        present = {name: (subset >> place) % 2 == 1 for place, name in enumerate(names)}
        return {**example, "condition": present}

    return Transform(apply, "some present")
