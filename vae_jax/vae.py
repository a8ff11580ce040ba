"""A variational autoencoder is three distributions. Read this file first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeGuard

from jaxtyping import Scalar

from vae_jax.types import Distribution, Key, Params


class Draw(NamedTuple):
    """One pass through a model for one sample: everything that an objective may look at."""

    z: Any
    """The sample, z ~ q(z|x)."""
    log_posterior: Scalar
    """log q(z|x), in nats."""
    posterior: Any
    """q(z|x)."""
    prior: Any
    """p(z)."""
    likelihood: Any
    """p(x|z)."""


class VAE(NamedTuple):
    """q(z|x), p(x|z) and p(z), with their parameters bound, for one example.

    It holds functions: parameters cross the boundary of a `jax.jit`, a VAE is made inside it.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> vae = VAE(
        ...     posterior=lambda x: Normal(0.5 * x, jnp.full(2, 0.7)),
        ...     likelihood=lambda z: Normal(z, jnp.ones(2)),
        ...     prior=standard_normal(2),
        ... )
        >>> draw(jax.random.key(0), vae, jnp.ones(2)).z.shape
        (2,)
    """

    posterior: Callable[[Any], Distribution]
    """x -> q(z|x), the encoder."""
    likelihood: Callable[[Any], Distribution]
    """z -> p(x|z), the decoder."""
    prior: Distribution
    """p(z)."""


class Conditional(NamedTuple):
    """A VAE for each condition: q(z|x, c), p(x|z, c) and p(z|c), with their parameters bound.

    An example is a dict with the entry `condition`, which is given and not modelled, and with `x`; all other entries
    are modelled together with x. Where an objective, an evaluation or a picture meets an example, `at_example` gives
    the VAE of its condition: none of them knows more of the condition.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> vaes = Conditional(lambda c: VAE(lambda x: Normal(x - c, jnp.ones(2)), lambda z: Normal(z + c, jnp.ones(2)),
        ...                                  standard_normal(2)))
        >>> vae, x = at_example(vaes, {"x": jnp.zeros(2), "condition": jnp.full(2, 3.0)})
        >>> vae.posterior(x).mean().tolist()
        [-3.0, -3.0]

    Source: Sohn, Lee & Yan 2015, "Learning Structured Output Representation using Deep Conditional Generative Models",
    section 4.
    """

    given: Callable[[Any], VAE]
    """c -> the VAE."""

    def __getattr__(self, name: str) -> Any:
        if name in VAE._fields:
            raise TypeError(f"expected a VAE; got a Conditional, whose {name} depends on a condition c; take given(c)")
        raise AttributeError(name)


class JointPosterior(Distribution, Protocol):
    """A posterior that shares a pass with the prior and the likelihood, as that of a hierarchy does.

    A draw asks it for all three at once. It takes the prior and the likelihood from the VAE that it is given, so that a
    draw uses what was put in their place.
    """

    def draw(self, key: Key, vae: VAE) -> Draw:
        """One sample, and the three distributions along it."""
        ...

    def draw_at(self, z: Any, vae: VAE) -> Draw:
        """The three distributions along a given z."""
        ...


class Model(NamedTuple):
    """A family of VAEs: how its parameters start, and the VAE that they make."""

    init: Callable[[Key], Params]
    """key -> parameters."""
    bind: Callable[[Params], Any]
    """parameters -> `VAE`, or `Conditional`."""
    after: Callable[[Params, Any], Params] | None = None
    """The end of a training step, after the optimizer: (parameters, what the objective saw of the whole batch) ->
    parameters. `Untrained` parts change here, and trained parts may be projected. None changes nothing. What was seen
    is a dict of arrays with a leading batch axis, whatever the number of devices and parts that the batch was on; it is
    empty if the objective returns only values and metrics."""


def at_example(bound: VAE | Conditional, example: Any) -> tuple[VAE, Any]:
    """The VAE of an example, and the x that it models; for a `Conditional`, the VAE of its condition, and the rest.

    Raises:
        ValueError: If a `Conditional` meets an example without a condition.
    """
    condition, x = condition_and_x(bound, example)
    return given(bound, condition), x


def given(bound: VAE | Conditional, condition: Any) -> VAE:
    """The VAE under a condition; the VAE itself where there are no conditions."""
    return bound.given(condition) if isinstance(bound, Conditional) else bound


def condition_and_x(bound: VAE | Conditional, example: Any) -> tuple[Any, Any]:
    """The condition of an example, or of several along the first axis, and the modelled part; (None, x) for a VAE.

    Raises:
        ValueError: If a `Conditional` meets an example without a condition.
    """
    if not isinstance(bound, Conditional):
        return None, example
    if not isinstance(example, Mapping) or "condition" not in example or len(example) < 2:
        got = f"a dict of {', '.join(example)}" if isinstance(example, Mapping) else f"a {type(example).__name__}"
        raise ValueError(f"expected an example of a conditional VAE, a dict of x and condition; got {got}")
    modelled = {name: part for name, part in example.items() if name != "condition"}
    return example["condition"], modelled["x"] if modelled.keys() == {"x"} else modelled


def of_each_vae(function: Callable[[VAE], VAE], bound: Any) -> Any:
    """`function` applied to a VAE, or to the VAE under each condition of a `Conditional`."""
    return Conditional(lambda c: function(bound.given(c))) if isinstance(bound, Conditional) else function(bound)


def draw(key: Key, vae: VAE, x: Any) -> Draw:
    """One sample z ~ q(z|x) and the three distributions evaluated along it.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.

    Returns:
        A `Draw`; its z is differentiable in the parameters of the posterior where that is reparametrised.
    """
    posterior = vae.posterior(x)
    if _is_joint(posterior):
        return posterior.draw(key, vae)
    z, log_posterior = posterior.sample_and_log_prob(key)
    return Draw(z, log_posterior, posterior, vae.prior, vae.likelihood(z))


def draw_at(z: Any, posterior: Distribution, vae: VAE) -> Draw:
    """The three distributions along a given z, whose density the posterior gives.

    Args:
        z: A value of the latents.
        posterior: q(z|x), from `vae.posterior`.
        vae: The model, parameters bound.
    """
    if _is_joint(posterior):
        return posterior.draw_at(z, vae)
    return Draw(z, posterior.log_prob(z), posterior, vae.prior, vae.likelihood(z))


def _is_joint(posterior: Distribution) -> TypeGuard[JointPosterior]:
    return hasattr(posterior, "draw_at")
