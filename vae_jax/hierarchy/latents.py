"""The latents of a hierarchy: prior and posterior, by one pass from the top group down."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Scalar

from vae_jax.distributions import Normal, Product, Stacked, centre
from vae_jax.hierarchy.groups import Features, Group, Groups, Repeated, State, num_single
from vae_jax.hierarchy.readout import Readout
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Draw

Choose: TypeAlias = Callable[[str, Distribution, Any], Any]
"""(name, distribution of one group, what is given for it: a key, a value) -> the group's z."""


@register_dataclass
@dataclass(frozen=True)
class TopDown:
    """p(z), q(z|x), or what lies between them: the groups of a hierarchy, drawn and evaluated from the top down.

    Args:
        params: The parameters of the model.
        start: The state above the top group.
        features: The features of an example; None for a prior.
        top: A distribution in place of the top group's prior; None for its own.
        groups: (name, group or repeated group), the top one first.
        num_informed: The number of single groups, from the top, whose posterior is taken; the others have their prior.
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
    def num_groups(self) -> int:
        """The number of single groups: a repeated group counts as many as it has."""
        return sum(num_single(entry) for _, entry in self.groups)

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
        return self._descend(_sample, self._keys(key)).z

    def log_prob(self, value: Mapping[str, Any]) -> Scalar:
        """Σ_l log p(z_l | z_<l), in nats."""
        return self.factors(value).log_prob(value)

    def sample_and_log_prob(self, key: Key) -> tuple[dict[str, Any], Scalar]:
        """A draw and its log-density in nats, by one pass."""
        passed = self._descend(_sample, self._keys(key))
        return passed.z, Product(passed.factors).log_prob(passed.z)

    def mean(self) -> dict[str, Any]:
        """Each group's mean given the means above it: below the top, a path of means and not the expectation."""
        return self._descend(_mean, dict.fromkeys(self.names)).z

    def centre(self) -> dict[str, Any]:
        """Each group's `centre` given those above it: on a sphere, a direction and not the mean within."""
        return self._descend(lambda name, factor, _: centre(factor), dict.fromkeys(self.names)).z

    def factors(self, value: Mapping[str, Any]) -> Product:
        """The distribution of each group, given the values above it; of a repeated group, a `Stacked`."""
        return Product(self._descend(_take, value).factors)

    def draw(self, key: Key, vae: VAE) -> Draw:
        """One sample and the three distributions along it, all by one pass.

        A prior or likelihood of another kind, put in the place of the hierarchy's own, is evaluated at the sample.
        """
        return self._draw(_sample, self._keys(key), vae)

    def draw_given(self, key: Key, given: Mapping[str, Any], vae: VAE) -> Draw:
        """One sample of the groups that are not given, and the three distributions along it.

        Args:
            key: A random key.
            given: name -> z_l, for some of the groups; of a repeated group, the z of all its groups.
            vae: The model, parameters bound.
        """
        choose = lambda name, factor, own: own if name in given else factor.sample(own)
        return self._draw(choose, {**self._keys(key), **given}, vae)

    def complete(self, key: Key, z: Mapping[str, Any], num_groups: int | Int[Array, ""]) -> dict[str, Any]:
        """A draw whose top groups are given. One program for any number of them, which may be traced.

        Given a draw of q(z|x) by the same key, the same draw as by `informed_by`.

        Args:
            key: A random key.
            z: name -> z_l, for all groups.
            num_groups: k, the number of single groups from the top that are given.
        """
        numbers = dict(zip(self.names, self._numbers(), strict=True))
        places = {
            name: numbers[name] + (jnp.arange(entry.num) if isinstance(entry, Repeated) else 0)
            for name, entry in self.groups
        }
        keys = self._keys(key)

        def choose(name: str, factor: Distribution, own: tuple[Any, Any, Any]) -> Any:
            key, given, place = own
            return jax.tree.map(lambda a, b: jnp.where(place < num_groups, a, b), given, factor.sample(key))

        return self._descend(choose, {name: (keys[name], z[name], places[name]) for name in self.names}).z

    def draw_at(self, z: Mapping[str, Any], vae: VAE) -> Draw:
        """The three distributions along given latents, all by one pass."""
        return self._draw(_take, z, vae)

    def _draw(self, choose: Choose, own: Mapping[str, Any], vae: VAE) -> Draw:
        prior, likelihood = vae.prior, vae.likelihood
        is_hierarchy = isinstance(prior, TopDown)
        passed = self._descend(choose, own, prior if is_hierarchy else None)
        posterior = Product(passed.factors)
        return Draw(
            passed.z,
            posterior.log_prob(passed.z),
            posterior,
            Product(passed.beside) if is_hierarchy else prior,
            likelihood.of_state(passed.state) if isinstance(likelihood, Readout) else likelihood(passed.z),
        )

    def factor(self, name: str, state: State) -> Distribution:
        """The distribution of one group, given the state above it; of a repeated group, that of its first."""
        place = self.names.index(name)
        number, (_, entry) = self._numbers()[place], self.groups[place]
        state, params = entry.entered(self.params, state), self.params
        if isinstance(entry, Repeated):
            params = jax.tree.map(lambda leaf: leaf[0], entry.params(params))
            return self._factor(number, entry.group, params, entry.group.entered(params, state))
        return self._factor(number, entry, params, state)

    def _factor(self, number: int, group: Group, params: Params, state: State) -> Distribution:
        """The distribution of a single group, given its number from the top and the state that its functions get."""
        if number < self.num_informed:
            return group.posterior(params, state, self.features)
        prior = self.top if number == 0 and self.top is not None else group.prior(params, state)
        return prior if self.temperature is None else tempered(prior, self.temperature)

    def _numbers(self) -> list[int]:
        """The number of single groups above each entry."""
        sizes = [num_single(entry) for _, entry in self.groups]
        return [sum(sizes[:place]) for place in range(len(sizes))]

    def _along_means(self) -> Product:
        # From shapes alone, so that it works for a posterior that is only traced.
        return jax.eval_shape(lambda own: Product(own._descend(_mean, dict.fromkeys(own.names)).factors), self)

    def _keys(self, key: Key) -> dict[str, Any]:
        """A key for each single group, the same whether groups are repeated or written one by one."""
        keys, numbers = jax.random.split(key, self.num_groups), self._numbers()
        return {
            name: keys[number : number + entry.num] if isinstance(entry, Repeated) else keys[number]
            for number, (name, entry) in zip(numbers, self.groups, strict=True)
        }

    def _descend(self, choose: Choose, own: Mapping[str, Any], beside: TopDown | None = None) -> _Passed:
        """Run the one pass, in which `choose` picks each z_l.

        Args:
            choose: The rule.
            own: name -> what the rule is given for the group; for a repeated group, along a leading axis.
            beside: A hierarchy of the same groups, whose distributions are evaluated along the same pass.
        """
        z, factors, others, state = {}, {}, {}, self.start
        for number, (name, entry) in zip(self._numbers(), self.groups, strict=True):
            state = entry.entered(self.params, state)
            if isinstance(entry, Repeated):
                passed = self._run_repeated(number, name, entry, state, choose, own[name], beside)
            else:
                passed = self._run_one(number, name, entry, state, choose, own[name], beside)
            state, (z[name], factors[name], others[name]) = passed
        return _Passed(z, factors, others, state)

    def _run_one(
        self, number: int, name: str, group: Group, state: State, choose: Choose, own: Any, beside: TopDown | None
    ) -> tuple[State, tuple[Any, Distribution, Distribution | None]]:
        factor = self._factor(number, group, self.params, state)
        other = None if beside is None else beside._factor(number, group, beside.params, state)
        z = choose(name, factor, own)
        return group.down(self.params, state, z), (z, factor, other)

    def _run_repeated(
        self, number: int, name: str, entry: Repeated, state: State, choose: Choose, own: Any, beside: TopDown | None
    ) -> tuple[State, tuple[Any, Distribution, Distribution | None]]:
        """All groups of an entry: a loop, or several behind each other, cut where posteriors end and priors begin."""
        params = entry.params(self.params)
        # The same parameters are not carried through the loop twice.
        is_apart = beside is not None and beside.params is not self.params
        others_params = entry.params(beside.params) if beside is not None and is_apart else None
        ends = [hierarchy.num_informed - number for hierarchy in (self, beside) if hierarchy is not None]
        cuts = sorted({0, entry.num, *(end for end in ends if 0 < end < entry.num)})
        parts = []
        for first, last in itertools.pairwise(cuts):

            def once(state: State, inputs: Any, first: int = first) -> tuple[State, Any]:
                params, others_params, own = inputs
                state = entry.group.entered(params, state)
                factor = self._factor(number + first, entry.group, params, state)
                other = None
                if beside is not None:
                    other = beside._factor(number + first, entry.group, others_params if is_apart else params, state)
                z = choose(name, factor, own)
                return entry.group.down(params, state, z), (z, factor, other)

            inputs = jax.tree.map(lambda leaf, part=slice(first, last): leaf[part], (params, others_params, own))
            state, outputs = entry.run(name, once, state, inputs)
            parts.append(outputs)
        z, factor, other = parts[0] if len(parts) == 1 else _joined(name, parts)
        return state, (z, Stacked(factor), None if other is None else Stacked(other))


class _Passed(NamedTuple):
    """The results of a pass."""

    z: dict[str, Any]
    factors: dict[str, Distribution]
    beside: dict[str, Any]
    """The distributions of the hierarchy beside it; None where there is none."""
    state: State
    """The state below the last group."""


def _sample(name: str, factor: Distribution, key: Any) -> Any:
    return factor.sample(key)


def _mean(name: str, factor: Distribution, nothing: None) -> Any:
    return factor.mean()


def _take(name: str, factor: Distribution, z: Any) -> Any:
    return z


def _joined(name: str, parts: list[Any]) -> Any:
    """The outputs of loops behind each other, along their leading axis."""
    families = [jax.tree.structure(part) for part in parts]
    if any(family != families[0] for family in families):
        raise TypeError(
            f"expected prior and posterior of one family in the repeated group {name}, of which a part is informed; "
            f"got {families}; take all of its groups, or none"
        )
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)


def tempered(prior: Distribution, temperature: float | Scalar) -> Normal:
    if not isinstance(prior, Normal):
        raise TypeError(f"expected a normal prior, whose scale a temperature multiplies; got {type(prior).__name__}")
    return Normal(prior.loc, temperature * prior.scale)
