"""Hierarchies of latents: one pass from the top group down, from which everything else follows.

The latents z = (z₁, …, z_L) come in groups. A state runs through them from the top down: p(z_l | z_<l) and
q(z_l | z_<l, x) are made from it, and z_l changes it. Sampling, inference and decoding are the same pass; they differ
only in how a group's z is chosen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
from jaxtyping import Scalar

from vae_jax.distributions import Normal, Product, centre
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Draw

State = Any
"""The state that the groups above pass to those below, a pytree."""
Features = Any
"""The features that the encoder finds in an example, a pytree."""


class Group(NamedTuple):
    """One group of latents: three pure functions of the model's parameters and the state above it."""

    prior: Callable[[Params, State], Distribution]
    """(parameters, state) -> p(z_l | z_<l)."""
    posterior: Callable[[Params, State, Features], Distribution]
    """(parameters, state, features of x) -> q(z_l | z_<l, x)."""
    down: Callable[[Params, State, Any], State]
    """(parameters, state, z_l) -> the state below."""


Groups = tuple[tuple[str, Group], ...]
Choose = Callable[[str, Distribution, State], Any]
"""(name, distribution of the group, state above it) -> the group's z."""


def top_down(
    groups: Mapping[str, Group],
    *,
    start: Callable[[Params], State],
    features: Callable[[Params, Any], Features],
    read: Callable[[Params, State], Distribution],
) -> Callable[[Params], VAE]:
    """The hierarchical VAE of some groups: the `bind` of a `Model`.

    p(x, z) = p(x | state_L) Π_l p(z_l | z_<l) and q(z|x) = Π_l q(z_l | z_<l, x), with state_l = down(state_{l−1}, z_l).
    A draw evaluates each function once; its factors are `Product`s, so that every objective and every estimate of the
    KL takes it as it takes a flat model. An event is a dictionary: name -> z_l.

    Args:
        groups: name -> group, the top one first. Make it once, outside of what is traced: its functions are a part of
            the structure of the distributions.
        start: parameters -> the state above the top group.
        features: (parameters, x) -> what the posteriors see of an example; the bottom-up network.
        read: (parameters, state below the last group) -> p(x|z).

    Returns:
        parameters -> `VAE`.

    Raises:
        ValueError: If there is no group.

    Source: Sønderby et al. 2016, arXiv:1602.02282, section 2 (the ladder); Kingma et al. 2016, arXiv:1606.04934,
    appendix C (one pass top down).

    Example:
        >>> import jax.numpy as jnp
        >>> unit = lambda loc: Normal(loc, jnp.ones(1))
        >>> group = Group(
        ...     prior=lambda params, above: unit(above),
        ...     posterior=lambda params, above, x: unit((above + x) / 2),
        ...     down=lambda params, above, z: z,
        ... )
        >>> bind = top_down(
        ...     {"top": group, "bottom": group},
        ...     start=lambda params: jnp.zeros(1),
        ...     features=lambda params, x: x,
        ...     read=lambda params, state: unit(params["scale"] * state),
        ... )
        >>> sorted(bind({"scale": 2.0}).prior.sample(jax.random.key(0)))
        ['bottom', 'top']
    """
    if not groups:
        raise ValueError("expected groups of latents; got none; a model without latents needs no hierarchy")
    stacked = tuple(groups.items())

    def bind(params: Params) -> VAE:
        prior = TopDown(params, start(params), None, None, stacked, 0)
        return VAE(
            posterior=lambda x: dataclasses.replace(prior, features=features(params, x), num_informed=len(stacked)),
            likelihood=Readout(params, prior.start, stacked, read),
            prior=prior,
        )

    return bind


