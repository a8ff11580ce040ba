"""A flow of a transformer without a network: every element by itself."""

from __future__ import annotations

from vae_jax.flows.flow import Flow, amortised_flow
from vae_jax.flows.transformers import Transformer


def elementwise(size: int, transformer: Transformer) -> Flow:
    """A flow that transforms every element by itself; its parameters are the context.

    Args:
        size: d.
        transformer: `SplineTransformer()` for a spline, `AffineTransformer()` for shifts and scales.
    """
    num = transformer.num_parameters
    return amortised_flow(size, size * num, lambda parameters: transformer(parameters.reshape(size, num)))
