"""A model whose parameters are an entry of a larger model's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vae_jax.types import Params
from vae_jax.vae import Model


def after_of_part(model: Model, name: str) -> Callable[[Params, Any], Params] | None:
    """`Model.after` of the larger model, by which the part moves as it would alone.

    Args:
        model: The part.
        name: Name of the part's entry in the parameters, a dict.
    """
    after = model.after
    return None if after is None else lambda params, seen: params | {name: after(params[name], seen)}
