"""Priors that are learned with the model: each a function from a model to a model.

In a hierarchy they replace the prior of the top group; the groups below keep theirs, given those above.

The parameters of the result are `{"model": those of the model, "prior": those of the prior}`.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Mixture, Normal, has_density
from vae_jax.hierarchy import top_of, with_top
from vae_jax.models.part import after_of_part
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Model


def with_learned_normal_prior(model: Model) -> Model:
    """The model with p(z) = N(m, diag s²), m and s learned; it starts as the standard normal.

    Args:
        model: A model with a normal prior, whose shape is kept.

    Raises:
        TypeError: If the model's prior is of another family.
    """
    shape = _normal_latent_shape(model)
    return _with_prior(
        model,
        lambda key: {"loc": jnp.zeros(shape), "log_scale": jnp.zeros(shape)},
        lambda params, vae: Normal(params["loc"], bounded_exp(params["log_scale"])),
    )


def with_mixture_prior(model: Model, num_components: int) -> Model:
    """The model with p(z) = Σₖ wₖ N(mₖ, diag sₖ²), with all its numbers learned.

    It starts with equal weights, unit scales, and means drawn from the standard normal.

    Args:
        model: A model with a normal prior, whose shape is kept.
        num_components: Number of components, ≥ 1.

    Raises:
        TypeError: If the model's prior is of another family.
        ValueError: If there is no component.

    Source: Tomczak & Welling 2018, arXiv:1705.07120, where it is a baseline. Differs from the paper:
    the weights are learned, too.
    """
    _check_any(num_components, "num_components")
    shape = (num_components, *_normal_latent_shape(model))
    return _with_prior(
        model,
        lambda key: {
            "logits": jnp.zeros(num_components),
            "loc": jax.random.normal(key, shape),
            "log_scale": jnp.zeros(shape),
        },
        lambda params, vae: Mixture(params["logits"], Normal(params["loc"], bounded_exp(params["log_scale"]))),
    )


def with_vamp_prior(
    model: Model,
    pseudo_inputs: Float[ArrayLike, "num *event"] | Callable[[Key], Float[Array, "num *event"]],
    *,
    squash: Callable[[Array], Array] = lambda inputs: inputs,
) -> Model:
    """The model with p(z) = (1/K) Σₖ q(z|uₖ), the average of its own posteriors at K learned pseudo-inputs u.

    Args:
        model: The model whose encoder the prior shares.
        pseudo_inputs: The initial u: an array with the u along its first axis (training examples, say), or a function
            of a random key that makes one.
        squash: A function that keeps the u within the range of the data, such as `lambda u: jnp.clip(u, 0, 1)`.

    Raises:
        TypeError: If the posterior has no density.
        ValueError: If there is no pseudo-input.

    Example:
        >>> from vae_jax.models import gaussian, likelihoods
        >>> from vae_jax.networks import mlp
        >>> plain = gaussian(mlp((6,), (4,)), mlp((2,), (6,)), likelihoods.bernoulli(), latent_size=2)
        >>> model = with_vamp_prior(plain, lambda key: jax.random.uniform(key, (10, 6)))
        >>> model.bind(model.init(jax.random.key(0))).prior.logits.shape
        (10,)

    Source: Tomczak & Welling 2018, arXiv:1705.07120, equation 9. Differs from the paper's code: pseudo-inputs are
    parameters themselves, not weights of a layer, and stay unsquashed unless asked.
    """

    def init(key: Key) -> Params:
        return {"pseudo_inputs": jnp.asarray(pseudo_inputs(key) if callable(pseudo_inputs) else pseudo_inputs, float)}

    def bind(params: Params, vae: VAE) -> Mixture:
        posteriors = jax.vmap(lambda u: top_of(vae.posterior(u)))(squash(params["pseudo_inputs"]))
        return Mixture(jnp.zeros(len(params["pseudo_inputs"])), posteriors)

    def check(vae: VAE, key: Key) -> Array:
        inputs = init(key)["pseudo_inputs"]
        _check_any(len(inputs), "pseudo_inputs")
        posterior = top_of(vae.posterior(inputs[0]))
        if not has_density(posterior):
            raise TypeError(
                "expected a model whose posterior has a density; "
                f"got a {type(posterior).__name__}, of which no mixture is a prior; "
                "use a model with a variational posterior, such as models.gaussian"
            )
        return posterior.mean()

    _inspect(model, check)
    return _with_prior(model, init, bind)


def _with_prior(
    model: Model, init_prior: Callable[[Key], Params], bind_prior: Callable[[Params, VAE], Distribution]
) -> Model:
    def init(key: Key) -> Params:
        model_key, prior_key = jax.random.split(key)
        return {"model": model.init(model_key), "prior": init_prior(prior_key)}

    def bind(params: Params) -> VAE:
        vae = model.bind(params["model"])
        return vae._replace(prior=with_top(vae.prior, bind_prior(params["prior"], vae)))

    return Model(init, bind, after_of_part(model, "model"))


def _normal_latent_shape(model: Model) -> tuple[int, ...]:
    def check(vae: VAE, key: Key) -> Array:
        prior = top_of(vae.prior)
        if not isinstance(prior, Normal):
            raise TypeError(
                f"expected a model with a normal prior to replace; got {type(prior).__name__}; "
                "use a model of normal latents, or with_vamp_prior, which takes the posterior's family"
            )
        return prior.mean()

    return _inspect(model, check)


def _inspect(model: Model, look: Callable[[VAE, Key], Array]) -> tuple[int, ...]:
    """The shape of the array that `look` returns for the model, without computing it."""
    return jax.eval_shape(lambda key: look(model.bind(model.init(key)), key), jax.random.key(0)).shape


def _check_any(num: int, name: str) -> None:
    if num < 1:
        raise ValueError(f"expected at least one of {name}; got {num}")