@register_dataclass
@dataclass(frozen=True)
class TopDown:
    """p(z), q(z|x), or what lies between them: the groups of a hierarchy, drawn and evaluated from the top down.

    Args:
        params: The parameters of the model.
        start: The state above the top group.
        features: The features of an example; None for a prior.
        top: A distribution in place of the top group's prior; None for its own.
        groups: (name, group), the top one first.
        num_informed: The number of groups, from the top, whose posterior is taken; the others have their prior.
        temperature: The factor that the scales of normal priors are multiplied by.
    """

    params: Params
    start: State
    features: Features
    top: Distribution | None
    groups: Groups = dataclasses.field(metadata={"static": True})
    num_informed: int = dataclasses.field(metadata={"static": True})
    temperature: float | Scalar | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups, the top one first."""
        return tuple(name for name, _ in self.groups)

    @property
    def is_reparametrised(self) -> bool:
        """Whether the samples of every group are differentiable in the parameters."""
        return self._along_means().is_reparametrised

    @property
    def has_density(self) -> bool:
        """Whether every group has a density."""
        return self._along_means().has_density

    @property
    def support(self) -> dict[str, Any]:
        """The supports of the groups."""
        return self._along_means().support

    def sample(self, key: Key) -> dict[str, Any]:
        """A draw of every group, each given those above it."""
        return self._descend(self._sampling(key))[0]

    def log_prob(self, value: Mapping[str, Any]) -> Scalar:
        """Σ_l log p(z_l | z_<l), in nats."""
        return self.factors(value).log_prob(value)

    def sample_and_log_prob(self, key: Key) -> tuple[dict[str, Any], Scalar]:
        """A draw and its log-density in nats, by one pass."""
        z, factors, _ = self._descend(self._sampling(key))
        return z, factors.log_prob(z)

    def mean(self) -> dict[str, Any]:
        """Each group's mean given the means above it: below the top, a path of means and not the expectation."""
        return self._descend(lambda name, factor, state: factor.mean())[0]

    def centre(self) -> dict[str, Any]:
        """Each group's `centre` given those above it: on a sphere, a direction and not the mean within."""
        return self._descend(lambda name, factor, state: centre(factor))[0]

    def factors(self, value: Mapping[str, Any]) -> Product:
        """The distribution of each group, given the values above it."""
        return self._descend(lambda name, factor, state: value[name])[1]

    def draw(self, key: Key, vae: VAE) -> Draw:
        """One sample and the three distributions along it, all by one pass.

        A prior or likelihood of another kind, put in the place of the hierarchy's own, is evaluated at the sample.
        """
        return self._draw(self._sampling(key), vae)

    def draw_given(self, key: Key, given: Mapping[str, Any], vae: VAE) -> Draw:
        """One sample of the groups that are not given, and the three distributions along it.

        Args:
            key: A random key.
            given: name -> z_l, for some of the groups.
            vae: The model, parameters bound.
        """
        sample = self._sampling(key)
        choose = lambda name, factor, state: given[name] if name in given else sample(name, factor, state)
        return self._draw(choose, vae)

    def draw_at(self, z: Mapping[str, Any], vae: VAE) -> Draw:
        """The three distributions along given latents, all by one pass."""
        return self._draw(lambda name, factor, state: z[name], vae)

    def _draw(self, choose: Choose, vae: VAE) -> Draw:
        prior, likelihood = vae.prior, vae.likelihood
        priors: dict[str, Distribution] = {}

        def choose_and_look(name: str, factor: Distribution, state: State) -> Any:
            if isinstance(prior, TopDown):
                priors[name] = prior.factor(name, state)
            return choose(name, factor, state)

        z, posterior, state = self._descend(choose_and_look)
        return Draw(
            z,
            posterior.log_prob(z),
            posterior,
            Product(priors) if isinstance(prior, TopDown) else prior,
            likelihood.of_state(state) if isinstance(likelihood, Readout) else likelihood(z),
        )

    def factor(self, name: str, state: State) -> Distribution:
        """The distribution of one group, given the state above it."""
        number, group = self.names.index(name), dict(self.groups)[name]
        if number < self.num_informed:
            return group.posterior(self.params, state, self.features)
        prior = self.top if number == 0 and self.top is not None else group.prior(self.params, state)
        return prior if self.temperature is None else _tempered(prior, self.temperature)

    def _along_means(self) -> Product:
        # From shapes alone, so that it works for a posterior that is only traced.
        return jax.eval_shape(lambda own: own._descend(lambda name, factor, state: factor.mean())[1], self)

    def _sampling(self, key: Key) -> Choose:
        keys = dict(zip(self.names, jax.random.split(key, len(self.groups)), strict=True))
        return lambda name, factor, state: factor.sample(keys[name])

    def _descend(self, choose: Choose) -> tuple[dict[str, Any], Product, State]:
        """Run the one pass, in which `choose` picks each z_l, and return all z, all factors, and the last state."""
        z, factors, state = {}, {}, self.start
        for name, group in self.groups:
            factors[name] = self.factor(name, state)
            z[name] = choose(name, factors[name], state)
            state = group.down(self.params, state, z[name])
        return z, Product(factors), state


