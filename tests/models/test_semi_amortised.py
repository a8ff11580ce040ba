"""Posteriors refined by gradient steps, where the true posterior is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from vae_jax.distributions import Bernoulli, Normal, PointMass, standard_normal
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


WIDE = np.random.default_rng(1).normal(size=(6, 3))


def bind_curved(params):
    """log p(x|z) is not quadratic, so that draws matter."""
    return VAE(
        lambda x: Normal(0.3 * x[:2], jnp.exp(params["log_scale"])),
        lambda z: Bernoulli(jnp.tanh(params["decoder"] @ z) * 3),
        Normal(jnp.zeros(2), jnp.ones(2)),
    )


CURVED = {"decoder": WIDE[:, :2], "log_scale": np.array([-0.2, 0.1])}
BITS = (WIDE[:, 2] > 0).astype(float)


@pytest.mark.long
def test_the_gradient_of_the_bound_goes_through_the_steps_into_the_decoder():
    """In every number of it, against finite differences: second derivatives of log p(x|z) are in it."""
    with jax.enable_x64(True):
        model = semi_amortised(Model(lambda key: CURVED, bind_curved), num_steps=3, learning_rate=0.2)

        @jax.jit
        def value(params):
            return elbo(jax.random.key(3), model.bind(params), jnp.asarray(BITS))[0]

        params = jax.tree.map(jnp.asarray, CURVED)
        gradient, step = jax.grad(value)(params), 1e-6
        for index in ((0, 0), (3, 1), (5, 0)):
            move = jnp.zeros((6, 2)).at[index].set(step)
            up, down = (value(params | {"decoder": params["decoder"] + sign * move}) for sign in (1, -1))
            np.testing.assert_allclose(gradient["decoder"][index], (up - down) / (2 * step), rtol=1e-6)
            assert abs(gradient["decoder"][index]) > 1e-3


def test_draws_are_new_in_every_step_and_for_every_example_and_belong_to_the_example():
    """One step of four draws is exact for no curved model, so posteriors tell their draws."""
    with jax.enable_x64(True):
        params = jax.tree.map(jnp.asarray, CURVED)
        refine = lambda num_steps, seed=0: semi_amortised(
            Model(lambda key: CURVED, bind_curved), num_steps=num_steps, learning_rate=0.2, num_samples=4, seed=seed
        )
        of = jax.jit(jax.vmap(lambda x: refine(1).bind(params).posterior(x).loc))
        same, other = jnp.stack([jnp.asarray(BITS)] * 2), jnp.stack([jnp.asarray(BITS), jnp.asarray(BITS) + 1e-6])
        locs = of(same)
        np.testing.assert_array_equal(locs[0], locs[1])
        assert np.abs(np.diff(of(other), axis=0)).max() > 1e-3  # of examples that differ by a millionth
        assert np.abs(refine(1, seed=1).bind(params).posterior(same[0]).loc - locs[0]).max() > 1e-3
        # Two steps are one from where the first one ended, but with other draws.
        first = refine(1).bind(params).posterior(same[0])
        again = semi_amortised(
            Model(lambda key: (), lambda _: bind_curved(params)._replace(posterior=lambda x: first)),
            num_steps=1,
            learning_rate=0.2,
            num_samples=4,
        )
        assert (
            np.abs(again.bind(()).posterior(same[0]).loc - refine(2).bind(params).posterior(same[0]).loc).max() > 1e-3
        )


@pytest.mark.long
def test_fixed_draws_are_not_fitted():
    """Many steps of four draws each come to the best normal; the same four in every step end 0.055 nats below it."""
    with jax.enable_x64(True):
        params = jax.tree.map(jnp.asarray, CURVED)
        rate = lambda k: 0.3 / (1 + k / 20)
        model = semi_amortised(
            Model(lambda key: CURVED, bind_curved), num_steps=1_000, learning_rate=rate, num_samples=4
        )
        vae = bind_curved(params)
        axis, weights = np.polynomial.hermite_e.hermegauss(12)
        nodes = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
        weights = np.outer(weights, weights).reshape(-1) / (2 * np.pi)

        def negative(vector):
            q = Normal(vector[:2], jnp.exp(vector[2:]))
            joint = lambda node: (
                vae.likelihood(q.loc + q.scale * node).log_prob(BITS) + vae.prior.log_prob(q.loc + q.scale * node)
            )
            return -(jnp.asarray(weights) @ jax.vmap(joint)(jnp.asarray(nodes)) + vector[2:].sum())

        best = minimize(jax.jit(jax.value_and_grad(negative)), np.zeros(4), jac=True)
        found = jax.jit(lambda: model.bind(params).posterior(jnp.asarray(BITS)))()
        reached = float(negative(jnp.concatenate([found.loc, jnp.log(found.scale)])))
        assert best.fun <= reached < best.fun + 0.01


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
