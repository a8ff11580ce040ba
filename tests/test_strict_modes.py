"""JAX's strict modes, which users switch on to find their own mistakes: none of them is ours.

Optimizers are not part of it: those of optax promote types themselves.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax import objectives
from vae_jax.catalogue import load_experiment
from vae_jax.distributions import Bernoulli, Normal, standard_normal
from vae_jax.evaluation.evidence.importance_sampling import importance_sampled_log_likelihood
from vae_jax.training import trainer
from vae_jax.vae import VAE, Model

MODES = {
    "types": partial(jax.numpy_dtype_promotion, "strict"),
    "ranks": partial(jax.numpy_rank_promotion, "raise"),
}
KERNEL = partial(objectives.inverse_multiquadric_kernel, scales=(1.0, 2.0))
OBJECTIVES = {
    "elbo": objectives.over_batch(objectives.elbo),
    "iwae": objectives.over_batch(partial(objectives.iwae, num_samples=3)),
    "dreg": objectives.over_batch(partial(objectives.iwae, num_samples=3, estimator=objectives.doubly_reparametrised)),
    "renyi": objectives.over_batch(partial(objectives.renyi, alpha=0.5, num_samples=3)),
    "tvo": objectives.over_batch(partial(objectives.tvo, num_samples=3, num_partitions=3)),
    "leave one out": objectives.over_batch(partial(objectives.elbo, num_samples=3, estimator=objectives.leave_one_out)),
    "beta_tcvae": partial(objectives.beta_tcvae, num_examples=100),
    "dip_vae": partial(objectives.dip_vae, off_diagonal=3.0, diagonal=2.0),
    "mmd": partial(
        objectives.wae, weight=1.0, discrepancy=lambda key, x, y: objectives.maximum_mean_discrepancy(x, y, KERNEL)
    ),
    "sliced": partial(
        objectives.wae, weight=1.0, discrepancy=partial(objectives.sliced_wasserstein, num_projections=4)
    ),
}
TINY = Model(
    lambda key: {"encoder": jnp.ones((2, 3)), "scale": jnp.ones(2), "decoder": jnp.ones((3, 2))},
    lambda params: VAE(
        lambda x: Normal(params["encoder"] @ x, params["scale"]),
        lambda z: Bernoulli(params["decoder"] @ z),
        standard_normal(2),
    ),
)


def trace_gradient(model, objective, batch):
    def value(params):
        values, metrics, *_ = objective(jax.random.key(0), model.bind(params), batch, 0)
        return jnp.mean(values), metrics

    gradient, _ = jax.eval_shape(jax.grad(value, has_aux=True), jax.eval_shape(model.init, jax.random.key(0)))
    assert jax.tree.leaves(gradient)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_traced_in_it(mode, name):
    with MODES[mode]():
        trace_gradient(TINY, OBJECTIVES[name], jnp.ones((4, 3)))


@pytest.mark.parametrize("experiment", ["vae", "vae_iaf", "vae_counts", "vae_mixed_table"])
def test_a_model_is_traced_in_them(experiment):
    file = load_experiment(experiment)
    wired = file.experiment(file.Config(), file.data(file.Config()))
    key, feed = wired.key_and_feed()
    stored = feed.examples[:4]
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        batch = jax.vmap(wired.training_transform.apply)(jax.random.split(key, 4), stored)
        trace_gradient(wired.model, objectives.over_batch(wired.bound), batch)


def test_no_infinity_is_made_that_debug_infs_would_stop_at():
    """In a step, and in an estimate of the log-likelihood, whose sums begin with the logarithm of nothing."""
    batch = jnp.ones((4, 3))
    with jax.debug_infs(True):
        ascent = trainer(TINY, objectives.over_batch(objectives.elbo), optax.adam(1e-3))
        state, _ = jax.jit(ascent.step)(ascent.init(jax.random.key(0)), batch)
        log_likelihood = importance_sampled_log_likelihood(TINY.bind, lambda key, x: x, num_samples=5, num_at_once=4)
        assert np.isfinite(log_likelihood(state.params, np.ones((4, 3), np.float32)).estimate).all()
