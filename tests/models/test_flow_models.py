"""Models with a flow in the posterior or in the prior."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from vae_jax import flows
from vae_jax.distributions import Normal, standard_normal
from vae_jax.flows import Householder, Transformed
from vae_jax.models import flow_posterior, gaussian, likelihoods, with_flow_prior
from vae_jax.models.likelihoods import Likelihood
from vae_jax.networks import Network, mlp
from vae_jax.objectives import elbo, over_draws, pathwise, sampled_kl, sticking_the_landing
from vae_jax.vae import VAE, Model

KEY = jax.random.key(0)
X = jnp.linspace(0.0, 1.0, 6).reshape(3, 2)

FLOWS = {
    "iaf": flows.inverse_autoregressive(2, 2, (5,), context_size=3),
    "coupling": flows.coupling(2, 2, (5,), context_size=3),
    "planar": flows.planar(2, 2),
    "radial": flows.radial(2, 1),
    "sylvester": flows.sylvester(2, 1, 2),
    "householder": flows.householder(2, 2),
    "planar, the same for all": flows.with_own_parameters(flows.planar(2, 2)),
}


def small_model(flow: flows.Flow) -> Model:
    encoder = mlp((3, 2), (4 + flow.context_size,), (5,), activation="tanh")
    return flow_posterior(encoder, mlp((2,), (3, 2), (5,), activation="tanh"), likelihoods.bernoulli(), flow)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_the_elbo_has_a_gradient_in_the_encoder_the_decoder_and_the_flow(flow):
    model = small_model(flow)
    # From where it begins the first layers of a flow's networks have no gradient: their last layer is zero.
    params = jax.tree.map(lambda leaf: leaf + 0.1, model.init(KEY))
    gradient = jax.jit(jax.grad(lambda params: elbo(KEY, model.bind(params), X, kl=sampled_kl, num_samples=4)[0]))(
        params
    )
    assert set(params) == {"encoder", "decoder", "likelihood", "flow"}
    for part in gradient:
        leaves = jax.tree.leaves(gradient[part])
        assert all(np.isfinite(leaf).all() for leaf in leaves)
        assert all(np.abs(leaf).max() > 0 for leaf in leaves), part


def test_it_begins_as_the_diagonal_posterior():
    """With networks that end in zeros the first ELBO is that of `gaussian`, sample for sample."""
    flow = flows.inverse_autoregressive(2, 3, (5,))
    encoder, decoder = mlp((3, 2), (4,), (5,)), mlp((2,), (3, 2), (5,))
    model = flow_posterior(encoder, decoder, likelihoods.bernoulli(), flow)
    plain = gaussian(encoder, decoder, likelihoods.bernoulli(), latent_size=2)
    params = model.init(KEY)
    bound = lambda model: elbo(KEY, model.bind(params), X, kl=sampled_kl, num_samples=5)[0]
    value, expected = jax.jit(lambda: (bound(model), bound(plain)))()
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["iaf", "planar", "sylvester"])
def test_sticking_the_landing_is_refused_where_there_is_no_inverse(name):
    model = small_model(FLOWS[name])
    stuck = partial(elbo, kl=sampled_kl, estimator=sticking_the_landing)
    with pytest.raises(TypeError, match=r"expected a bijection with an inverse in closed form"):
        jax.eval_shape(lambda: stuck(KEY, model.bind(model.init(KEY)), X))
    coupled = small_model(FLOWS["coupling"])
    vae = coupled.bind(coupled.init(KEY))
    values = jax.jit(lambda: [stuck(KEY, vae, X, estimator=of)[0] for of in (sticking_the_landing, pathwise)])()
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_an_encoder_of_another_size_is_refused_with_what_it_should_give():
    model = flow_posterior(mlp((3, 2), (4,), ()), mlp((2,), (3, 2), ()), likelihoods.bernoulli(), FLOWS["iaf"])
    message = (
        r"expected an encoder with 7 outputs: 2 means, 2 scales and a context of 3 for the flow; got shape \(4,\); "
        "change its output size"
    )
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda: model.bind(model.init(KEY)).posterior(X))


# A posterior in the shape of a banana: p(z) = N(0, I), p(x|z) = N(x; z₂ + z₁², 0.3²), at one x

OBSERVED, NOISE_SCALE = 1.0, 0.3


def log_joint(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    residual = (OBSERVED - second - first**2) / NOISE_SCALE
    return -0.5 * (first**2 + second**2 + residual**2) - np.log(NOISE_SCALE) - 1.5 * np.log(2 * np.pi)


def exact_log_evidence() -> float:
    """By the trapezoid rule, which is exact to rounding for a smooth integrand that vanishes at the ends."""
    axis = np.linspace(-9, 9, 2_001)
    return float(logsumexp(log_joint(*np.meshgrid(axis, axis))) + 2 * np.log(axis[1] - axis[0]))


def best_diagonal_elbo() -> float:
    """The maximum over all diagonal normals: the joint is a polynomial, so Gauss-Hermite quadrature is exact."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    weights = weights / weights.sum()

    def negative(parameters):
        loc, scale = parameters[:2], np.exp(parameters[2:])
        first, second = np.meshgrid(loc[0] + scale[0] * nodes, loc[1] + scale[1] * nodes, indexing="ij")
        expected = weights @ log_joint(first, second) @ weights
        return -(expected + parameters[2:].sum() + 1 + np.log(2 * np.pi))

    starts = np.random.default_rng(0).normal(size=(20, 4))
    return -min(minimize(negative, start).fun for start in starts)