@dataclass(frozen=True)
class Readout:
    """z -> p(x|z) of a hierarchy, and the same from the state that a pass has already reached."""

    params: Params
    start: State
    groups: Groups
    read: Callable[[Params, State], Distribution]

    def __call__(self, z: Mapping[str, Any]) -> Distribution:
        """p(x|z)."""
        state = self.start
        for name, group in self.groups:
            state = group.down(self.params, state, z[name])
        return self.of_state(state)

    def of_state(self, state: State) -> Distribution:
        """p(x|z) from the state below the last group."""
        return self.read(self.params, state)


def top_of(distribution: Distribution) -> Distribution:
    """The distribution of a hierarchy's top group; a flat one is its own top."""
    if isinstance(distribution, TopDown):
        return distribution.factor(distribution.names[0], distribution.start)
    return distribution


def with_top(prior: Distribution, top: Distribution) -> Distribution:
    """A hierarchy's prior with another distribution of its top group; a flat prior is replaced whole."""
    return dataclasses.replace(prior, top=top) if isinstance(prior, TopDown) else top


def at_temperature(vae: VAE, temperature: float | Scalar) -> VAE:
    """The model with the scale of every normal prior multiplied by a temperature: below 1, samples nearer the modes.

    Args:
        vae: A flat model with a normal prior, or a hierarchy of normal groups.
        temperature: A factor > 0.

    Raises:
        TypeError: If a prior is not normal; for a hierarchy, when it is sampled.
    """
    if isinstance(vae.prior, TopDown):
        return vae._replace(prior=dataclasses.replace(vae.prior, temperature=temperature))
    return vae._replace(prior=_tempered(vae.prior, temperature))


def informed_by(vae: VAE, x: Any, num_groups: int) -> VAE:
    """The model whose prior knows an example in its top groups: q(z_l | z_<l, x) there, p(z_l | z_<l) below.

    Samples of it show which group holds what: with 0 groups they are samples of the model, with all of them
    reconstructions.

    Args:
        vae: A hierarchy.
        x: One example.
        num_groups: k, the number of groups from the top.

    Raises:
        TypeError: If the model is not a hierarchy.
        ValueError: If the model has fewer groups, or `num_groups` is negative.
    """
    posterior = vae.posterior(x)
    if not (isinstance(posterior, TopDown) and isinstance(vae.prior, TopDown)):
        raise TypeError(f"expected a hierarchy made by top_down; got a {type(posterior).__name__}; use reconstruct")
    if not 0 <= num_groups <= len(posterior.groups):
        raise ValueError(f"expected between 0 and {len(posterior.groups)} groups; got {num_groups}; take fewer")
    prior = vae.prior
    return vae._replace(prior=dataclasses.replace(prior, features=posterior.features, num_informed=num_groups))


def _tempered(prior: Distribution, temperature: float | Scalar) -> Normal:
    if not isinstance(prior, Normal):
        raise TypeError(f"expected a normal prior, whose scale a temperature multiplies; got {type(prior).__name__}")
    return Normal(prior.loc, temperature * prior.scale)
