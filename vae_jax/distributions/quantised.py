"""Vectors from a finite set: the posterior of an autoencoder with codes, and priors over what it can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.distributions.categorical_codes import CategoricalCodes
from vae_jax.distributions.code_sequences import mean_of_draws
from vae_jax.distributions.point_mass import Certain
from vae_jax.distributions.support import Support
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key, Params


@register_dataclass
@dataclass(frozen=True)
class Quantised(Certain):
    """All mass on one choice of codes; one event is the array of their vectors.

    It is a distribution over finitely many events, so that its KL to a prior over the codes is finite: −log p(codes),
    the length of the message that names them. A gradient flows through `value` as its bottleneck lets it.

    Args:
        value: The vectors of the codes.
        codes: Their numbers, each 0, ..., num_codes − 1; with several quantisers one for each along the last axis.
        inputs: What each code was chosen for: an array of one vector of the encoder's numbers a code.
        num_codes: Number of codes to choose from at each place.
        num_quantisers: Number of codes that a place of the encoder's output has.
        penalty: What training subtracts for these codes, in nats.
        assignment: (num_codes,), the probability of each code if nearness were a matter of degree, a mean over the
            places; empty for a bottleneck that does not ask for diversity.
        diversity: Weight of the entropy of the assignment over a batch, in nats.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, equation 1.
    """

    value: Float[Array, "*event"]
    codes: Int[Array, "*place"]
    inputs: Float[Array, "*place size"]
    num_codes: int = field(metadata={"static": True})
    num_quantisers: int = field(default=1, metadata={"static": True})
    penalty: float | Scalar = 0.0
    assignment: Float[Array, " code"] = field(default_factory=lambda: jnp.zeros(0))
    diversity: float | Scalar = 0.0

    has_density = True


@register_dataclass
@dataclass(frozen=True)
class Coded:
    """A distribution of codes, as one of their vectors: the prior of a model whose posterior is `Quantised`.

    Args:
        codes: A distribution of the numbers of the codes, as floats: `CategoricalCodes` with equal logits before
            anything is known of them, or one that was learned.
        book: The parameters that name the vectors.
        look_up: (book, numbers) -> vectors.
        find: (book, vectors) -> numbers, for vectors that `look_up` gives.
    """

    codes: Distribution
    book: Params
    look_up: Callable[[Params, Int[Array, "*place"]], Float[Array, "*event"]] = field(metadata={"static": True})
    find: Callable[[Params, Float[Array, "*event"]], Int[Array, "*place"]] = field(metadata={"static": True})

    is_reparametrised = False
    has_density = True

    @property
    def support(self) -> Support:
        """The vectors that the codes name."""
        is_named = lambda value: jnp.abs(self.look_up(self.book, self.find(self.book, value)) - value) < 1e-5
        return Support("vectors that codes name", is_named)

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """The vectors of a draw of codes."""
        return self.look_up(self.book, self.codes.sample(key).astype(jnp.int32))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of the codes that these vectors have, in nats."""
        return self.log_prob_of_codes(self.find(self.book, value))

    def log_prob_of_codes(self, codes: Int[Array, "*place"]) -> Scalar:
        """Log-mass of codes, in nats."""
        return self.codes.log_prob(codes.astype(jnp.result_type(float)))

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """The vectors of a draw of codes, and its log-mass in nats."""
        codes = self.codes.sample(key)
        return self.look_up(self.book, codes.astype(jnp.int32)), self.codes.log_prob(codes)

    def mean(self) -> Float[Array, "*event"]:
        """The mean of the vectors of 64 draws, of which the key is fixed."""
        return mean_of_draws(self.sample)


def uniform_codes(shape: tuple[int, ...], num_codes: int) -> CategoricalCodes:
    """Codes that are equally likely and independent.

    Example:
        >>> uniform_codes((7, 7), 256).logits.shape
        (7, 7, 256)
    """
    return CategoricalCodes(jnp.zeros((*shape, num_codes)))