def test_an_iaf_posterior_rises_above_the_best_diagonal_one_and_not_above_the_evidence():
    """Means of 100,000 draws, each by more than 4.5 standard errors; it closes over two thirds of the gap."""
    flow = flows.inverse_autoregressive(2, 4, (32,))
    model = flow_posterior(
        Network(lambda key: jnp.zeros(4), lambda params, x: params),
        Network(lambda key: (), lambda params, z: z[1] + z[0] ** 2),
        Likelihood(lambda key: (), lambda params, mean: Normal(mean, NOISE_SCALE), lambda s: s, jnp.asarray),
        flow,
    )
    x = jnp.asarray(OBSERVED)
    optimizer = optax.adam(optax.cosine_decay_schedule(1e-2, 2_000))

    def bound(params, key, num_samples):
        return elbo(key, model.bind(params), x, kl=sampled_kl, num_samples=num_samples)[0]

    @jax.jit
    def trained(params):
        def step(state, key):
            gradient = jax.grad(lambda params: -bound(params, key, 64))(state[0])
            updates, opt_state = optimizer.update(gradient, state[1])
            return (optax.apply_updates(state[0], updates), opt_state), None

        return jax.lax.scan(step, (params, optimizer.init(params)), jax.random.split(KEY, 2_000))[0][0]

    params = trained(model.init(KEY))
    values = np.asarray(jax.jit(jax.vmap(lambda key: bound(params, key, 1)))(jax.random.split(KEY, 100_000)), float)
    mean, error = values.mean(), values.std() / np.sqrt(len(values))
    evidence, diagonal = exact_log_evidence(), best_diagonal_elbo()
    assert diagonal < evidence - 0.2
    assert diagonal + 2 / 3 * (evidence - diagonal) < mean - 4.5 * error
    assert mean + 4.5 * error < evidence


