"""Lookup-free quantisation: each number of a vector is its sign, and an entropy keeps all codes in use."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.distributions import Quantised
from vae_jax.messages import check_sizes
from vae_jax.models.bottlenecks.bottleneck import Bottleneck
from vae_jax.models.bottlenecks.passing import straight_through
from vae_jax.types import Params


def lfq(
    num_bits: int,
    *,
    commitment: float | Scalar = 0.25,
    entropy: float | Scalar = 0.1,
    diversity: float | Scalar = 1.0,
    inverse_temperature: float | Scalar = 1.0,
) -> Bottleneck:
    """Vectors of signs, −1 and 1: 2^num_bits codes without a codebook.

    Training subtracts β ‖e − sg(v)‖², and w (H(p(c|e)) − γ H(p̄)) for each place, where p(c|e) ∝ exp(−‖e − v_c‖² / τ)
    and p̄ is its mean over all places of a batch: certain in each place, and different between them.

    Args:
        num_bits: Size of a vector, 1 to 16: p̄ has a number for each code.
        commitment: β ≥ 0, per squared unit.
        entropy: w ≥ 0, in nats; 0 for neither of the entropies.
        diversity: γ ≥ 0, the weight of the entropy over a batch beside that in a place.
        inverse_temperature: 1 / τ > 0, per squared unit.

    Raises:
        ValueError: If the number of bits is below 1 or above 16.

    Source: Yu et al. 2023, arXiv:2310.05737, section 3.1 and equation 5.

    Example:
        >>> bottleneck = lfq(3)
        >>> q = bottleneck.quantise((), jnp.array([[0.3, -2.0, 0.1]]))
        >>> q.value.tolist(), q.codes.tolist()
        ([[1.0, -1.0, 1.0]], [5])
    """
    check_sizes(num_bits=num_bits)
    if num_bits > 16:
        raise ValueError(
            f"expected num_bits of at most 16, as the entropy has a number for each code; got {num_bits}; use fsq"
        )
    num_codes = 2**num_bits
    place_values = 2 ** np.arange(num_bits)[::-1]

    def look_up(params: Params, codes: Int[Array, "*place"]) -> Float[Array, "*place size"]:
        return 2.0 * (codes[..., None] // place_values % 2) - 1.0

    def find(params: Params, vectors: Float[Array, "*place size"]) -> Int[Array, "*place"]:
        return ((vectors > 0) * place_values).sum(axis=-1)

    def quantise(params: Params, encoded: Float[Array, "*place size"]) -> Quantised:
        codes = find(params, encoded)
        value = straight_through(encoded, look_up(params, codes))
        # ‖e − v‖² is −2 e·v and what all codes share.
        scores = 2 * inverse_temperature * encoded @ look_up(params, jnp.arange(num_codes)).T
        log_assignment = jax.nn.log_softmax(scores).reshape(-1, num_codes)
        assignment = jnp.exp(log_assignment)
        penalty = commitment * jnp.square(encoded - stop_gradient(value)).sum()
        penalty -= entropy * (assignment * log_assignment).sum()
        weight = entropy * diversity * len(assignment)
        mean = assignment.mean(axis=0)
        return Quantised(value, codes, encoded, num_codes, penalty=penalty, assignment=mean, diversity=weight)

    return Bottleneck(num_bits, num_codes, lambda key: (), quantise, look_up, find)
