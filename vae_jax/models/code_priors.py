"""Priors over codes that are learned with the model, and leave its encoder alone."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

import jax

from vae_jax.distributions import CategoricalCodes, Coded, CodesInOrder, CodesInRounds
from vae_jax.models.part import after_of_part
from vae_jax.networks import transformer
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Model


def with_code_prior(
    model: Model,
    order: Literal["autoregressive", "masked"] = "autoregressive",
    *,
    width: int = 64,
    num_blocks: int = 2,
    num_heads: int = 4,
    num_rounds: int = 8,
) -> Model:
    """The model of codes with a transformer for the prior of its codes: the message that names them gets shorter.

    No gradient of log p(codes) reaches the encoder, since a code has none. So the prior learns beside the model what a
    second stage would learn after it, and both are trained, resumed and sampled as one.

    Args:
        model: A model of `quantised`.
        order: "autoregressive", each code given all before it, in rows; "masked", all codes of a round at once, given
            the rounds before it.
        width: Size of the transformer's vectors.
        num_blocks: Its number of blocks.
        num_heads: Its heads of attention, which divide the width.
        num_rounds: Number of rounds of the masked order.

    Returns:
        A model with the parameters `{"model", "prior"}`; the prior starts with all codes equally likely.

    Raises:
        TypeError: If the model has no prior of independent codes.
        ValueError: If a size is below 1, the heads do not divide the width, or there is no such order.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, section 3.3; masked: Chang et al. 2022,
        arXiv:2202.04200. Differs from the papers: the prior is trained with the codes as they come, not afterwards.
    """
    if order not in ("autoregressive", "masked"):
        raise ValueError(f"expected order as 'autoregressive' or 'masked'; got {order!r}")
    prior = jax.eval_shape(lambda key: model.bind(model.init(key)).prior, jax.random.key(0))
    if not (isinstance(prior, Coded) and isinstance(prior.codes, CategoricalCodes)):
        found = type(prior.codes if isinstance(prior, Coded) else prior).__name__
        raise TypeError(f"expected a model with a prior of independent codes; got {found}; use models.quantised")
    *shape, num_codes = prior.codes.logits.shape
    is_causal = order == "autoregressive"
    network = transformer(
        math.prod(shape), num_codes, width=width, num_blocks=num_blocks, num_heads=num_heads, is_causal=is_causal
    )
    places, logits = tuple(shape), network.apply

    def codes(params: Params) -> Distribution:
        if is_causal:
            return CodesInOrder(params, logits, places, num_codes)
        return CodesInRounds(params, logits, places, num_codes, num_rounds)

    def init(key: Key) -> Params:
        model_key, prior_key = jax.random.split(key)
        return {"model": model.init(model_key), "prior": network.init(prior_key)}

    def bind(params: Params) -> VAE:
        vae = model.bind(params["model"])
        return vae._replace(prior=dataclasses.replace(vae.prior, codes=codes(params["prior"])))

    return Model(init, bind, after_of_part(model, "model"))
