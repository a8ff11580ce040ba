"""A small transformer over tokens at fixed places."""

from __future__ import annotations

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from vae_jax.messages import check_sizes
from vae_jax.networks.network import Network, linen


class Transformer(nn.Module):
    """Tokens -> logits of a code at each place: blocks of attention and a perceptron, normalised before each.

    Attributes:
        num_codes: Number of codes; tokens are 0, ..., num_codes, of which the last stands for none.
        width: Size of the vector at each place.
        num_blocks: Number of blocks.
        num_heads: Number of heads of attention, which divides the width.
        is_causal: Whether a place sees itself and those before it, or all of them.
    """

    num_codes: int
    width: int
    num_blocks: int
    num_heads: int
    is_causal: bool

    @nn.compact
    def __call__(self, tokens: Int[Array, " place"] | Float[Array, " place"]) -> Float[Array, "place code"]:
        num = len(tokens)
        places = self.param("places", nn.initializers.normal(0.02), (num, self.width))
        x = nn.Embed(self.num_codes + 1, self.width)(tokens.astype(jnp.int32)) + places
        mask = nn.make_causal_mask(jnp.ones(num)) if self.is_causal else None
        for _ in range(self.num_blocks):
            x = x + nn.MultiHeadDotProductAttention(self.num_heads)(nn.LayerNorm()(x), mask=mask)
            x = x + nn.Dense(self.width)(nn.gelu(nn.Dense(4 * self.width)(nn.LayerNorm()(x))))
        # From zero: before it is trained, all codes are equally likely.
        return nn.Dense(self.num_codes, kernel_init=nn.initializers.zeros_init())(nn.LayerNorm()(x))


def transformer(
    num_places: int, num_codes: int, *, width: int = 64, num_blocks: int = 2, num_heads: int = 4, is_causal: bool
) -> Network:
    """A `Transformer` as a `Network`, from (num_places,) tokens to (num_places, num_codes) logits, at first all zero.

    Args:
        num_places: Number of tokens.
        num_codes: As in `Transformer`, like the rest.
        width: Size of the vector at each place.
        num_blocks: Number of blocks.
        num_heads: Number of heads of attention.
        is_causal: Whether a place sees itself and those before it, or all of them.

    Raises:
        ValueError: If a size is below 1, or the heads do not divide the width.

    Source: Vaswani et al. 2017, arXiv:1706.03762; normalised as in Xiong et al. 2020, arXiv:2002.04745, figure 1b.

    Example:
        >>> import jax
        >>> network = transformer(5, 8, width=4, num_blocks=1, num_heads=2, is_causal=True)
        >>> network.apply(network.init(jax.random.key(0)), jnp.arange(5)).shape
        (5, 8)
    """
    check_sizes(num_places=num_places, num_codes=num_codes, width=width, num_blocks=num_blocks, num_heads=num_heads)
    if width % num_heads:
        raise ValueError(f"expected a width that {num_heads} heads divide; got {width}; give a multiple of it")
    return linen(Transformer(num_codes, width, num_blocks, num_heads, is_causal), (num_places,))
