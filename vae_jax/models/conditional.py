"""The conditional VAE: encoder, decoder and prior are told something about the example that is not modelled."""

from __future__ import annotations

from typing import Any

import jax

from vae_jax.models import posteriors
from vae_jax.models.amortised import variational
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.posteriors import Posterior
from vae_jax.networks import Network
from vae_jax.types import Key, Params
from vae_jax.vae import VAE, Conditional, Model


def conditional(
    encoder: Network,
    decoder: Network,
    likelihood: Likelihood,
    *,
    latent_size: int,
    prior: Network | None = None,
    posterior: Posterior | None = None,
) -> Model:
    """The VAE under a condition c: q(z|x, c), p(x|z, c) and p(z|c).

    An example is a dict of `x` and `condition`, such as a label as a one-hot vector, or any array.

    Args:
        encoder: From a pair (x, c) to `posterior.size(latent_size)` numbers; `networks.joined` makes networks of pairs.
        decoder: From a pair (code, c) to the array that the likelihood expects. With `networks.of_first`, x depends on
            c through z alone.
        likelihood: The family of p(x|z, c) for the decoder's output.
        latent_size: The number of latent variables.
        prior: From c to as many numbers as the encoder makes, so that p(z|c) is of the posterior's family; None for the
            same p(z) under every condition.
        posterior: The family of q(z|x, c); by default a diagonal normal.

    Returns:
        A model with the parameters `{"vae", "prior"}`, whose `bind` makes a `Conditional`.

    Source: Sohn, Lee & Yan 2015, "Learning Structured Output Representation using Deep Conditional Generative Models",
    section 4.1. Differs from the paper: the prior sees c directly, not an initial guess of x.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.models import likelihoods
        >>> from vae_jax.networks import joined, mlp
        >>> encoder, decoder = joined(mlp((6 + 3,), (4,))), joined(mlp((2 + 3,), (6,)))
        >>> model = conditional(encoder, decoder, likelihoods.bernoulli(), latent_size=2, prior=mlp((3,), (4,)))
        >>> vae = model.bind(model.init(jax.random.key(0))).given(jnp.eye(3)[1])
        >>> vae.posterior(jnp.zeros(6)).mean().shape, vae.prior.mean().shape
        ((2,), (2,))
    """
    family = posterior or posteriors.diagonal()

    def under(condition: Any) -> Model:
        """The model under one condition, which its networks are told."""

        def told(network: Network) -> Network:
            return Network(network.init, lambda params, value: network.apply(params, (value, condition)))

        return variational(told(encoder), told(decoder), likelihood, latent_size=latent_size, posterior=family)

    def init(key: Key) -> Params:
        vae_key, prior_key = jax.random.split(key)
        # A start needs no condition.
        return {"vae": under(None).init(vae_key), "prior": () if prior is None else prior.init(prior_key)}

    def bind(params: Params) -> Conditional:
        def given(condition: Any) -> VAE:
            vae = under(condition).bind(params["vae"])
            if prior is None:
                return vae
            return vae._replace(prior=family.bind(prior.apply(params["prior"], condition)))

        return Conditional(given)

    return Model(init, bind)