def test_a_householder_flow_is_the_full_covariance_of_a_linear_gaussian_posterior():
    """One reflection turns a diagonal covariance to any axes of the plane: every log-weight is log p(x)."""
    rng = np.random.default_rng(0)
    weight, x, noise_scale = rng.normal(size=(5, 2)), rng.normal(size=5), 0.6
    precision = weight.T @ weight / noise_scale**2 + np.eye(2)
    variances, axes = np.linalg.eigh(np.linalg.inv(precision))
    vector = np.array([1.0, 0.0]) - axes[:, 0]  # its reflection takes the first axis to the first eigenvector
    reflection = np.eye(2) - 2 * np.outer(vector, vector) / (vector @ vector)
    loc = np.linalg.solve(precision, weight.T @ x / noise_scale**2)
    covariance = weight @ weight.T + noise_scale**2 * np.eye(5)
    evidence = -0.5 * (x @ np.linalg.solve(covariance, x) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    with jax.enable_x64(True):
        base = Normal(jnp.asarray(reflection.T @ loc), jnp.sqrt(jnp.asarray(variances)))
        vae = VAE(
            lambda x: Transformed(base, Householder(jnp.asarray(vector)[None])),
            lambda z: Normal(jnp.asarray(weight) @ z, jnp.asarray(noise_scale)),
            Normal(jnp.zeros(2), jnp.ones(2)),
        )
        log_weights = over_draws(
            KEY, vae, jnp.asarray(x), 20, lambda draw: draw.likelihood.log_prob(jnp.asarray(x)) - sampled_kl(draw)
        )
        np.testing.assert_allclose(log_weights, evidence, rtol=1e-10)
        np.testing.assert_allclose(vae.posterior(x).mean(), loc, rtol=1e-10)
    diagonal_gap = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    assert diagonal_gap > 0.01


# Priors


def prior_model(flow: flows.Flow) -> Model:
    encoder, decoder = mlp((3, 2), (4,), (5,), "tanh"), mlp((2,), (3, 2), (5,), "tanh")
    return with_flow_prior(gaussian(encoder, decoder, likelihoods.bernoulli(), latent_size=2), flow)


@pytest.mark.parametrize(
    "flow",
    [
        flows.masked_autoregressive(2, 2, (5,)),
        flows.coupling(2, 2, (5,), transformer=flows.SplineTransformer(num_bins=3)),
        flows.with_own_parameters(flows.elementwise(2, flows.SplineTransformer(num_bins=3))),
    ],
    ids=["maf", "coupling", "elementwise spline"],
)
def test_a_flow_prior_is_learned_with_the_rest(flow):
    """It gives a density and its gradient, also in the latents where it begins as the standard normal."""
    model = prior_model(flow)
    params = jax.tree.map(lambda leaf: leaf + 0.1, model.init(KEY))
    objective = partial(elbo, kl=sampled_kl, num_samples=3)
    gradient = jax.jit(jax.grad(lambda params: objective(KEY, model.bind(params), X)[0]))(params)
    for leaf in jax.tree.leaves(gradient):
        assert np.isfinite(leaf).all()
        assert np.abs(leaf).max() > 0


def test_a_flow_prior_begins_as_the_prior():
    model = prior_model(flows.masked_autoregressive(2, 2, (5,)))
    vae, z = model.bind(model.init(KEY)), jnp.array([0.3, -1.2])
    np.testing.assert_allclose(vae.prior.log_prob(z), standard_normal(2).log_prob(z), rtol=1e-6)


def test_a_flow_that_does_not_fit_the_prior_is_refused():
    model = gaussian(mlp((6,), (4,), ()), mlp((2,), (6,), ()), likelihoods.bernoulli(), latent_size=2)
    with pytest.raises(ValueError, match=r"expected a flow that is the same for every example; got one with a context"):
        with_flow_prior(model, flows.planar(2, 3))
    too_large = with_flow_prior(model, flows.masked_autoregressive(3, 2))
    with pytest.raises(ValueError, match=r"whose shape is \(2,\); got a flow of size 3; change one of them"):
        jax.eval_shape(lambda: too_large.bind(too_large.init(KEY)).prior.mean())


def test_a_flow_without_inverse_is_refused_as_a_prior():
    model = prior_model(flows.with_own_parameters(flows.planar(2, 2)))
    with pytest.raises(TypeError, match="got Planar, whose inverse has no formula"):
        jax.eval_shape(lambda: elbo(KEY, model.bind(model.init(KEY)), X, kl=sampled_kl))
