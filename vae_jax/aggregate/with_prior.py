"""From a VAE to its codes, and from a density of codes to a VAE."""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array, Float

from vae_jax.axis import num_examples
from vae_jax.hierarchy import top_of, with_top
from vae_jax.types import Distribution, Key
from vae_jax.vae import VAE, Conditional, at_example


def codes(key: Key, vae: VAE | Conditional, examples: Any) -> Float[Array, "num *latent"]:
    """Draws from the aggregate posterior: for each example one z ~ q(z|x); for a hierarchy, of its top group.

    These are not the posterior means, whose density is narrower than q(z).

    Args:
        key: A random key.
        vae: The model, parameters bound.
        examples: Examples of the training split.
    """
    keys = jax.random.split(key, num_examples(examples))

    def one(key: Key, example: Any) -> Array:
        of_example, x = at_example(vae, example)
        return top_of(of_example.posterior(x)).sample(key)

    return jax.vmap(one)(keys, examples)


def with_prior(vae: VAE, distribution: Distribution) -> VAE:
    """The VAE with another p(z), for `generation.sample` and for bounds on log p(x).

    Args:
        vae: The model, parameters bound.
        distribution: A density of one code; for a hierarchy, of its top group.

    Raises:
        ValueError: If the distribution is not over the VAE's latent.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> vae = VAE(lambda x: Normal(x, jnp.ones(2)), lambda z: Normal(z, jnp.ones(2)), standard_normal(2))
        >>> with_prior(vae, Normal(jnp.full(2, 3.0), jnp.ones(2))).prior.mean().tolist()
        [3.0, 3.0]
    """
    shape, other = _shape(top_of(vae.prior)), _shape(distribution)
    if shape != other:
        raise ValueError(
            f"expected a distribution over codes of shape {shape}; got one of shape {other}; fit it to this VAE's codes"
        )
    return vae._replace(prior=with_top(vae.prior, distribution))


def _shape(distribution: Any) -> tuple[int, ...]:
    return jax.eval_shape(distribution.mean).shape
