"""`sticking_the_landing` on a linear-Gaussian hierarchy of two numbers, whose exact posterior is known."""

import jax
import jax.numpy as jnp
import numpy as np

from vae_jax.distributions import Normal
from vae_jax.hierarchy import Group, top_down
from vae_jax.objectives import elbo, pathwise, sampled_kl, sticking_the_landing

NUM_KEYS = 20_000
X = jnp.asarray(0.9)
SLOPE, SCALE, NOISE = 0.8, 0.6, 0.5  # z₁ ~ N(0, 1), z₂|z₁ ~ N(0.8 z₁, 0.6²), x|z₂ ~ N(z₂, 0.5²)
TOP_PRECISION = 1 + SLOPE**2 / (SCALE**2 + NOISE**2)
PRECISION = 1 / SCALE**2 + 1 / NOISE**2
EXACT = {
    "top": SLOPE / (SCALE**2 + NOISE**2) / TOP_PRECISION,
    "top_log_scale": -np.log(TOP_PRECISION) / 2,
    "from_top": SLOPE / SCALE**2 / PRECISION,
    "from_x": 1 / NOISE**2 / PRECISION,
    "log_scale": -np.log(PRECISION) / 2,
}
WRONG = EXACT | {"top": 0.2, "from_top": 0.9, "log_scale": -0.3}


bind = top_down(
    {
        "top": Group(
            lambda params, state: Normal(jnp.zeros(()), jnp.ones(())),
            lambda params, state, x: Normal(params["top"] * x, jnp.exp(params["top_log_scale"])),
            lambda params, state, z: z,
        ),
        "bottom": Group(
            lambda params, upper: Normal(SLOPE * upper, SCALE),
            lambda params, upper, x: Normal(
                params["from_top"] * upper + params["from_x"] * x, jnp.exp(params["log_scale"])
            ),
            lambda params, upper, z: z,
        ),
    },
    start=lambda params: (),
    features=lambda params, x: x,
    read=lambda params, z: Normal(z, NOISE),
)


@jax.jit
def values_and_gradients(params):
    """Of many keys, by `pathwise` and by `sticking_the_landing`."""

    def of_key(key, estimator):
        def value(params):
            return elbo(key, bind(params), X, kl=sampled_kl, estimator=estimator)[0]

        value, gradient = jax.value_and_grad(value)(params)
        return value, jnp.stack([gradient[name] for name in sorted(gradient)])

    keys = jax.random.split(jax.random.key(0), NUM_KEYS)
    return [jax.vmap(lambda key, by=by: of_key(key, by))(keys) for by in (pathwise, sticking_the_landing)]


def as_arrays(params):
    return jax.tree.map(lambda number: jnp.asarray(number, jnp.float32), params)


def is_zero_in_the_mean(numbers):
    return (np.abs(numbers.mean(axis=0)) < 4.5 * numbers.std(axis=0) / np.sqrt(NUM_KEYS) + 1e-6).all()


def test_it_is_unbiased():
    """Anywhere: less the pathwise gradient with the same key, its mean is zero; in the wrong places itself is not."""
    (_, plain), (_, landing) = jax.tree.map(np.asarray, values_and_gradients(as_arrays(WRONG)))
    assert is_zero_in_the_mean(plain - landing)
    assert not is_zero_in_the_mean(landing)
    assert (plain - landing).std(axis=0).max() > 0.1


def test_its_noise_does_not_vanish_at_the_exact_posterior():
    """There the value is log p(x) for every key and the mean of the gradient zero, but not the gradient itself."""
    _, (values, landing) = jax.tree.map(np.asarray, values_and_gradients(as_arrays(EXACT)))
    variance = SLOPE**2 + SCALE**2 + NOISE**2
    np.testing.assert_allclose(values, -0.5 * X**2 / variance - 0.5 * np.log(2 * np.pi * variance), atol=1e-5)
    assert is_zero_in_the_mean(landing)
    of = dict(zip(sorted(EXACT), landing.std(axis=0), strict=True))
    # The lowest factor sticks the landing; what is above it does not, since its z moves the factors below.
    assert max(of["from_top"], of["from_x"], of["log_scale"]) < 1e-4
    assert min(of["top"], of["top_log_scale"]) > 0.1
