"""The ladder VAE: a deterministic way up, a stochastic way down, and a posterior where they meet on each rung."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import Normal
from vae_jax.hierarchy import Group, top_down
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.merges import precision_weighted
from vae_jax.networks import Network
from vae_jax.types import Key, Params
from vae_jax.vae import Model

Merge: TypeAlias = Callable[[Normal, Normal], Normal]
"""(prior given the groups above, what x says) -> posterior."""


class Rung(NamedTuple):
    """One group of a ladder: the shape of its z, and its networks.

    Means and logarithms of scales lie behind each other on the last axis of an output.
    """

    latent_shape: tuple[int, ...]
    """The shape of z."""
    up: Network
    """From what the encoder found below (x, for the lowest) to what it finds here."""
    seen: Network
    """From that to the mean and the log scale that x says of z."""
    prior: Network | None
    """From the state above to the mean and the log scale of p(z | groups above); None for the top, whose prior is
    N(0, I)."""
    down: Network
    """From a pair (state above, z) to the state below."""


def ladder(
    rungs: Sequence[Rung], decoder: Network, likelihood: Likelihood, *, merge: Merge = precision_weighted
) -> Model:
    """A hierarchical VAE of any depth: p(z_L) Π_l p(z_l | z_>l) p(x | z) and q(z_L|x) Π_l q(z_l | z_>l, x).

    The encoder goes up once, without noise. On the way down the posterior of each group is made of its prior and of
    what the encoder found on its rung, by `merge`; at the top it is the latter alone. The state passes by what its
    groups do with it: a `down` that keeps its input is a skip connection, by which x sees all groups.

    Args:
        rungs: The groups, the lowest first. They are named z1, z2, …, from below.
        decoder: From the state below the lowest group to the array that the likelihood expects.
        likelihood: The family of p(x|z).
        merge: `precision_weighted`, or `residual_normal`.

    Returns:
        A model with the parameters `{"rungs", "decoder", "likelihood"}`.

    Raises:
        ValueError: If there is no rung, one below the top has no prior, or the top one has.

    Source: Sønderby, Raiko, Maaløe, Sønderby & Winther 2016, arXiv:1602.02282, section 2.

    Example:
        >>> from vae_jax.models import likelihoods
        >>> from vae_jax.networks import joined, mlp
        >>> top = Rung((1,), mlp((8,), (4,)), mlp((4,), (2,)), None, joined(mlp((1,), (8,))))
        >>> low = Rung((2,), mlp((6,), (8,)), mlp((8,), (4,)), mlp((8,), (4,)), joined(mlp((8 + 2,), (8,))))
        >>> model = ladder([low, top], mlp((8,), (6,)), likelihoods.bernoulli())
        >>> jax.tree.map(jnp.shape, model.bind(model.init(jax.random.key(0))).prior.mean())
        {'z1': (2,), 'z2': (1,)}
    """
    if not rungs:
        raise ValueError("expected one rung or more; got none; a model without latents needs no ladder")
    if [rung.prior is None for rung in rungs] != [False] * (len(rungs) - 1) + [True]:
        raise ValueError("expected a prior's network for every rung but the top one; got another choice; change prior")
    digits = len(str(len(rungs)))
    named = {f"z{number:0{digits}}": rung for number, rung in enumerate(rungs, 1)}

    def init(key: Key) -> Params:
        *keys, decoder_key, likelihood_key = jax.random.split(key, len(rungs) + 2)
        return {
            "rungs": {name: _init(rung, key) for (name, rung), key in zip(named.items(), keys, strict=True)},
            "decoder": decoder.init(decoder_key),
            "likelihood": likelihood.init(likelihood_key),
        }

    def features(params: Params, x: Array) -> dict[str, Array]:
        found = {}
        for name, rung in named.items():
            x = found[name] = rung.up.apply(params["rungs"][name]["up"], x)
        return found

    bind = top_down(
        {name: _group(name, rung, merge) for name, rung in reversed(named.items())},
        start=lambda params: jnp.zeros(0),
        features=features,
        read=lambda params, state: likelihood.bind(params["likelihood"], decoder.apply(params["decoder"], state)),
    )
    return Model(init, bind)


def _init(rung: Rung, key: Key) -> Params:
    networks = {part: network for part, network in rung._asdict().items() if isinstance(network, Network)}
    keys = jax.random.split(key, len(networks))
    return {part: network.init(key) for (part, network), key in zip(networks.items(), keys, strict=True)}


class _Entered(NamedTuple):
    """The state above a group, and the prior that it makes."""

    state: Any
    prior: Normal


def _group(name: str, rung: Rung, merge: Merge) -> Group:
    of = lambda params, part: params["rungs"][name][part]

    def seen(params: Params, features: Mapping[str, Array]) -> Normal:
        return _normal(rung.seen.apply(of(params, "seen"), features[name]))

    def down(params: Params, above: Any, z: Array) -> Any:
        return rung.down.apply(of(params, "down"), (above, z))

    if rung.prior is None:
        return Group(
            prior=lambda params, state: Normal(jnp.zeros(rung.latent_shape), jnp.ones(rung.latent_shape)),
            posterior=lambda params, state, features: seen(params, features),
            down=down,
        )
    prior = rung.prior
    return Group(
        prior=lambda params, above: above.prior,
        posterior=lambda params, above, features: merge(above.prior, seen(params, features)),
        down=lambda params, above, z: down(params, above.state, z),
        enter=lambda params, state: _Entered(state, _normal(prior.apply(of(params, "prior"), state))),
    )


def _normal(output: Array) -> Normal:
    loc, log_scale = jnp.split(output, 2, axis=-1)
    return Normal(loc, bounded_exp(log_scale))
