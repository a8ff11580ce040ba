"""Bits per dimension of densities and of masses: what they are of, and when they can be compared."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax import data
from vae_jax.distributions import (
    Bernoulli,
    CategoricalPixels,
    MixedColumns,
    Normal,
    standard_normal,
)
from vae_jax.evaluation import evaluate
from vae_jax.evaluation.reported import COLLAPSED, DENSITY_OF_REPEATED_VALUES
from vae_jax.objectives import elbo
from vae_jax.vae import VAE, Model

BYTES = np.random.default_rng(0).integers(0, 256, (200, 4)).astype(np.uint8)


def evaluated(likelihood, transform, examples=BYTES):
    """Of a model whose posterior is its prior, so that log p(x) is the likelihood, which does not look at z.

    That it has collapsed is said, and left out of the notes here.
    """
    vae = VAE(lambda x: standard_normal(1), lambda z: likelihood, standard_normal(1))
    model = Model(lambda key: (), lambda _: vae)
    result = evaluate(model, elbo, transform.apply, (), examples, num_samples=3, log_det=transform.log_det)
    result["notes"].remove(COLLAPSED)
    return result


IDENTITY = data.Transform(lambda key, example: example.astype(jnp.float32), "as stored")


def test_equal_logits_are_eight_bits_a_byte():
    """The masses of x = byte/255 are those of the bytes: the volume of the scaling has no part in them."""
    result = evaluated(CategoricalPixels(jnp.zeros((4, 256))), data.scale(255))
    np.testing.assert_allclose(result["bits_per_dim"], 8.0, rtol=1e-6)
    assert result["notes"] == []


def test_a_density_has_the_same_bits_at_any_scale():
    """The density of x and of 255 x differ by the volume that `log_det` gives back."""
    scaled = evaluated(Normal(jnp.full(4, 0.5), jnp.full(4, 0.3)), data.scale(255))
    stored = evaluated(Normal(jnp.full(4, 127.5), jnp.full(4, 76.5)), IDENTITY)
    np.testing.assert_allclose(scaled["bits_per_dim"], stored["bits_per_dim"], rtol=1e-5)
    assert abs(scaled["nll"] - stored["nll"]) > 4 * math.log(200)


@pytest.mark.parametrize(
    ("transform", "repeats"),
    [
        (data.scale(255), True),
        (data.binarise_dynamically(255), True),
        (data.dequantise(255), False),
        (data.chain(data.dequantise(255), data.logit()), False),
    ],
    ids=lambda value: value.name if isinstance(value, data.Transform) else "",
)
def test_noise_between_the_levels_is_what_stops_values_from_repeating(transform, repeats):
    """The scale of a density can go to zero on values that repeat, and its bits to −∞."""
    notes = evaluated(Normal(jnp.full(4, 0.5), 0.3), transform)["notes"]
    assert notes == [DENSITY_OF_REPEATED_VALUES] * repeats


def test_a_density_of_bytes_is_called_what_it_is():
    assert evaluated(Normal(jnp.full(4, 0.5), 0.3), data.scale(255))["notes"] == [DENSITY_OF_REPEATED_VALUES]
    assert evaluated(Normal(jnp.full(4, 0.5), 0.3), data.dequantise(255))["notes"] == []


def test_in_a_table_the_continuous_columns_are_looked_at():
    """Where binary columns repeat, that is as it should be; where a continuous one does, it is not."""
    row = MixedColumns((Normal(jnp.zeros(1), jnp.ones(1)), Bernoulli(jnp.zeros(2))), ((1,), (0, 2)))
    table = np.random.default_rng(0).integers(0, 2, (200, 3)).astype(np.float32)
    assert evaluated(row, IDENTITY, table)["notes"] == [DENSITY_OF_REPEATED_VALUES]
    table[:, 1] = np.random.default_rng(1).normal(size=200)
    assert evaluated(row, IDENTITY, table)["notes"] == []
