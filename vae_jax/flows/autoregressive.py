"""Autoregressive flows: the elements before i set how element i is transformed.

The two classes are one map: they differ in the direction that costs one pass of the network. The other direction costs
a pass for each element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.flows.bijection import Bijection, Chain, refuse_inverse
from vae_jax.flows.flow import Flow
from vae_jax.flows.layers import with_reversals
from vae_jax.flows.made import init_made, made
from vae_jax.flows.transformers import AffineTransformer, Transformer
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key, Params


@register_dataclass
@dataclass(frozen=True)
class InverseAutoregressive:
    """z ↦ y with yᵢ = g(zᵢ; θᵢ(z₁ … zᵢ₋₁, context)): samples in one pass, the choice for a posterior.

    Args:
        layers: Layers of the network θ, as `init_made` makes them.
        context: Further input of θ; empty for none.
        transformer: g.

    Source: Kingma et al. 2016, arXiv:1606.04934, equations 10 and 11.
    """

    layers: Params
    context: Float[Array, " context"]
    transformer: Transformer

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """y and log |det|, all elements at once."""
        return self.transformer(made(self.layers, value, self.context)).forward_and_log_det(value)

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """Refuse the inverse, which costs a pass of the network for each element.

        Raises:
            TypeError: Always.
        """
        refuse_inverse(
            self,
            "whose inverse costs one pass of its network for each dimension",
            "flows.inverse of a MaskedAutoregressive flow, which pays that price",
        )


@register_dataclass
@dataclass(frozen=True)
class MaskedAutoregressive:
    """u ↦ x with xᵢ = g(uᵢ; θᵢ(x₁ … xᵢ₋₁, context)): its density costs one pass, the choice for a prior.

    Args:
        layers: Layers of the network θ, as `init_made` makes them.
        context: Further input of θ; empty for none.
        transformer: g.

    Source: Papamakarios, Pavlakou & Murray 2017, arXiv:1705.07057, equations 3 to 6.
    """

    layers: Params
    context: Float[Array, " context"]
    transformer: Transformer

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """x and log |det|, one element after another, each with a pass of the network: slow for many dimensions."""

        def with_one_more(index: Array | int, image: Array) -> Array:
            return image.at[index].set(self._given(image).forward_and_log_det(value)[0][index])

        image = jax.lax.fori_loop(0, value.size, with_one_more, jnp.zeros_like(value))
        _, log_det = self._given(image).forward_and_log_det(value)
        return image, log_det

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """u and log |det|, all elements at once."""
        return self._given(value).inverse_and_log_det(value)

    def _given(self, image: Array) -> Bijection:
        return self.transformer(made(self.layers, image, self.context))


def inverse_autoregressive(
    size: int,
    num_layers: int,
    hidden_sizes: Sequence[int] = (64, 64),
    *,
    context_size: int = 0,
    transformer: Transformer = AffineTransformer(),  # noqa: B008
) -> Flow:
    """`InverseAutoregressive` layers (IAF) with reversals between them; it begins as the identity.

    Args:
        size: d.
        num_layers: Number of layers.
        hidden_sizes: Widths of the hidden layers of each network.
        context_size: Size of the context that every network gets about the example, beside the sample.
        transformer: `AffineTransformer()` or `SplineTransformer()`.

    Example:
        >>> flow = inverse_autoregressive(2, num_layers=2, context_size=3)
        >>> bijection = flow.bind(flow.init(jax.random.key(0)), jnp.ones(3))
        >>> bijection.forward_and_log_det(jnp.array([1.0, 2.0]))[0].tolist()
        [1.0, 2.0]
    """
    return _autoregressive(InverseAutoregressive, size, num_layers, hidden_sizes, context_size, transformer)


def masked_autoregressive(
    size: int,
    num_layers: int,
    hidden_sizes: Sequence[int] = (64, 64),
    *,
    context_size: int = 0,
    transformer: Transformer = AffineTransformer(),  # noqa: B008
) -> Flow:
    """`MaskedAutoregressive` layers (MAF) with reversals between them; it begins as the identity.

    Args:
        size: d.
        num_layers: Number of layers.
        hidden_sizes: Widths of the hidden layers of each network.
        context_size: Size of the context that every network gets, beside the elements before.
        transformer: `AffineTransformer()` or `SplineTransformer()`.
    """
    return _autoregressive(MaskedAutoregressive, size, num_layers, hidden_sizes, context_size, transformer)


def _autoregressive(
    kind: Callable[[Params, Array, Transformer], Bijection],
    size: int,
    num_layers: int,
    hidden_sizes: Sequence[int],
    context_size: int,
    transformer: Transformer,
) -> Flow:
    def init(key: Key) -> Params:
        return [
            init_made(layer_key, size, context_size, hidden_sizes, transformer.num_parameters)
            for layer_key in jax.random.split(key, num_layers)
        ]

    def bind(params: Params, context: Array) -> Chain:
        return with_reversals(size, [kind(layers, context, transformer) for layers in params])

    return Flow(size, context_size, init, bind)
