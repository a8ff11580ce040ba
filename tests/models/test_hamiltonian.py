"""The Hamiltonian VAE on a linear-Gaussian model, whose posterior and dynamics are known in closed form."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from vae_jax.distributions import Normal, PointMass, standard_normal
from vae_jax.models import hamiltonian
from vae_jax.objectives import (
    doubly_reparametrised,
    elbo,
    hamiltonian_kl,
    over_draws,
    pathwise,
    sampled_kl,
    sticking_the_landing,
)
from vae_jax.vae import VAE, Conditional, Model

KEY = jax.random.key(0)
WEIGHT = np.array([[1.5, 0.2], [-0.4, 0.9], [0.3, -0.7]])
NOISE_SCALE = 0.7
X = np.array([0.9, -1.1, 0.4])


def bind(params):
    """q is wrong in its mean and its scale, and knows of no correlation."""
    dtype = params["loc"].dtype
    return VAE(
        lambda x: Normal(params["loc"] + 0 * x[:2], jnp.exp(params["log_scale"])),
        lambda z: Normal(jnp.asarray(WEIGHT, dtype) @ z, jnp.asarray(NOISE_SCALE, dtype)),
        Normal(jnp.zeros(2, dtype), jnp.ones(2, dtype)),
    )


PLAIN = Model(lambda key: {"loc": jnp.array([0.3, 0.2]), "log_scale": jnp.array([-0.9, 0.1])}, bind)
PRECISION = WEIGHT.T @ WEIGHT / NOISE_SCALE**2 + np.eye(2)
LOG_EVIDENCE = multivariate_normal(np.zeros(3), WEIGHT @ WEIGHT.T + NOISE_SCALE**2 * np.eye(3)).logpdf(X)
make = partial(hamiltonian, PLAIN, latent_size=2, max_step_size=1.0, initial_step_size=0.3)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def start(model):
    """Parameters that are not at the beginning: a hot start, other step sizes."""
    params = model.init(KEY)
    return params | {
        "step_size": jnp.array([-0.2, 0.4]),
        "tempering": jax.tree.map(lambda leaf: leaf - 1.0, params["tempering"]),
    }


def gap(params, num_steps):
    """KL(q(z, ρ|x) ‖ p(z|x) N(ρ; 0, I)): the dynamics are a linear map of a normal."""
    posterior = make(num_steps=num_steps).bind(params).posterior(jnp.asarray(X))
    first = jnp.concatenate([posterior.start.loc, jnp.zeros(2)])
    scales = jnp.concatenate([posterior.start.scale, jnp.ones(2)])

    def end(both):
        last = posterior._forwards(both[:2], both[2:])
        return jnp.concatenate([last["z"], last["momentum"]])

    loc, root = end(first), jax.jacobian(end)(first) * scales
    mean = np.concatenate([np.linalg.solve(PRECISION, WEIGHT.T @ X / NOISE_SCALE**2), np.zeros(2)])
    precision = np.block([[PRECISION, np.zeros((2, 2))], [np.zeros((2, 2)), np.eye(2)]])
    terms = jnp.trace(precision @ root @ root.T) - 4 + (loc - mean) @ precision @ (loc - mean)
    return 0.5 * (terms - jnp.linalg.slogdet(root @ root.T)[1] - np.linalg.slogdet(precision)[1])


@pytest.mark.long
@pytest.mark.parametrize("tempering", ["none", "quadratic", "free"])
def test_the_density_is_that_of_the_draws(tempering):
    """By going back, and by the determinant of the whole map from its start."""
    model = make(num_steps=4, tempering=tempering)
    posterior = model.bind(start(model)).posterior(jnp.asarray(X))
    value, log_prob = jax.jit(lambda q: q.sample_and_log_prob(KEY))(posterior)
    np.testing.assert_allclose(jax.jit(lambda q, v: q.log_prob(v))(posterior, value), log_prob, rtol=1e-12)
    z, noise = jax.jit(lambda q, v: q._back(v))(posterior, value)

    def end(both):
        last = posterior._forwards(both[:2], both[2:])
        return jnp.concatenate([last["z"], last["momentum"]])

    start_point = jnp.concatenate([z, noise])
    last, jacobian = jax.jit(lambda both: (end(both), jax.jacobian(end)(both)))(start_point)
    np.testing.assert_allclose(last, np.concatenate([value["z"], value["momentum"]]), rtol=1e-11)
    expected = posterior.start.log_prob(z) + standard_normal(2).log_prob(noise) - jnp.linalg.slogdet(jacobian)[1]
    np.testing.assert_allclose(log_prob, expected, rtol=1e-10)
    assert (float(jnp.prod(posterior.cooling)) < 0.9) == (tempering != "none")


def test_the_expected_bound_is_log_p_of_x_but_for_the_gap_and_its_exponent_is_unbiased():
    """Both estimates of the KL, and the mean of p(x, z, ρ)/q(z, ρ|x), within 4.5 standard errors of 20,000 draws."""
    model = make(num_steps=3)
    params = start(model)

    def draws(key, x):
        terms = lambda draw: (draw.likelihood.log_prob(x), sampled_kl(draw), hamiltonian_kl(draw))
        return over_draws(key, model.bind(params), x, 20_000, terms)

    log_likelihood, sampled, averaged = map(np.asarray, jax.jit(draws)(KEY, jnp.asarray(X)))
    expected = LOG_EVIDENCE - gap(params, 3)
    for values in (log_likelihood - sampled, log_likelihood - averaged):
        assert abs(values.mean() - expected) < 4.5 * values.std() / np.sqrt(len(values))
    weights = np.exp(log_likelihood - sampled)
    error = weights.std() / np.sqrt(len(weights))
    assert abs(weights.mean() - np.exp(LOG_EVIDENCE)) < 4.5 * error < 0.1 * np.exp(LOG_EVIDENCE)
    biased = np.exp(log_likelihood - averaged)  # what is for the ELBO only
    assert abs(biased.mean() - np.exp(LOG_EVIDENCE)) > 4.5 * biased.std() / np.sqrt(len(biased))


FAR = {"loc": jnp.array([-1.0, 1.0]), "log_scale": jnp.zeros(2)}


@pytest.mark.long
def test_the_bound_tightens_with_the_number_of_steps():
    """From a start that is far off, at the best step sizes and tempering that are found for each number.

    It is no law: from a start that is trained, too, the first step closes the gap to what a volume-preserving map of it
    can reach, and more steps leave that gap.
    """
    still = {"model": FAR, "step_size": jnp.full(2, -40.0), "tempering": jnp.full(1, 40.0)}
    gaps = [float(gap(still, 1))]
    for num_steps in (1, 4):

        def of(vector, num_steps=num_steps):
            return gap({"model": FAR, "step_size": vector[:2], "tempering": vector[2:]}, num_steps)

        fun, starts = jax.jit(jax.value_and_grad(of)), np.random.default_rng(0).normal(size=(6, 3))
        gaps.append(min(minimize(fun, one, jac=True).fun for one in starts))
    assert gaps[0] > 1.5 * gaps[1], gaps
    assert gaps[1] > 1.05 * gaps[2] > 0, gaps


def test_tempering_is_the_schedule_of_the_paper():
    """√βₖ = 1/((1 − 1/√β₀) k²/K² + 1/√β₀), and αₖ = √(βₖ₋₁/βₖ); a free one has a factor for each step."""
    posterior = make(num_steps=3).bind(start(make(num_steps=3))).posterior(jnp.asarray(X))
    root = float(jnp.prod(posterior.cooling))
    roots = [1 / ((1 - 1 / root) * (k / 3) ** 2 + 1 / root) for k in range(4)]
    np.testing.assert_allclose(posterior.cooling, np.divide(roots[:-1], roots[1:]), rtol=1e-12)
    free = make(num_steps=3, tempering="free")
    params = free.init(KEY)
    assert params["tempering"].shape == (3,)
    cooling = free.bind(params).posterior(jnp.asarray(X)).cooling
    np.testing.assert_allclose((jnp.prod(cooling), roots[0] > 0), (0.9, True), rtol=1e-12)


@pytest.mark.long
def test_every_part_is_trained_and_step_sizes_stay_within_their_bound():
    model = make(num_steps=2, tempering="free")
    params = start(model)
    value = lambda params: elbo(KEY, model.bind(params), jnp.asarray(X), kl=hamiltonian_kl, num_samples=8)[0]
    for leaf in jax.tree.leaves(jax.jit(jax.grad(value))(params)):
        assert (np.abs(leaf) > 1e-4).all()
    wild = model.bind(params | {"step_size": jnp.array([-90.0, 90.0])}).posterior(jnp.asarray(X))
    assert (wild.step_size >= 0).all()
    assert (wild.step_size <= 1).all()
    np.testing.assert_allclose(model.bind(model.init(KEY)).posterior(jnp.asarray(X)).step_size, 0.3, rtol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("estimator", [pathwise, sticking_the_landing, doubly_reparametrised])
def test_the_mean_gradient_is_that_of_the_gap(estimator):
    """Which is known in closed form; within 4.5 standard errors of 4,000 draws."""
    model = make(num_steps=2)
    params = start(model)

    @jax.jit
    def gradients(params):
        value = lambda params, key: elbo(key, model.bind(params), jnp.asarray(X), kl=sampled_kl, estimator=estimator)[0]
        return jax.vmap(lambda key: jax.grad(value)(params, key))(jax.random.split(KEY, 4_000))

    of_draws, exact = gradients(params), jax.jit(jax.grad(lambda params: -gap(params, 2)))(params)
    for leaf, expected in zip(jax.tree.leaves(of_draws), jax.tree.leaves(exact), strict=True):
        error = leaf.std(axis=0) / np.sqrt(len(leaf))
        assert (np.abs(leaf.mean(axis=0) - expected) < 4.5 * error).all()
        assert np.abs(expected).max() > 1e-4


def test_the_code_is_where_the_mean_comes_from_rest():
    model = make(num_steps=2)
    posterior = model.bind(start(model)).posterior(jnp.asarray(X))
    mean = jax.jit(posterior.mean)()
    still = posterior._forwards(posterior.start.loc, jnp.zeros(2))
    np.testing.assert_allclose(mean["z"], still["z"])
    assert (mean["momentum"] == 0).all()
    assert np.abs(still["momentum"]).max() > 0.05


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="expected num_steps of at least 1; got 0"):
        make(num_steps=0)
    with pytest.raises(ValueError, match="expected a tempering of none, quadratic, free; got 'slow'"):
        make(num_steps=1, tempering="slow")
    model = hamiltonian(PLAIN, latent_size=3, num_steps=1)
    with pytest.raises(ValueError, match=r"expected a posterior over one vector of 3 numbers.*; got \(2,\)"):
        model.bind(model.init(KEY)).posterior(jnp.asarray(X))
    told = hamiltonian(Model(lambda key: (), lambda params: Conditional(lambda c: c)), latent_size=2, num_steps=1)
    with pytest.raises(TypeError, match="expected a VAE, whose joint density the dynamics follow; got a Conditional"):
        told.bind(told.init(KEY))
    with pytest.raises(TypeError, match="expected a posterior with a momentum; got a Normal; use models"):
        jax.eval_shape(lambda: elbo(KEY, bind(PLAIN.init(KEY)), jnp.asarray(X), kl=hamiltonian_kl))
    certain = Model(lambda key: (), lambda _: VAE(PointMass, lambda z: Normal(z, 1.0), standard_normal(3)))
    model = hamiltonian(certain, latent_size=3, num_steps=1)
    with pytest.raises(TypeError, match="expected a posterior with a density; got a HamiltonianPosterior"):
        jax.eval_shape(lambda: elbo(KEY, model.bind(model.init(KEY)), jnp.asarray(X), kl=hamiltonian_kl))
