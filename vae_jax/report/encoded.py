"""The codes of examples, and the importance of each latent dimension, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from vae_jax import generation
from vae_jax.distributions import has_density, is_on_sphere, kl_per_dimension
from vae_jax.types import Params
from vae_jax.vae import Model, at_example

CHUNK = 64
"""Examples encoded or decoded at a time: memory does not grow with their number."""


class Encoded(NamedTuple):
    """The codes of examples, and properties of their posterior."""

    codes: Any
    """Centres of the posteriors, (num, latent), or a pytree for a hierarchy."""
    importance: np.ndarray | None
    """(latent,): the mean KL of each dimension, or the variance of its codes; None if the latent is not a vector."""
    has_kl: bool
    """Whether the posterior has a density, so that the objective can have a KL to the prior."""
    on_sphere: bool
    """Whether codes are unit vectors."""

    @property
    def is_vector(self) -> bool:
        """Whether a code is one vector."""
        return self.importance is not None

    @property
    def ranking(self) -> np.ndarray:
        """Latent dimensions, the most important first."""
        assert self.importance is not None
        return np.argsort(-self.importance, kind="stable")


def encode(model: Model, params: Params, examples: Any) -> Encoded:
    """The codes of examples, (num, *event), and the importance of each latent dimension."""

    def posterior(params: Params, example: Any) -> Any:
        vae, x = at_example(model.bind(params), example)
        return vae.posterior(x)

    def closed_form_kl(params: Params, batch: Any) -> Any:
        def one(example: Any) -> Any:
            vae, x = at_example(model.bind(params), example)
            return kl_per_dimension(vae.posterior(x), vae.prior)

        return jax.vmap(one)(batch)

    encode_chunk = jax.jit(lambda params, batch: generation.encode(model.bind(params), batch))
    codes = in_chunks(lambda chunk: encode_chunk(params, chunk), examples)
    family = jax.eval_shape(posterior, params, jax.tree.map(lambda array: array[0], examples))
    has_kl, on_sphere = has_density(family), is_on_sphere(family)
    if not isinstance(codes, np.ndarray) or codes.ndim != 2:
        return Encoded(codes, None, has_kl, on_sphere)
    try:
        kl_chunk = jax.jit(closed_form_kl)
        importance = in_chunks(lambda chunk: kl_chunk(params, chunk), examples).mean(axis=0)
    except TypeError:  # no closed form, dimension by dimension, for this pair of families
        importance = codes.var(axis=0)
    return Encoded(codes, importance, has_kl, on_sphere)


def in_chunks(function: Callable[[Any], Any], inputs: Any) -> Any:
    """Apply `function` to a batch, `CHUNK` examples at a time: always the same number, so that it compiles once."""
    num = len(jax.tree.leaves(inputs)[0])
    outputs = []
    for start in range(0, num, CHUNK):
        # The last chunk is filled up with the last example.
        places = np.minimum(np.arange(start, start + CHUNK), num - 1)
        chunk = jax.tree.map(lambda array, places=places: np.asarray(array)[places], inputs)
        outputs.append(jax.tree.map(np.asarray, function(chunk)))
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:num], *outputs)
