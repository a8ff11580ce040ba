"""Numbers depend on the key alone: not on JAX's default generator, on the batch size, or on how a key is written."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import vae_jax as vj
from vae_jax.distributions import Bernoulli, Normal, standard_normal
from vae_jax.evaluation import bound_evaluator, importance_sampled_log_likelihood
from vae_jax.keys import key_of, typed
from vae_jax.objectives import beta_tcvae, elbo, over_batch
from vae_jax.vae import VAE, Model

X = (np.random.default_rng(0).random((8, 5)) < 0.5).astype(np.float32)


def bind(params):
    return VAE(
        lambda x: Normal(x[:2] * params, jnp.ones(2)), lambda z: Bernoulli(jnp.tile(z, 3)[:5]), standard_normal(2)
    )


MODEL = Model(lambda key: jax.random.normal(key, (2,)), bind)


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_an_evaluation_does_not_depend_on_the_batch_size_or_the_default_generator():
    """With keys of the default generator, rbg's give another bound for each batch size."""
    params, transform = jnp.ones(2), lambda key, stored: stored * jax.random.bernoulli(key, 0.9, (5,))

    def bounds():
        return [bound_evaluator(MODEL, elbo, transform, batch_size=size)(params, X)["value"] for size in (8, 4, 1)]

    def likelihoods():
        estimate = importance_sampled_log_likelihood(MODEL.bind, transform, num_samples=4, num_at_once=8)
        return estimate(params, X).estimate

    usual, of_samples = bounds(), likelihoods()
    with jax.default_prng_impl("rbg"):
        np.testing.assert_allclose(bounds(), usual, rtol=1e-6)
        np.testing.assert_allclose(likelihoods(), of_samples, rtol=1e-6)
    np.testing.assert_allclose(usual, usual[0], rtol=1e-6)


def test_a_run_begins_alike_under_another_default_generator(tmp_path):
    data = vj.data.from_object(np.tile(X, (10, 1)))
    trainer = vj.trainer(MODEL, over_batch(elbo), optax.sgd(0.1))
    budget = vj.Budget(8, num_steps=2, validate_every=2, log_every=2)
    experiment = vj.Experiment(MODEL, trainer, data, vj.data.already_binary(), budget)

    def begins():
        from vae_jax.training.advance import advance, start

        key, feed = experiment.key_and_feed()
        return advance(trainer, feed)(start(trainer, feed, key), iter(()), 2).state.params

    usual = begins()
    with jax.default_prng_impl("rbg"):
        same(begins(), usual)
        # A key of the user's own stays of its kind.
        from vae_jax.training.advance import start

        own = start(trainer, experiment.key_and_feed()[1], jax.random.key(1))
        assert str(jax.random.key_impl(own.state.key)) == "rbg"


def test_raw_keys_are_keys(unchecked_shapes):
    raw, key = jax.random.PRNGKey(4), jax.random.key(4)
    vae = bind(jnp.ones(2))
    for objective in (over_batch(elbo), lambda *batch: beta_tcvae(*batch, num_examples=8)):
        same(objective(raw, vae, X, 0), objective(key, vae, X, 0))
        with pytest.raises(TypeError, match=r"expected a random key; got float32 of shape \(2,\); give jax.random.key"):
            objective(jnp.zeros(2), vae, X, 0)
    trainer = vj.trainer(MODEL, over_batch(elbo), optax.sgd(0.1), num_parts=2)
    states = [trainer.step(trainer.init(each), X)[0] for each in (raw, key)]
    same(states[0].params, states[1].params)
    assert typed(key) is key
    assert typed(jnp.stack([raw, raw])).shape == (2,)


def test_seeds_may_be_traced():
    assert jax.jit(key_of)(3) == key_of(3) == jax.random.key(3)
