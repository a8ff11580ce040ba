"""Statements of an objective, or a part of one, about itself, so that nobody guesses from a signature or a name.

A statement is an attribute of the function, found through `functools.partial` and `functools.wraps`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def coupled(objective: Function) -> Function:
    """A decorator for an objective of a batch whose values need the batch as a whole: its examples are coupled.

    On a device's share, the objective gets the key of the whole batch and the option `axis_name`, by which it gathers
    what it needs from the other devices (`vae_jax.axis`). A batch in parts is refused.

    Args:
        objective: A function `(key, vae, batch, step, *, axis_name=None) -> (values, metrics)`, one player of two, or
            the `apply` of a `StatefulObjective`.

    Example:
        >>> import jax
        >>> from vae_jax.axis import mean_over
        >>> @coupled
        ... def at_the_mean(key, vae, batch, step, *, axis_name=None):
        ...     mean = mean_over(batch.mean(axis=0), axis_name)
        ...     return jax.vmap(lambda x: vae.posterior(x).log_prob(mean))(batch), {}
    """
    return _stating(objective, "couples_examples", True)


def separable(objective: Function) -> Function:
    """A decorator for an objective of a batch that treats each example by itself, as those of `over_batch` do.

    On a share, a device's or a part of the batch, the objective gets the share's examples and, in place of one key, an
    array with a key for each of them.

    Args:
        objective: A function `(key, vae, batch, step) -> (values, metrics)`, or one player of two.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.objectives import elbo, over_batch
        >>> @separable
        ... def in_bits(key, vae, batch, step):
        ...     values, metrics = over_batch(elbo)(key, vae, batch, step)
        ...     return values / jnp.log(2), metrics
    """
    return _stating(objective, "couples_examples", False)


def couples_examples(objective: Callable[..., Any]) -> bool | None:
    """Whether an objective of a batch is `coupled`, and not `separable`; None where it states neither.

    Example:
        >>> from functools import partial
        >>> from vae_jax.objectives import beta_tcvae, elbo, over_batch
        >>> couples_examples(partial(beta_tcvae, num_examples=100)), couples_examples(over_batch(elbo))
        (True, False)
        >>> couples_examples(lambda *batch: beta_tcvae(*batch, num_examples=100)) is None
        True
    """
    return _stated(objective, "couples_examples")


def smooth(value: Function) -> Function:
    """A decorator for a function of log-weights, or of what the draws contribute, whose gradient does not jump.

    Example:
        >>> import jax.numpy as jnp
        >>> mean_square = smooth(lambda log_weights: jnp.mean(jnp.square(log_weights)))
        >>> is_smooth(mean_square), is_smooth(jnp.max)
        (True, False)
    """
    return _stating(value, "is_smooth", True)


def is_smooth(value: Callable[..., Any]) -> bool:
    """Whether a function states that it is `smooth`."""
    return _stated(value, "is_smooth") or False


def _stating(function: Function, name: str, answer: bool) -> Function:
    # No wrapper: doctests, signatures and pickles stay those of the function.
    setattr(function, name, answer)
    return function


def _stated(function: Callable[..., Any], name: str) -> bool | None:
    if hasattr(function, name):
        return getattr(function, name)
    within = function.func if isinstance(function, partial) else getattr(function, "__wrapped__", None)
    return None if within is None else _stated(within, name)
