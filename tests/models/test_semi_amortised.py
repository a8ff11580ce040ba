"""Posteriors refined by gradient steps, where the true posterior is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Normal, PointMass, standard_normal
from vae_jax.models import semi_amortised
from vae_jax.objectives import elbo
from vae_jax.vae import VAE, Model

WEIGHT = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
NOISE_SCALE = 0.6
EXAMPLES = np.random.default_rng(0).normal(size=(4, 3))
START = {"encoder": np.array([[0.3, 0.1, 0.0], [-0.1, 0.5, 0.2]]), "log_scale": np.array([0.2, -0.4])}


def bind(params) -> VAE:
    """p(x|z) = N(W z, σ² I) with orthogonal columns of W, so p(z|x) is a diagonal normal; q is a wrong one."""
    dtype = params["log_scale"].dtype
    return VAE(
        lambda x: Normal(params["encoder"] @ x, jnp.exp(params["log_scale"])),
        lambda z: Normal(jnp.asarray(WEIGHT, dtype) @ z, jnp.asarray(NOISE_SCALE, dtype)),
        Normal(jnp.zeros(2, dtype), jnp.ones(2, dtype)),
    )


LINEAR = Model(lambda key: jax.tree.map(jnp.asarray, START), bind)


def posterior_gap(posterior, x):
    """KL(q(z|x) ‖ p(z|x)): by how much the ELBO falls short of log p(x)."""
    m = np.diag(WEIGHT.T @ WEIGHT) + NOISE_SCALE**2
    loc, scale = x @ WEIGHT / m, NOISE_SCALE / np.sqrt(m)
    q_loc, q_scale = posterior.loc, posterior.scale
    return jnp.sum(jnp.log(scale / q_scale) + (q_scale**2 + (q_loc - loc) ** 2) / (2 * scale**2) - 0.5)


def gaps(params, num_steps, learning_rate=0.05):
    vae = semi_amortised(LINEAR, num_steps=num_steps, learning_rate=learning_rate).bind(params)
    return jax.vmap(lambda x: posterior_gap(vae.posterior(x), x))(jnp.asarray(EXAMPLES, params["log_scale"].dtype))


def test_every_step_raises_the_elbo_of_every_example_until_it_is_log_p_of_x():
    with jax.enable_x64(True):
        params = LINEAR.init(jax.random.key(0))
        values = np.stack([gaps(params, num_steps) for num_steps in (0, 1, 2, 5, 20, 1_000)])
    assert (np.diff(values, axis=0) < 0).all()
    assert values[0].min() > 0.05
    np.testing.assert_allclose(values[-1], 0.0, atol=1e-10)


def test_no_steps_are_the_model_itself():
    with jax.enable_x64(True):
        params = LINEAR.init(jax.random.key(0))
        vae, same, x = bind(params), semi_amortised(LINEAR, num_steps=0, learning_rate=1.0).bind(params), EXAMPLES[0]
        np.testing.assert_allclose(elbo(jax.random.key(1), same, x)[0], elbo(jax.random.key(1), vae, x)[0], rtol=1e-12)


def test_the_gradient_goes_through_the_steps():
    """In the parameters and in the step size, a tracer, against finite differences."""
    with jax.enable_x64(True):
        params = LINEAR.init(jax.random.key(0))

        @jax.jit
        def total(log_scale, learning_rate):
            return jnp.sum(gaps(params | {"log_scale": log_scale}, 4, learning_rate))

        point = jnp.asarray(START["log_scale"]), jnp.asarray(0.05)
        slopes = jax.grad(total, argnums=(0, 1))(*point)
        step = 1e-6
        for index in (0, 1):
            move = jnp.zeros(2).at[index].set(step)
            expected = (total(point[0] + move, point[1]) - total(point[0] - move, point[1])) / (2 * step)
            np.testing.assert_allclose(slopes[0][index], expected, rtol=1e-6)
        expected = (total(point[0], point[1] + step) - total(point[0], point[1] - step)) / (2 * step)
        np.testing.assert_allclose(slopes[1], expected, rtol=1e-6)
        assert expected < -0.1
        lanes = jax.vmap(total, in_axes=(None, 0))(point[0], jnp.array([0.01, 0.05]))
        np.testing.assert_allclose(lanes[1], total(*point), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_steps": -1}, "expected num_steps of at least 0; got -1"),
        ({"num_steps": 1, "num_samples": 3}, "expected an even number of samples, at least 2; got 3; use 4"),
    ],
)
def test_numbers_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        semi_amortised(LINEAR, learning_rate=0.1, **options)


def test_models_that_it_cannot_refine_are_refused():
    certain = Model(LINEAR.init, lambda params: VAE(PointMass, lambda z: Normal(z, 1.0), standard_normal(3)))
    vae = semi_amortised(certain, num_steps=1, learning_rate=0.1).bind({})
    with pytest.raises(
        TypeError, match=r"expected a model with a Normal posterior.*; got PointMass; use models.gaussian"
    ):
        vae.posterior(jnp.zeros(3))
