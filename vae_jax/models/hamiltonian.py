"""The Hamiltonian VAE: the encoder's draws follow the gradient of log p(x, z) for a few leapfrog steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.scipy.special import logit
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions import Normal, Product, has_density, is_reparametrised
from vae_jax.hamiltonian import Phase, leapfrog_step
from vae_jax.messages import check_sizes
from vae_jax.models.part import after_of_part
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Draw, Model

Tempering = Literal["none", "quadratic", "free"]


@register_dataclass
@dataclass(frozen=True)
class HamiltonianPosterior:
    """q(z, ρ|x), the distribution of a position and a momentum after tempered Hamiltonian dynamics.

    z₀ ~ q(z|x) and ρ₀ = γ/√β₀ with γ ~ N(0, I); then K times a leapfrog step, and ρ ← αₖ ρ. With β₀ = Πₖ αₖ² the
    cooling undoes the volume of the hot start, so log q(z_K, ρ_K|x) = log q(z₀|x) + log N(γ; 0, I). An event is a dict
    of `momentum` and `z`.

    Args:
        start: q(z|x), reparametrised, of an array.
        given: The parameters and the example that the joint density depends on.
        step_size: ε, one for each dimension.
        cooling: α₁, …, α_K, > 0.
        noise: γ of the draw that this posterior was made for, in a `Draw`; None elsewhere.
        log_joint: (given, z) -> log p(x, z).

    Source: Caterini, Doucet & Sejdinovic 2018, arXiv:1805.11328.
    """

    start: Distribution
    given: Any
    step_size: Float[Array, " latent"]
    cooling: Float[Array, " step"]
    noise: Float[Array, " latent"] | None
    log_joint: Callable[[Any, Array], Scalar] = field(metadata={"static": True})

    @property
    def is_reparametrised(self) -> bool:
        """Whether the start is reparametrised: the dynamics are smooth."""
        return is_reparametrised(self.start)

    @property
    def has_density(self) -> bool:
        """Whether the start has a density."""
        return has_density(self.start)

    def sample(self, key: Key) -> dict[str, Array]:
        """A position and a momentum, differentiable in all parameters."""
        return self._sample(key)[0]

    def log_prob(self, value: dict[str, Array]) -> Scalar:
        """Log-density of a position and a momentum, in nats, by going back along the dynamics."""
        z, noise = self._back(value)
        return self.start.log_prob(z) + _standard(noise).log_prob(noise)

    def sample_and_log_prob(self, key: Key) -> tuple[dict[str, Array], Scalar]:
        """A draw and its log-density in nats, computed forwards only."""
        value, log_prob, _ = self._sample(key)
        return value, log_prob

    def mean(self) -> dict[str, Array]:
        """The place that the start's mean comes to from rest, and no momentum: the code of an example.

        Differs from the other distributions: it is the expectation only where the dynamics are linear and the start
        lies symmetrically.
        """
        first = jnp.asarray(self.start.mean())
        return self._forwards(first, jnp.zeros_like(first)) | {"momentum": jnp.zeros_like(first)}

    def draw(self, key: Key, vae: VAE) -> Draw:
        """One sample and the three distributions, the posterior with the noise that the momentum began with."""
        z, log_posterior, noise = self._sample(key)
        return Draw(z, log_posterior, replace(self, noise=noise), vae.prior, vae.likelihood(z))

    def draw_at(self, z: dict[str, Array], vae: VAE) -> Draw:
        """The three distributions at a given position and momentum."""
        _, noise = self._back(z)
        return Draw(z, self.log_prob(z), replace(self, noise=noise), vae.prior, vae.likelihood(z))

    def _sample(self, key: Key) -> tuple[dict[str, Array], Scalar, Array]:
        start_key, noise_key = jax.random.split(key)
        z, log_prob = self.start.sample_and_log_prob(start_key)
        noise = jax.random.normal(noise_key, z.shape, z.dtype)
        return self._forwards(z, noise), log_prob + _standard(noise).log_prob(noise), noise

    def _forwards(self, z: Array, noise: Array) -> dict[str, Array]:
        def step(phase: Phase, factor: Array) -> tuple[Phase, None]:
            phase = leapfrog_step(self._grad, phase, self.step_size)
            return phase._replace(momentum=factor * phase.momentum), None

        first = Phase(z, noise / jnp.prod(self.cooling), self._grad(z))
        last, _ = jax.lax.scan(step, first, self.cooling)
        return {"momentum": last.momentum, "z": last.z}

    def _back(self, value: dict[str, Array]) -> tuple[Array, Array]:
        """z₀ and γ, for which `_forwards` gives the value."""

        def step(phase: Phase, factor: Array) -> tuple[Phase, None]:
            phase = phase._replace(momentum=phase.momentum / factor)
            return leapfrog_step(self._grad, phase, -self.step_size), None

        last = Phase(value["z"], value["momentum"], self._grad(value["z"]))
        first, _ = jax.lax.scan(step, last, self.cooling, reverse=True)
        return first.z, first.momentum * jnp.prod(self.cooling)

    def _grad(self, z: Array) -> Array:
        return jax.grad(self.log_joint, argnums=1)(self.given, z)


def hamiltonian(
    model: Model,
    *,
    latent_size: int,
    num_steps: int,
    tempering: Tempering = "quadratic",
    max_step_size: float | Scalar = 0.5,
    initial_step_size: float | Scalar = 0.05,
) -> Model:
    """The model with its posterior carried towards p(z|x) by K leapfrog steps on its own log p(x, z).

    The latents become a dict of `z` and `momentum`, with p(z) N(ρ; 0, I) for a prior; x depends on z alone. So the
    bound is the ELBO of these latents: train it by `elbo` with `kl=hamiltonian_kl`, which has the momentum's start
    averaged out, or with `sampled_kl`; `iwae` and the importance-sampled likelihood hold as for every model. Step sizes
    and tempering are learned.

    Args:
        model: A model with latents that are one vector, reparametrised, and a prior and a likelihood with gradients.
        latent_size: The number of latent dimensions, for each of which there is a step size.
        num_steps: K ≥ 1.
        tempering: "none"; "quadratic" for √βₖ = 1/((1 − 1/√β₀) k²/K² + 1/√β₀) with β₀ learned; "free" for a learned
            factor αₖ of each step.
        max_step_size: The bound of the step sizes, > 0: ε stays in (0, max_step_size).
        initial_step_size: ε at the beginning, below the bound.

    Returns:
        A model with the parameters `{"model", "step_size", "tempering"}`, the last two without bounds.

    Raises:
        ValueError: If `num_steps` or `latent_size` is below one, or the tempering is not known.
        TypeError: When it is bound, if the model is a `Conditional`.

    Source: Caterini, Doucet & Sejdinovic 2018, arXiv:1805.11328 (fixed and free tempering).

    Example:
        >>> from vae_jax.models import gaussian, likelihoods
        >>> from vae_jax.networks import mlp
        >>> plain = gaussian(mlp((5,), (4,)), mlp((2,), (5,)), likelihoods.gaussian(), latent_size=2)
        >>> model = hamiltonian(plain, latent_size=2, num_steps=3)
        >>> z = model.bind(model.init(jax.random.key(0))).posterior(jnp.zeros(5)).sample(jax.random.key(1))
        >>> jax.tree.map(jnp.shape, z)
        {'momentum': (2,), 'z': (2,)}
    """
    check_sizes(latent_size=latent_size, num_steps=num_steps)
    if tempering not in _COOLING:
        raise ValueError(f"expected a tempering of {', '.join(_COOLING)}; got '{tempering}'")

    def log_joint(given: Any, z: Array) -> Scalar:
        params, x = given
        vae = model.bind(params)
        return vae.likelihood(z).log_prob(x) + vae.prior.log_prob(z)

    def init(key: Key) -> Params:
        of_step = logit(jnp.asarray(initial_step_size) / max_step_size)
        size = 1 if tempering == "quadratic" else num_steps
        # √β₀ = 0.9 at the beginning: little tempering.
        of_tempering = () if tempering == "none" else logit(jnp.full(size, 0.9 ** (1 / size)))
        return {"model": model.init(key), "step_size": jnp.full(latent_size, of_step), "tempering": of_tempering}

    def bind(params: Params) -> VAE:
        vae = model.bind(params["model"])
        if not isinstance(vae, VAE):
            raise TypeError(
                f"expected a VAE, whose joint density the dynamics follow; got a {type(vae).__name__}; "
                "make each condition's VAE Hamiltonian"
            )
        step_size = max_step_size * jax.nn.sigmoid(params["step_size"])
        cooling = _COOLING[tempering](params["tempering"], num_steps)

        def posterior(x: Any) -> HamiltonianPosterior:
            start = vae.posterior(x)
            _check_vector(start, latent_size)
            return HamiltonianPosterior(start, (params["model"], x), step_size, cooling, None, log_joint)

        prior = Product({"momentum": Normal(jnp.zeros(latent_size), jnp.ones(latent_size)), "z": vae.prior})
        return VAE(posterior, lambda z: vae.likelihood(z["z"]), prior)

    return Model(init, bind, after_of_part(model, "model"))


def _quadratic(params: Float[Array, "1"], num_steps: int) -> Float[Array, " step"]:
    """αₖ = √(βₖ₋₁/βₖ) for √βₖ that grow from √β₀ = sigmoid(params) to 1, their inverses along a parabola."""
    hottest = 1 / jax.nn.sigmoid(params)
    inverse_roots = (1 - hottest) * jnp.linspace(0.0, 1.0, num_steps + 1) ** 2 + hottest
    return inverse_roots[1:] / inverse_roots[:-1]


_COOLING: dict[str, Callable[[Any, int], Array]] = {
    "none": lambda params, num_steps: jnp.ones(num_steps),
    "quadratic": _quadratic,
    "free": lambda params, num_steps: jax.nn.sigmoid(params),
}


def _standard(like: Array) -> Normal:
    return Normal(jnp.zeros_like(like), jnp.ones_like(like))


def _check_vector(start: Distribution, latent_size: int) -> None:
    mean: Any = jax.eval_shape(start.mean)
    shape = getattr(mean, "shape", type(mean).__name__)
    if shape != (latent_size,):
        raise ValueError(
            f"expected a posterior over one vector of {latent_size} numbers, as many as there are step sizes; "
            f"got {shape}; change latent_size"
        )
