"""Priors with a flow: the latent space takes the shape that the data ask for."""

from __future__ import annotations

import jax

from vae_jax.flows import Flow, Transformed, refuse_context, without_context
from vae_jax.hierarchy import top_of, with_top
from vae_jax.models.part import after_of_part
from vae_jax.types import Key, Params
from vae_jax.vae import VAE, Model


def with_flow_prior(model: Model, flow: Flow) -> Model:
    """The model with its prior pushed through a flow, learned with the rest: p(z) = p₀(f⁻¹(z)) |det ∂f⁻¹/∂z|.

    The flow has to have an inverse, because the prior's density is evaluated at the posterior's z:
    `masked_autoregressive` (its density costs one pass), `coupling`, or an `elementwise` spline. Train it with
    `kl=sampled_kl`.

    Args:
        model: A model with a prior over vectors of the flow's size; in a hierarchy, the prior of the top group.
        flow: A flow without context.

    Returns:
        A model with the parameters `{"model", "flow"}`. What does not fit is refused when it is bound.

    Raises:
        ValueError: If the flow asks for a context.

    Source: Chen et al. 2017, arXiv:1611.02731, section 3.2.

    Example:
        >>> from vae_jax import flows
        >>> from vae_jax.models import gaussian, likelihoods
        >>> from vae_jax.networks import mlp
        >>> model = gaussian(mlp((5,), (4,)), mlp((2,), (5,)), likelihoods.gaussian(), latent_size=2)
        >>> richer = with_flow_prior(model, flows.masked_autoregressive(2, num_layers=2))
        >>> richer.bind(richer.init(jax.random.key(0))).prior.mean().tolist()
        [0.0, 0.0]
    """
    refuse_context(flow)

    def init(key: Key) -> Params:
        model_key, flow_key = jax.random.split(key)
        return {"model": model.init(model_key), "flow": flow.init(flow_key)}

    def bind(params: Params) -> VAE:
        vae = model.bind(params["model"])
        _check_fits(vae, flow)
        prior = Transformed(top_of(vae.prior), without_context(flow, params["flow"]))
        return vae._replace(prior=with_top(vae.prior, prior))

    return Model(init, bind, after_of_part(model, "model"))


def _check_fits(vae: VAE, flow: Flow) -> None:
    shape = jax.eval_shape(top_of(vae.prior).mean).shape
    if shape != (flow.size,):
        raise ValueError(
            f"expected a flow of the size of the model's latent, whose shape is {shape}; got a flow of size "
            f"{flow.size}; change one of them"
        )
