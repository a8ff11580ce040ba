"""A second VAE on the codes of the first."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.aggregate.ascent import ascend, standardising
from vae_jax.models import gaussian, likelihoods
from vae_jax.networks import mlp
from vae_jax.objectives import elbo
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key, Params
from vae_jax.vae import VAE, Model


@register_dataclass
@dataclass(frozen=True)
class SecondStage:
    """The codes that a VAE of codes makes: u ~ p(u), z = location + scale · (a draw of p(z|u)). It can be sampled only.

    Args:
        params: The parameters of the VAE.
        loc: The mean of the codes that the VAE was trained on, before they were standardised.
        scale: The standard deviation of those codes.
        hidden_sizes: The hidden sizes of its encoder.
    """

    params: Params
    loc: Float[Array, " size"]
    scale: Float[Array, " size"]
    hidden_sizes: tuple[int, ...] = field(metadata={"static": True})
    is_reparametrised = True
    has_density = True

    @property
    def vae(self) -> VAE:
        """The VAE of standardised codes."""
        return _model(self.loc.size, self.hidden_sizes).bind(self.params)

    def sample(self, key: Key) -> Float[Array, " size"]:
        """A code, with the noise of p(z|u): the codes of the first stage fill all their dimensions."""
        prior_key, likelihood_key = jax.random.split(key)
        vae = self.vae
        return self.loc + self.scale * vae.likelihood(vae.prior.sample(prior_key)).sample(likelihood_key)

    def log_prob(self, value: Float[Array, " size"]) -> Scalar:
        """Refuse: the density is an integral over the latent u.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "expected a distribution with a log-density; got a SecondStage, whose density is an integral over its own "
            "latent; bound it by objectives.iwae of its vae, or use aggregate.flow_density"
        )

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " size"], Scalar]:
        """Refuse, as `log_prob` does.

        Raises:
            TypeError: Always.
        """
        return self.loc, self.log_prob(self.loc)

    def mean(self) -> Float[Array, " size"]:
        """The mean of the codes that the VAE was trained on; its own mean has no closed form."""
        return self.loc


def two_stage(
    key: Key,
    codes: Float[Array, "num size"],
    *,
    hidden_sizes: tuple[int, ...] = (128, 128),
    num_steps: int = 6_000,
    batch_size: int = 256,
    learning_rate: float | Scalar = 2e-3,
) -> SecondStage:
    """The second stage of a two-stage VAE: as many latent dimensions as a code has, and a learned noise scale.

    The first stage may match the data's manifold and not the prior; on the codes, which fill their space, the second
    one can match both.

    Args:
        key: A random key.
        codes: Draws from the aggregate posterior.
        hidden_sizes: The hidden sizes of the encoder; the decoder has them in reverse.
        num_steps: The number of steps of Adam.
        batch_size: The number of codes per step.
        learning_rate: The rate of the first step; it falls to 0 by a cosine.

    Raises:
        ValueError: If the codes are not vectors.

    Source: Dai & Wipf 2019, arXiv:1903.05789, section 4.
        Differs from the paper: codes are standardised first; no skip from the input to the decoder's last layer.
    """
    codes = jnp.asarray(codes)
    if codes.ndim != 2:
        raise ValueError(f"expected codes that are vectors, of shape (num, size); got {codes.shape}; flatten them")
    model = _model(codes.shape[1], hidden_sizes)
    loc, log_scale = standardising(codes)

    def value(key: Key, params: Params, code: Array) -> Scalar:
        return elbo(key, model.bind(params), code)[0]

    init_key, ascent_key = jax.random.split(key)
    params = ascend(
        ascent_key,
        value,
        model.init(init_key),
        (codes - loc) / jnp.exp(log_scale),
        num_steps=num_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
    )
    return SecondStage(params, loc, jnp.exp(log_scale), hidden_sizes)


def _model(size: int, hidden_sizes: tuple[int, ...]) -> Model:
    return gaussian(
        encoder=mlp((size,), (2 * size,), hidden_sizes),
        decoder=mlp((size,), (size,), hidden_sizes[::-1]),
        likelihood=likelihoods.gaussian_with_learned_scale(1.0),  # of standardised codes
        latent_size=size,
    )
