"""Activation functions by their names."""

from __future__ import annotations

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from vae_jax.messages import did_you_mean

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": jax.nn.elu,
    "gelu": jax.nn.gelu,
    "leaky_relu": jax.nn.leaky_relu,
    "relu": jax.nn.relu,
    "swish": jax.nn.swish,
    "tanh": jax.nn.tanh,
}


def activation(name: str) -> Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]]:
    """The activation function of this name, applied to each element.

    Args:
        name: "elu", "gelu", "leaky_relu", "relu", "swish" or "tanh".

    Raises:
        ValueError: If the name is not known; the message gives the nearest one.

    Example:
        >>> activation("relu")(jax.numpy.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    if name not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise ValueError(f"expected an activation out of {known}; got {name!r}{did_you_mean(name, _ACTIVATIONS)}")
    return _ACTIVATIONS[name]
