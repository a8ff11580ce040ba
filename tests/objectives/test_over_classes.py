"""Bounds over a latent class, on a mixture of linear models whose log p(x) and log p(x, y) are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from vae_jax.axis import keys_of_share
from vae_jax.distributions import Categorical, Normal, standard_normal
from vae_jax.hierarchy import Group, top_down
from vae_jax.objectives import elbo, elbo_of_class, elbo_over_classes, semi_supervised, side_by_side
from vae_jax.stated import couples_examples
from vae_jax.vae import VAE

KEYS = jax.random.split(jax.random.key(0), 4_000)
CENTRES, NOISE_SCALE = np.array([-1.0, 0.5, 3.0]), 0.5
X = np.array([0.3, -0.8])


def log_joint(x):
    """log p(x, y): y uniform, z ~ N(m_y, I), x ~ N(z, σ² I)."""
    deviation = np.sqrt(1 + NOISE_SCALE**2)
    return np.stack([norm.logpdf(x, centre, deviation).sum(axis=-1) for centre in CENTRES], axis=-1) - np.log(3)


def logits_of(x):
    return -0.5 * jnp.square(x - CENTRES[:, None]).sum(axis=1) / (1 + NOISE_SCALE**2)


PRECISION = 1 + NOISE_SCALE**-2
GROUPS = {
    "class": Group(
        prior=lambda params, above: Categorical(jnp.zeros(3)),
        posterior=lambda params, above, x: Categorical(logits_of(x) + params),
        down=lambda params, above, label: label @ CENTRES,
    ),
    "code": Group(
        prior=lambda params, centre: Normal(centre * jnp.ones(2), jnp.ones(2)),
        posterior=lambda params, centre, x: Normal(
            (centre + x / NOISE_SCALE**2) / PRECISION, jnp.full(2, PRECISION**-0.5)
        ),
        down=lambda params, centre, z: z,
    ),
}
BIND = top_down(
    GROUPS,
    start=lambda params: (),
    features=lambda params, x: x,
    read=lambda params, z: Normal(z, jnp.full(2, NOISE_SCALE)),
)


def test_with_the_exact_posterior_the_bounds_are_the_likelihoods():
    """log p(x) over classes, log p(x, y) at each; the other log-probability is that of the classifier."""

    @jax.jit
    def means(logits):
        vae, of_all = BIND(logits), lambda function: jax.tree.map(jnp.mean, jax.vmap(function)(KEYS))
        of_each = [of_all(lambda key, label=label: elbo_of_class(key, vae, X, label)) for label in jnp.eye(3)]
        return of_all(lambda key: elbo_over_classes(key, vae, X)), of_each

    (value, metrics), of_each = means(jnp.zeros(3))
    expected = log_joint(X)
    np.testing.assert_allclose(value, logsumexp(expected), atol=0.05)
    np.testing.assert_allclose(value, metrics["log_likelihood"] - metrics["kl"], rtol=1e-5)
    posterior = np.exp(expected - logsumexp(expected))
    np.testing.assert_allclose(metrics["class_kl"], posterior @ np.log(3 * posterior), rtol=1e-4)
    for label in range(3):
        np.testing.assert_allclose(of_each[label][0], expected[label], atol=0.1)
        np.testing.assert_allclose(of_each[label][1]["label_log_prob"], np.log(posterior[label]), rtol=1e-4)
    # Another classifier loses just its divergence from the posterior.
    other = np.log(posterior) + np.array([1.0, 0.0, -1.0])
    other -= logsumexp(other)
    (worse, _), _ = means(jnp.array([1.0, 0.0, -1.0]))
    np.testing.assert_allclose(value - worse, np.exp(other) @ (other - np.log(posterior)), atol=0.05)


LABELLED = {"x": jnp.array([[2.0, 2.5], [2.0, 2.5]]), "label": jnp.eye(3)[jnp.array([1, 1])]}
BATCH = jnp.asarray(np.stack([X, -X, 2 * X]))


@jax.jit
def applied(alpha, share):
    transform = lambda key, stored: stored / 2
    objective = semi_supervised(lambda: LABELLED, transform, alpha=alpha, share=share)
    values, metrics = objective.apply(KEYS[0], BIND(jnp.zeros(3)), BATCH, 0, objective.init())
    return values, metrics, objective.after(objective.init(), {})


def test_a_labelled_example_adds_its_bound_and_its_classification():
    alone, metrics, state = applied(0.0, 0.0)
    np.testing.assert_allclose(applied(3.0, 0.0)[0] - alone, 3 * metrics["label_log_prob"], rtol=1e-4)
    np.testing.assert_allclose(applied(0.0, 0.5)[0] - alone, 0.5 * metrics["labelled_elbo"], rtol=1e-4)
    joint = log_joint(np.array([1.0, 1.25]))  # as it is seen, not as it is stored
    np.testing.assert_allclose(metrics["label_log_prob"], joint[1] - logsumexp(joint), rtol=1e-4)
    assert len(np.unique(metrics["labelled_elbo"])) == 3  # a draw for each
    jax.tree.map(np.testing.assert_array_equal, state, LABELLED)


def test_a_share_of_a_batch_has_the_values_that_it_has_in_the_whole():
    objective = semi_supervised(lambda: LABELLED, lambda key, stored: stored)
    assert couples_examples(objective.apply) is False
    values = jax.jit(lambda key, batch: objective.apply(key, BIND(jnp.zeros(3)), batch, 0, LABELLED)[0])
    keys = keys_of_share(KEYS[0], BATCH)
    np.testing.assert_allclose(values(keys[1:], BATCH[1:]), values(KEYS[0], BATCH)[1:], rtol=1e-5)


@pytest.mark.long
def test_two_objectives_of_a_pair_are_added():
    flat = VAE(lambda x: Normal(x, jnp.ones(2)), lambda z: Normal(z, jnp.ones(2)), standard_normal(2))
    second = semi_supervised(lambda: LABELLED, lambda key, stored: stored)
    both = side_by_side(lambda key, vae, x: (vae.posterior(x).mean().sum(), {}), second)
    values, metrics, _ = jax.jit(lambda: both.apply(KEYS[0], (flat, BIND(jnp.zeros(3))), BATCH, 0, LABELLED))()
    alone, _ = jax.jit(lambda: second.apply(KEYS[0], BIND(jnp.zeros(3)), BATCH, 0, LABELLED))()
    np.testing.assert_allclose(metrics["first"], BATCH.sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(values, alone + BATCH.sum(axis=1), rtol=1e-5)


def test_a_model_without_a_class_is_refused():
    flat = VAE(lambda x: Normal(x, jnp.ones(2)), lambda z: Normal(z, jnp.ones(2)), standard_normal(2))
    with pytest.raises(TypeError, match=r"one class on top; got Normal latents; use models.with_latent_class"):
        elbo_over_classes(KEYS[0], flat, X)
    assert np.isfinite(elbo(KEYS[0], flat, X)[0])
