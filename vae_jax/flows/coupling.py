"""Couplings: one half of a vector sets how the other half is transformed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.flows.bijection import Bijection, Chain
from vae_jax.flows.dense import dense, init_dense
from vae_jax.flows.flow import Flow
from vae_jax.flows.layers import with_reversals
from vae_jax.flows.transformers import AffineTransformer, Transformer
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key, Params


@register_dataclass
@dataclass(frozen=True)
class Coupling:
    """(a, b) ↦ (a, g(b; θ(a, context))): as fast backwards as forwards.

    Args:
        layers: Layers of the network θ, as `init_dense` makes them.
        context: Further input of θ; empty for none.
        transformer: g.

    Source: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803, equations 4 to 8 (affine); Durkan et al. 2019,
        arXiv:1906.04032, section 3.2 (spline).
    """

    layers: Params
    context: Float[Array, " context"]
    transformer: Transformer

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """The vector with its second half transformed, and the log-determinant."""
        kept, moved = jnp.split(value, (value.size // 2,))
        moved, log_det = self._given(kept, moved.size).forward_and_log_det(moved)
        return jnp.concatenate([kept, moved]), log_det

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """The vector with its second half transformed back, and the log-determinant."""
        kept, moved = jnp.split(value, (value.size // 2,))
        moved, log_det = self._given(kept, moved.size).inverse_and_log_det(moved)
        return jnp.concatenate([kept, moved]), log_det

    def _given(self, kept: Array, num_moved: int) -> Bijection:
        return self.transformer(dense(self.layers, jnp.concatenate([kept, self.context])).reshape(num_moved, -1))


def coupling(
    size: int,
    num_layers: int,
    hidden_sizes: Sequence[int] = (64, 64),
    *,
    context_size: int = 0,
    transformer: Transformer = AffineTransformer(),  # noqa: B008
) -> Flow:
    """Couplings with reversals between them, so that the halves take turns; it begins as the identity.

    Args:
        size: d ≥ 2.
        num_layers: Number of layers; at least 2 for every element to change.
        hidden_sizes: Widths of the hidden layers of each network.
        context_size: Size of the context that every network gets, beside the half that it sees.
        transformer: `AffineTransformer()` for RealNVP, `SplineTransformer()` for a neural spline flow.

    Raises:
        ValueError: If there is only one element.
    """
    if size < 2:
        raise ValueError(f"expected a vector of two halves; got one of size {size}; use flows.masked_autoregressive")
    num_kept = size // 2
    sizes = (num_kept + context_size, *hidden_sizes, (size - num_kept) * transformer.num_parameters)

    def init(key: Key) -> Params:
        return [init_dense(layer_key, sizes) for layer_key in jax.random.split(key, num_layers)]

    def bind(params: Params, context: Array) -> Chain:
        return with_reversals(size, [Coupling(layers, context, transformer) for layers in params])

    return Flow(size, context_size, init, bind)
