"""Models that tell classes apart by themselves: a mixture prior has components, a hierarchy may have a class on top."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vae_jax.distributions import Categorical, Mixture, centre
from vae_jax.hierarchy import top_of, with_top
from vae_jax.vae import VAE


def num_classes(vae: Any) -> int | None:
    """The number of latent classes of a model: K of a categorical top group or of a mixture prior; None without any.

    Args:
        vae: A `VAE`, or anything else, which has none.
    """
    top = top_of(vae.prior) if isinstance(vae, VAE) else None
    if isinstance(top, Mixture) or (isinstance(top, Categorical) and top.logits.ndim == 1):
        return top.logits.shape[-1]
    return None


def class_probabilities(vae: VAE, x: Any) -> Float[Array, " class"]:
    """The probability of each latent class given an example.

    q(y|x) where the class is the top group of a hierarchy; p(c|z) at the code of x where the prior is a mixture.

    Args:
        vae: The model, parameters bound.
        x: One example.

    Raises:
        TypeError: If the model has no latent classes.

    Source: for a mixture, Jiang et al. 2017, arXiv:1611.05148, equation 16.

    Example:
        >>> from vae_jax.distributions import Normal
        >>> two = Mixture(jnp.zeros(2), Normal(jnp.array([[-1.0], [1.0]]), jnp.ones((2, 1))))
        >>> vae = VAE(lambda x: Normal(x, jnp.ones(1)), lambda z: Normal(z, jnp.ones(1)), two)
        >>> [round(probability, 2) for probability in class_probabilities(vae, jnp.ones(1)).tolist()]
        [0.12, 0.88]
    """
    _check(vae)
    top, prior = top_of(vae.posterior(x)), top_of(vae.prior)
    if isinstance(prior, Mixture):
        return jax.nn.softmax(prior.log_joint(centre(top)))
    return top.mean()


def of_class(vae: VAE, number: int | Int[Array, ""]) -> VAE:
    """The model with the prior of one of its latent classes: samples of it are of that class.

    Args:
        vae: The model, parameters bound.
        number: Index of the class, in [0, K).

    Raises:
        TypeError: If the model has no latent classes.
    """
    num = _check(vae)
    top = top_of(vae.prior)
    if isinstance(top, Mixture):
        return vae._replace(prior=with_top(vae.prior, jax.tree.map(lambda leaf: leaf[number], top.components)))
    known = Categorical(jnp.where(jnp.arange(num) == number, 0.0, -jnp.inf))
    return vae._replace(prior=with_top(vae.prior, known))


def _check(vae: VAE) -> int:
    num = num_classes(vae)
    if num is None:
        raise TypeError(
            f"expected a model with latent classes, by models.with_latent_class or a mixture prior; got a prior of "
            f"family {type(top_of(vae.prior)).__name__}"
        )
    return num
