"""A mixture prior that starts from codes: each step against a second implementation, and all of them together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

from vae_jax.distributions import Mixture, Normal, kl_divergence, standard_normal
from vae_jax.models import gaussian, likelihoods, with_clusters
from vae_jax.models.mixture_fit import SMALLEST_SHARE, next_centre, refit
from vae_jax.networks import mlp
from vae_jax.objectives import component_kl, vade
from vae_jax.vae import VAE, Draw, draw_at

KEY = jax.random.key(0)
CENTRES = np.array([[-4.0, 0.0], [3.0, 3.0], [3.0, -5.0]])
CODES = (CENTRES[np.arange(300) % 3] + np.random.default_rng(0).normal(size=(300, 2))).astype(np.float32)
IS_THERE = np.arange(300) < 200
START = {
    "logits": jnp.log(jnp.array([0.2, 0.3, 0.5])),
    "loc": jnp.asarray(CENTRES * 0.5, jnp.float32),
    "log_scale": jnp.full((3, 2), 0.7),
}
steps = {
    is_hard: jax.jit(lambda prior, is_hard=is_hard: refit(prior, CODES, IS_THERE, is_hard=is_hard))
    for is_hard in (False, True)
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_step_of_expectation_maximisation_is_that_of_scikit_learn():
    codes = CODES[IS_THERE].astype(float)
    fit = GaussianMixture(
        3,
        covariance_type="diag",
        weights_init=[0.2, 0.3, 0.5],
        means_init=CENTRES * 0.5,
        precisions_init=np.full((3, 2), np.exp(-1.4)),
        reg_covar=SMALLEST_SHARE * codes.var(axis=0).mean(),
        max_iter=1,
    ).fit(codes)
    found = steps[False](START)
    np.testing.assert_allclose(jax.nn.softmax(found["logits"]), fit.weights_, rtol=1e-3)
    np.testing.assert_allclose(found["loc"], fit.means_, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.exp(2 * found["log_scale"]), fit.covariances_, rtol=1e-3)


def test_a_step_of_k_means_takes_the_mean_of_the_nearest_and_leaves_an_empty_component():
    codes = CODES[IS_THERE]
    far = START | {"loc": START["loc"].at[2].set(1e3)}
    nearest = np.square(codes[:, None] - np.asarray(far["loc"])).sum(axis=-1).argmin(axis=1)
    found = steps[True](far)
    for number in (0, 1):
        np.testing.assert_allclose(found["loc"][number], codes[nearest == number].mean(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(found["loc"][2], far["loc"][2])
    assert np.isfinite(np.concatenate([np.ravel(leaf) for leaf in found.values()])).all()


def test_a_centre_is_as_probable_as_its_squared_distance():
    """Over a fine grid of the noise: shares of the codes are their squared distances to the nearest centre."""
    codes = jnp.array([[0.0], [1.0], [3.0], [50.0]])
    choose = jax.jit(
        jax.vmap(
            lambda noise, num: next_centre(noise, codes, jnp.arange(4) < 3, jnp.array([[0.0], [9.0]]), num), (0, None)
        )
    )
    noise = (jnp.arange(1_000) + 0.5) / 1_000
    chosen = np.asarray(choose(noise, 1))[:, 0]
    assert [(chosen == value).mean() for value in (0.0, 1.0, 3.0, 50.0)] == pytest.approx(
        [0.0, 0.1, 0.9, 0.0], abs=2e-3
    )
    first = np.asarray(choose(noise, 0))[:, 0]
    assert [(first == value).mean() for value in (0.0, 1.0, 3.0)] == pytest.approx([1 / 3] * 3, abs=2e-3)


PLAIN = gaussian(mlp((6,), (4,), ()), mlp((2,), (6,), ()), likelihoods.bernoulli(), latent_size=2)


def test_at_the_end_of_pretraining_the_mixture_lies_on_the_codes_and_then_stays():
    model = with_clusters(PLAIN, 3, num_pretraining_steps=60, num_refits=20, num_kept=200)

    @jax.jit
    def run(params):
        def step(params, number):
            noise = jax.random.uniform(jax.random.fold_in(KEY, number), (30,))
            rows = (number * 30 + jnp.arange(30)) % 300
            seen = {"code": jnp.asarray(CODES)[rows], "noise": noise, "num_steps_left": jnp.full(30, 60 - number)}
            params = model.after(params, seen)
            return params, params["prior"]

        return jax.lax.scan(step, params, jnp.arange(70))

    params = model.init(KEY)
    last, priors = run(params)
    np.testing.assert_array_equal(priors["loc"][36], params["prior"]["loc"])  # the start begins 23 steps before the end
    found = np.asarray(last["prior"]["loc"])
    order = np.square(found[:, None] - CENTRES).sum(axis=-1).argmin(axis=0)
    np.testing.assert_allclose(found[order], CENTRES, atol=0.4)
    np.testing.assert_allclose(np.exp(last["prior"]["log_scale"]), 1.0, atol=0.25)
    jax.tree.map(lambda leaf: np.testing.assert_array_equal(leaf[59], leaf[-1]), priors)
    newest = np.asarray(last["codes"].value["newest"])
    assert {tuple(row) for row in newest} == {tuple(row) for row in CODES[np.arange(1_900, 2_100) % 300]}


def test_pretraining_that_is_too_short_is_refused():
    with pytest.raises(
        ValueError, match=r"expected at least 12 steps of pretraining, to choose 10 centres .*; got 5; "
    ):
        with_clusters(PLAIN, 10, num_pretraining_steps=5)


PRIOR = Mixture(START["logits"], Normal(START["loc"], jnp.exp(START["log_scale"])))
VAE_OF_TWO = VAE(lambda x: Normal(x[:2], jnp.array([0.5, 0.8])), lambda z: Normal(jnp.tile(z, 2), jnp.ones(4)), PRIOR)
X = jnp.array([0.5, -1.0, 0.2, 0.1])


def test_the_kl_of_components_is_equation_12_of_the_paper():
    z = np.array([0.7, -0.4])
    found = component_kl(draw_at(jnp.asarray(z), VAE_OF_TWO.posterior(X), VAE_OF_TWO))
    loc, scale, weights = np.asarray(PRIOR.components.loc), np.asarray(PRIOR.components.scale), [0.2, 0.3, 0.5]
    gamma = weights * norm.pdf(z, loc, scale).prod(axis=1)
    gamma /= gamma.sum()
    q_loc, q_scale = np.array([0.5, -1.0]), np.array([0.5, 0.8])
    log_p = -0.5 * (np.log(2 * np.pi * scale**2) + (q_scale / scale) ** 2 + ((q_loc - loc) / scale) ** 2).sum(axis=1)
    entropy = 0.5 * (1 + np.log(2 * np.pi * q_scale**2)).sum()
    np.testing.assert_allclose(found, gamma @ (np.log(gamma / weights) - log_p) - entropy, rtol=1e-5)


def test_the_kl_of_one_component_is_that_of_its_family_and_another_prior_is_refused():
    alone = Mixture(jnp.zeros(1), Normal(jnp.ones((1, 2)), jnp.ones((1, 2))))
    draw = draw_at(jnp.zeros(2), VAE_OF_TWO.posterior(X), VAE_OF_TWO._replace(prior=alone))
    expected = kl_divergence(draw.posterior, Normal(jnp.ones(2), jnp.ones(2)))
    np.testing.assert_allclose(component_kl(draw), expected, rtol=1e-6)
    with pytest.raises(
        TypeError, match=r"expected a model with a mixture prior; got a Normal; use models.with_mixture"
    ):
        component_kl(Draw(draw.z, draw.log_posterior, draw.posterior, standard_normal(2), draw.likelihood))


def test_vade_is_an_autoencoder_until_it_starts():
    run = jax.jit(lambda num_left: vade(KEY, VAE_OF_TWO, X, num_steps_left=num_left))
    before, _, seen = run(1)
    at_the_mean = norm.logpdf(np.tile(X[:2], 2), X).sum()
    at_the_mean = norm.logpdf(np.asarray(X), np.tile(np.asarray(X[:2]), 2)).sum()
    np.testing.assert_allclose(before, at_the_mean, rtol=1e-5)
    np.testing.assert_array_equal(seen["code"], X[:2])
    after, metrics, _ = run(0)
    np.testing.assert_allclose(after, metrics["log_likelihood"] - metrics["kl"], rtol=1e-5)
    assert metrics["log_likelihood"] != before
