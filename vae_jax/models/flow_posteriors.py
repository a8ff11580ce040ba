"""Posteriors with a flow: a diagonal normal, bent towards the true posterior."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Normal, standard_normal
from vae_jax.flows import Flow, Transformed
from vae_jax.models.amortised import amortised
from vae_jax.models.likelihoods import Likelihood
from vae_jax.networks import Network
from vae_jax.types import Key, Params
from vae_jax.vae import VAE, Model


def flow_posterior(encoder: Network, decoder: Network, likelihood: Likelihood, flow: Flow) -> Model:
    """A VAE whose posterior is a diagonal normal pushed through a flow: z = f(u), u ~ N(μ(x), diag σ²(x)).

    The encoder gives μ, log σ, and the flow's context: numbers about x for an inverse autoregressive flow, or all
    parameters of a planar, radial, Sylvester or Householder flow. Train it with `kl=sampled_kl`: the KL of a flow has
    no closed form, and `estimator=sticking_the_landing` needs an inverse, which not every flow has; both say so.

    Args:
        encoder: From one example to 2 · flow.size + flow.context_size numbers: the means, the logarithms of the scales,
            the context.
        decoder: From `flow.size` numbers to the array that the likelihood expects.
        likelihood: The family of p(x|z) for the decoder's output.
        flow: A flow of `vae_jax.flows`; its size is the number of latent dimensions.

    Returns:
        A model with the parameters `{"encoder", "decoder", "likelihood", "flow"}`; the prior is N(0, I). An encoder
        whose output has another size raises a ValueError that says which.

    Source: Rezende & Mohamed 2015, arXiv:1505.05770, algorithm 1; Kingma et al. 2016, arXiv:1606.04934, algorithm 1.

    Example:
        >>> from vae_jax import flows
        >>> from vae_jax.networks import mlp
        >>> from vae_jax.models.likelihoods import bernoulli
        >>> flow = flows.inverse_autoregressive(2, num_layers=2, context_size=3)
        >>> model = flow_posterior(mlp((8, 8), (7,)), mlp((2,), (8, 8)), bernoulli(), flow)
        >>> vae = model.bind(model.init(jax.random.key(0)))
        >>> z, log_posterior = vae.posterior(jnp.zeros((8, 8))).sample_and_log_prob(jax.random.key(1))
        >>> z.shape, log_posterior.shape
        ((2,), ())
    """

    def model_with(flow_params: Params) -> Model:
        def posterior(output: Array) -> Transformed:
            _check_output(output, flow)
            loc, log_scale, context = jnp.split(output, (flow.size, 2 * flow.size))
            return Transformed(Normal(loc, bounded_exp(log_scale)), flow.bind(flow_params, context))

        return amortised(encoder, decoder, likelihood, posterior=posterior, prior=standard_normal(flow.size))

    def init(key: Key) -> Params:
        model_key, flow_key = jax.random.split(key)
        return model_with(()).init(model_key) | {"flow": flow.init(flow_key)}

    def bind(params: Params) -> VAE:
        return model_with(params["flow"]).bind(params)

    return Model(init, bind)


def _check_output(output: Array, flow: Flow) -> None:
    expected = 2 * flow.size + flow.context_size
    if output.shape != (expected,):
        raise ValueError(
            f"expected an encoder with {expected} outputs: {flow.size} means, {flow.size} scales and a context of "
            f"{flow.context_size} for the flow; got shape {output.shape}; change its output size"
        )
