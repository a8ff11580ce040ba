"""A family of bijections, for models that have a flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.flows.bijection import Bijection
from vae_jax.types import Key, Params


class Flow(NamedTuple):
    """A family of bijections of vectors, and how its parameters begin."""

    size: int
    """Size of a vector."""
    context_size: int
    """Size of the context from the example; for an amortised flow, the number of all its parameters."""
    init: Callable[[Key], Params]
    """key -> parameters that all examples share; `()` for none."""
    bind: Callable[[Params, Float[Array, " context"]], Bijection]
    """(parameters, context) -> the bijection."""


def amortised_flow(size: int, num_parameters: int, bind: Callable[[Float[Array, " parameter"]], Bijection]) -> Flow:
    """A flow whose parameters are its context, from an encoder: another bijection for each example.

    Args:
        size: Size of a vector.
        num_parameters: Number of parameters of the bijection.
        bind: From the parameters to the bijection.
    """
    return Flow(size, num_parameters, lambda key: (), lambda params, context: bind(context))


def with_own_parameters(flow: Flow, scale: float = 0.1) -> Flow:
    """An amortised flow with parameters of its own instead, the same for every example.

    Args:
        flow: `planar`, `radial`, `sylvester`, `householder`, …
        scale: The standard deviation that the parameters start with.

    Returns:
        The flow, without context.

    Example:
        >>> from vae_jax.flows import planar
        >>> planar(2, num_layers=4).context_size, with_own_parameters(planar(2, num_layers=4)).context_size
        (20, 0)
    """

    def init(key: Key) -> Params:
        inner_key, context_key = jax.random.split(key)
        return {"flow": flow.init(inner_key), "context": scale * jax.random.normal(context_key, (flow.context_size,))}

    def bind(params: Params, context: Array) -> Bijection:
        del context
        return flow.bind(params["flow"], params["context"])

    return Flow(flow.size, 0, init, bind)


def without_context(flow: Flow, params: Params) -> Bijection:
    """The bijection of a flow that asks for no context.

    Raises:
        ValueError: If the flow asks for a context.
    """
    refuse_context(flow)
    return flow.bind(params, jnp.zeros(0))


def refuse_context(flow: Flow) -> None:
    """Refuse a flow that asks for a context where there is no example to take it from.

    Raises:
        ValueError: If the flow asks for a context.
    """
    if flow.context_size:
        raise ValueError(
            f"expected a flow that is the same for every example; got one with a context of {flow.context_size} "
            "numbers; use flows.with_own_parameters(flow), or context_size=0"
        )
