"""Tables whose columns are of different kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from vae_jax.arithmetic import bounded, bounded_exp
from vae_jax.distributions import Bernoulli, CategoricalCodes, MixedColumns, Normal, Poisson
from vae_jax.messages import did_you_mean
from vae_jax.models.likelihoods.levels import tilted_logits
from vae_jax.models.likelihoods.likelihood import Likelihood, learned_scale, log_of_mean, logit
from vae_jax.types import Distribution, Params

Kind: TypeAlias = Literal["continuous", "binary", "count"] | int
"""Kind of a column: real numbers, zeros and ones, counts; or, as a number k, codes 0, ..., k − 1 of k classes."""

_KINDS = ("continuous", "binary", "count")


def mixed_columns(kinds: Sequence[Kind], *, initial_scale: float = 1.0) -> Likelihood:
    """A row of a table, column by column; the decoder gives one vector for all of them.

    A continuous column is normal, with a learned scale of its own and the mean from the decoder; a binary one takes a
    logit, a count the logarithm of a Poisson rate, and k classes take k logits.

    Args:
        kinds: The kind of each column.
        initial_scale: Initial σ > 0 of the continuous columns; 1 for standardised columns.

    Raises:
        ValueError: If there is no column, a kind is not known, the scale is not positive, or an example is not a row of
            these columns.

    Example:
        >>> mixed_columns(["continuous", 5, "binary"]).output_shape((3,))
        (7,)
    """
    if not kinds:
        raise ValueError("expected the kind of a column or of several; got none; are the data a table?")
    groups = _groups(kinds)
    ends = np.cumsum([_num_outputs(kind) * len(columns) for kind, columns in groups])
    num_continuous = sum(kind == "continuous" for kind in kinds)

    def bind(params: Params, output: Array) -> MixedColumns:
        outputs = jnp.split(output, ends[:-1])
        parts = [_part(kind, params, output) for (kind, _), output in zip(groups, outputs, strict=True)]
        return MixedColumns(tuple(parts), tuple(columns for _, columns in groups))

    def output_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
        if shape != (len(kinds),):
            raise ValueError(f"expected rows of {len(kinds)} columns, one for each kind; got examples of shape {shape}")
        return (int(ends[-1]),)

    def output_bias(mean: ArrayLike) -> Array:
        mean = jnp.broadcast_to(jnp.asarray(mean, jnp.float32), (len(kinds),))
        return jnp.concatenate([_bias(kind, mean[np.array(columns)]) for kind, columns in groups])

    init = learned_scale(initial_scale, (num_continuous,))
    return Likelihood(init if num_continuous else lambda key: (), bind, output_shape, output_bias)


def _groups(kinds: Sequence[Kind]) -> list[tuple[Kind, tuple[int, ...]]]:
    """Groups of columns: those of one kind together, as one vector; each column of classes in a group of its own."""
    for column, kind in enumerate(kinds):
        if isinstance(kind, int) and kind >= 2:
            continue
        if kind not in _KINDS:
            raise ValueError(
                f"expected a kind out of {', '.join(_KINDS)}, or a number of classes of at least 2; got {kind!r} for "
                f"column {column}{did_you_mean(str(kind), _KINDS)}"
            )
    together = [(kind, tuple(i for i, other in enumerate(kinds) if other == kind)) for kind in _KINDS]
    alone = [(kind, (i,)) for i, kind in enumerate(kinds) if isinstance(kind, int)]
    return [(kind, columns) for kind, columns in [*together, *alone] if columns]  # pyright: ignore


def _num_outputs(kind: Kind) -> int:
    return kind if isinstance(kind, int) else 1


def _part(kind: Kind, params: Params, output: Array) -> Distribution:
    match kind:
        case "continuous":
            return Normal(output, bounded_exp(params["log_scale"]))
        case "binary":
            return Bernoulli(output)
        case "count":
            return Poisson(bounded(output))
        case _:
            return CategoricalCodes(output[None])


def _bias(kind: Kind, mean: Array) -> Array:
    match kind:
        case "continuous":
            return mean
        case "binary":
            return logit(mean)
        case "count":
            return log_of_mean(mean)
        case num_classes:
            return tilted_logits(mean / (num_classes - 1), num_classes).reshape(-1)
