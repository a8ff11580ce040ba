"""A model whose decoder shows its last layer, for objectives that weigh losses by their gradients there."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from jaxtyping import Array

from vae_jax.types import Distribution, Params
from vae_jax.vae import VAE, Model


class ShownLayer(NamedTuple):
    """z -> p(x|z), which can be called with another weight of its last layer."""

    last_weight: Array
    """The weight."""
    at: Callable[[Array, Any], Distribution]
    """(another weight, z) -> p(x|z)."""

    def __call__(self, z: Any) -> Distribution:
        """p(x|z)."""
        return self.at(self.last_weight, z)


def with_last_layer(model: Model, *path: Hashable) -> Model:
    """The same model, whose `likelihood` is a `ShownLayer`: `objectives.tokenizer` asks for one.

    Args:
        model: The model; its parameters are those of the result.
        *path: The keys that lead to the weight of the decoder's last layer in the parameters, a dict of dicts, such as
            `"decoder", "decoder.conv_out.weight"` around `networks.autoencoder_kl`.

    Raises:
        ValueError: When it is bound, if nothing is there.
        TypeError: When it is bound, if the model is a `Conditional`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.models import gaussian, likelihoods
        >>> from vae_jax.networks import mlp
        >>> plain = gaussian(mlp((5,), (4,), ()), mlp((2,), (5,), ()), likelihoods.gaussian(), latent_size=2)
        >>> model = with_last_layer(plain, "decoder", "Dense_0", "kernel")
        >>> model.bind(model.init(jax.random.key(0))).likelihood.last_weight.shape
        (2, 5)
    """

    def bind(params: Params) -> VAE:
        weight, vae = _get(params, path), model.bind(params)
        if not isinstance(vae, VAE):
            raise TypeError(f"expected a VAE; got a {type(vae).__name__}, which has a decoder for each condition")
        return vae._replace(
            likelihood=ShownLayer(weight, lambda other, z: model.bind(_put(params, path, other)).likelihood(z))
        )

    return model._replace(bind=bind)


def _get(params: Any, path: tuple[Hashable, ...]) -> Any:
    for depth, key in enumerate(path):
        if not isinstance(params, Mapping) or key not in params:
            known = ", ".join(map(str, params)) if isinstance(params, Mapping) else f"a {type(params).__name__}"
            raise ValueError(
                f"expected a path to a weight of the parameters; got {path}, where {path[:depth]} has {known}"
            )
        params = params[key]
    return params


def _put(params: Any, path: tuple[Hashable, ...], value: Array) -> Any:
    return value if not path else {**params, path[0]: _put(params[path[0]], path[1:], value)}
