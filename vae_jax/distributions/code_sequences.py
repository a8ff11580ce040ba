"""Distributions of arrays of codes that depend on each other, by a function from codes to logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.distributions.support import Support, codes
from vae_jax.keys import key_of
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key, Params

Logits = Callable[[Params, Int[Array, " place"]], Float[Array, "place code"]]
"""(parameters, tokens) -> logits at each place; a token is a code, or `num_codes` for one that is not known."""


@register_dataclass
@dataclass(frozen=True)
class CodesInOrder:
    """Codes one after another, each given all before it: p(c) = ∏ₜ p(cₜ | c₁, ..., cₜ₋₁). One event is the whole array.

    Its density takes one pass through the function, and a sample one for each place.

    Args:
        params: Parameters of `logits`.
        logits: The function; its logits at place t must depend on the tokens up to t alone. It sees the codes one place
            late, behind the token `num_codes`.
        shape: Shape of an event; its places follow each other in the order of rows.
        num_codes: K, the number of codes.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, section 3.3.
    """

    params: Params
    logits: Logits = field(metadata={"static": True})
    shape: tuple[int, ...] = field(metadata={"static": True})
    num_codes: int = field(metadata={"static": True})

    is_discrete = True
    is_reparametrised = False
    has_density = True

    @property
    def support(self) -> Support:
        """The codes that there are."""
        return codes(self.num_codes)

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw of codes, as floats."""
        num = math.prod(self.shape)

        def place(tokens: Array, step: tuple[Array, Array]) -> tuple[Array, None]:
            place, key = step
            code = jax.random.categorical(key, self.logits(self.params, self._late(tokens))[place])
            return tokens.at[place].set(code.astype(jnp.int32)), None

        steps = jnp.arange(num), jax.random.split(key, num)
        drawn, _ = jax.lax.scan(place, jnp.zeros(num, jnp.int32), steps)
        return drawn.reshape(self.shape).astype(jnp.result_type(float))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is no code."""
        tokens = value.reshape(-1).astype(jnp.int32)
        log_mass = _log_mass(self.logits(self.params, self._late(tokens)), tokens).sum()
        return jnp.where(self.support.contains(value).all(), log_mass, -jnp.inf)

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The mean of 64 draws, of which the key is fixed: codes have no order, so it says little."""
        return mean_of_draws(self.sample)

    def _late(self, tokens: Int[Array, " place"]) -> Int[Array, " place"]:
        return jnp.concatenate([jnp.full(1, self.num_codes, tokens.dtype), tokens[:-1]])


@register_dataclass
@dataclass(frozen=True)
class CodesInRounds:
    """Codes in a few rounds, those of a round at once given all of the rounds before it. One event is the whole array.

    The places of a round are drawn by a fixed key, more in each round than in the one before it. Density and sample
    take one pass through the function for each round.

    Args:
        params: Parameters of `logits`.
        logits: The function; it sees the token `num_codes` at places whose rounds are still to come.
        shape: Shape of an event.
        num_codes: K, the number of codes.
        num_rounds: Number of rounds, ≥ 1.

    Source: Chang, Zhang, Jiang, Liu & Freeman 2022, arXiv:2202.04200, section 3: masked tokens, a cosine schedule.
        Differs from the paper: the order is fixed, so that the probabilities of all events are known and sum to one.
    """

    params: Params
    logits: Logits = field(metadata={"static": True})
    shape: tuple[int, ...] = field(metadata={"static": True})
    num_codes: int = field(metadata={"static": True})
    num_rounds: int = field(default=8, metadata={"static": True})

    is_discrete = True
    is_reparametrised = False
    has_density = True

    @property
    def support(self) -> Support:
        """The codes that there are."""
        return codes(self.num_codes)

    @property
    def rounds(self) -> Int[np.ndarray, " place"]:
        """The round of each place."""
        num = math.prod(self.shape)
        known = np.rint(num * (1 - np.cos(np.pi / 2 * np.arange(1, self.num_rounds + 1) / self.num_rounds)))
        return np.searchsorted(known, np.random.default_rng(0).permutation(num), side="right")

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw of codes, as floats."""

        def one(tokens: Array, step: tuple[Array, Array]) -> tuple[Array, None]:
            turn, key = step
            drawn = jax.random.categorical(key, self.logits(self.params, tokens)).astype(jnp.int32)
            return jnp.where(self.rounds == turn, drawn, tokens), None

        steps = jnp.arange(self.num_rounds), jax.random.split(key, self.num_rounds)
        drawn, _ = jax.lax.scan(one, jnp.full(self.rounds.size, self.num_codes, jnp.int32), steps)
        return drawn.reshape(self.shape).astype(jnp.result_type(float))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is no code."""
        tokens = value.reshape(-1).astype(jnp.int32)

        def of_round(turn: Array) -> Scalar:
            logits = self.logits(self.params, jnp.where(self.rounds < turn, tokens, self.num_codes))
            return jnp.where(self.rounds == turn, _log_mass(logits, tokens), 0.0).sum()

        log_mass = jax.vmap(of_round)(jnp.arange(self.num_rounds)).sum()
        return jnp.where(self.support.contains(value).all(), log_mass, -jnp.inf)

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The mean of 64 draws, of which the key is fixed: codes have no order, so it says little."""
        return mean_of_draws(self.sample)


def _log_mass(logits: Float[Array, "place code"], tokens: Int[Array, " place"]) -> Float[Array, " place"]:
    (logits,) = at_least_float32(logits)
    return jnp.take_along_axis(jax.nn.log_softmax(logits), tokens[:, None], axis=-1)[:, 0]


def mean_of_draws(sample: Callable[[Key], Array]) -> Array:
    """The mean of 64 draws, of which the key is fixed."""
    return jax.vmap(sample)(jax.random.split(key_of(0), 64)).mean(axis=0)
