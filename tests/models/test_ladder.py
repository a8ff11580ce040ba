"""The ladder VAE against a pass by hand, and the two ways to make a posterior of a prior and of what x says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from tables import named_long_but

from vae_jax.distributions import Normal, kl_divergence, kl_per_part
from vae_jax.models import (
    Rung,
    convolutional_ladder,
    dense_ladder,
    gaussian,
    ladder,
    likelihoods,
    precision_weighted,
    residual_normal,
)
from vae_jax.networks import mlp
from vae_jax.objectives import analytic_kl_per_group, elbo, free_bits, weighted_parts
from vae_jax.vae import draw

KEY = jax.random.key(2)
X = (np.random.default_rng(0).random((4, 4)) < 0.4).astype(np.float32)
PRIOR, SEEN = Normal(np.array([1.0, -2.0]), np.array([0.5, 3.0])), Normal(np.array([0.2, 4.0]), np.array([2.0, 0.7]))


def test_precision_weighted_is_the_product_of_both_densities():
    """On a grid, normalised: the definition, not the formula."""
    merged, grid = precision_weighted(PRIOR, SEEN), np.linspace(-30, 30, 60_001)
    for i in range(2):
        product = stats.norm.pdf(grid, PRIOR.loc[i], PRIOR.scale[i]) * stats.norm.pdf(grid, SEEN.loc[i], SEEN.scale[i])
        mean = np.average(grid, weights=product)
        np.testing.assert_allclose(merged.loc[i], mean, rtol=1e-5)
        np.testing.assert_allclose(merged.scale[i], np.average((grid - mean) ** 2, weights=product) ** 0.5, rtol=1e-5)


def test_what_says_nothing_leaves_the_prior():
    vague, unchanged = Normal(jnp.full(2, 9.0), jnp.full(2, 1e30)), Normal(jnp.zeros(2), jnp.ones(2))
    for posterior in (precision_weighted(PRIOR, vague), residual_normal(PRIOR, unchanged)):
        np.testing.assert_allclose(posterior.loc, PRIOR.loc, rtol=1e-6)
        np.testing.assert_allclose(posterior.scale, PRIOR.scale, rtol=1e-6)


def test_the_residual_normal_has_the_relative_kl_of_its_paper():
    """Equation 2 of arXiv:2007.03898: ½ (Δμ²/σ² + Δσ² − log Δσ² − 1)."""
    expected = 0.5 * (SEEN.loc**2 / PRIOR.scale**2 + SEEN.scale**2 - np.log(SEEN.scale**2) - 1)
    np.testing.assert_allclose(kl_divergence(residual_normal(PRIOR, SEEN), PRIOR), expected.sum(), rtol=1e-5)


def dense(**options):
    return dense_ladder(
        X * 0.5, likelihoods.bernoulli(), latent_sizes=(3, 2, 2), hidden_sizes=(8, 6, 5), activation="tanh", **options
    )


def by_hand(params, key, merge, skip):
    """z and KL of the dense ladder of three groups, written out."""
    affine = lambda layer, x: x @ layer["kernel"] + layer["bias"]
    two = lambda layers, x: np.tanh(affine(layers["Dense_1"], np.tanh(affine(layers["Dense_0"], x))))

    def head(layers, x):
        loc, log_scale = np.split(affine(layers["Dense_0"], x), 2)
        return Normal(loc, np.exp(log_scale))

    rungs, found, d = params["rungs"], {}, X.reshape(-1)
    for name in ("z1", "z2", "z3"):
        d = found[name] = two(rungs[name]["up"], d)
    keys, z, kl, state = jax.random.split(key, 3), {}, {}, np.zeros(0)
    for key, name in zip(keys, ("z3", "z2", "z1"), strict=True):
        seen = head(rungs[name]["seen"], found[name])
        prior = Normal(np.zeros(2), np.ones(2)) if name == "z3" else head(rungs[name]["prior"], state)
        posterior = seen if name == "z3" else merge(prior, seen)
        z[name] = np.asarray(posterior.sample(key))
        kl[name] = kl_divergence(posterior, prior)
        state = two(rungs[name]["down"], np.concatenate([state, z[name]]) if skip else z[name])
    return z, kl, affine(params["decoder"]["Dense_0"], state).reshape(4, 4)


@pytest.mark.parametrize(
    ("merge", "skip"),
    named_long_but(
        {
            "weighted": (precision_weighted, True),
            "residual": (residual_normal, True),
            "a chain": (precision_weighted, False),
        },
        "weighted",
    ),
)
def test_the_dense_ladder_is_a_pass_by_hand(merge, skip):
    model = dense(merge=merge, skip=skip)
    params = jax.tree.map(lambda leaf: 1.5 * leaf, jax.jit(model.init)(KEY))
    one = jax.jit(lambda params: draw(KEY, model.bind(params), X))(params)
    z, kl, logits = by_hand(jax.tree.map(np.asarray, params), KEY, merge, skip)
    for name, value in z.items():
        np.testing.assert_allclose(one.z[name], value, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(kl_per_part(one.posterior, one.prior)[name], kl[name], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(one.likelihood.logits, logits, rtol=1e-4, atol=1e-5)


@pytest.mark.long
def test_an_untrained_ladder_predicts_the_mean_without_latents():
    """The decoder's bias is the data's mean; so is that of the ladder on grids."""
    mean = np.full((4, 4), 0.3)
    grids = convolutional_ladder(mean, likelihoods.bernoulli(), sides=(4, 2), channels=(4, 4), latent_size=1)
    for model in (grids, dense_ladder(mean, likelihoods.bernoulli(), latent_sizes=(2,), hidden_sizes=(4,))):
        params = jax.eval_shape(model.init, KEY)
        bias = "output_bias" if "output_bias" in params["decoder"] else "Dense_0"
        leaf = jax.jit(model.init)(KEY)["decoder"][bias]
        leaf = leaf if bias == "output_bias" else leaf["bias"]
        np.testing.assert_allclose(jax.nn.sigmoid(leaf).ravel(), 0.3, rtol=1e-5)


def test_penalties_take_the_groups_apart():
    """In the order of names, from below: free bits of each, and a weight for each."""
    model = dense()
    vae = model.bind(jax.jit(model.init)(KEY))
    one = draw(jax.random.split(KEY, 1)[0], vae, X)
    of_groups = np.asarray(analytic_kl_per_group(one))
    parts = kl_per_part(one.posterior, one.prior)
    np.testing.assert_allclose(of_groups, [parts[name] for name in ("z1", "z2", "z3")])
    reconstruction = float(one.likelihood.log_prob(X))
    floor, weights = float(np.median(of_groups)), np.array([0.5, 1.0, 0.0])
    for penalty, cost in (
        (free_bits(floor), np.maximum(of_groups, floor).sum()),
        (weighted_parts(weights), weights @ of_groups),
    ):
        value, metrics = elbo(KEY, vae, X, kl=analytic_kl_per_group, penalty=penalty)
        np.testing.assert_allclose(value, reconstruction - cost, rtol=1e-5)
        np.testing.assert_allclose(metrics["kl"], of_groups.sum(), rtol=1e-5)


def test_what_is_no_ladder_is_refused():
    bernoulli, linear = likelihoods.bernoulli(), mlp((2,), (2,), ())
    with pytest.raises(ValueError, match="expected one rung or more; got none"):
        ladder([], linear, bernoulli)
    with pytest.raises(ValueError, match="a prior's network for every rung but the top one"):
        ladder([Rung((1,), linear, linear, linear, linear)], linear, bernoulli)
    with pytest.raises(ValueError, match="expected hidden_sizes for each of the 2 groups; got 1; give as many"):
        dense_ladder(X, bernoulli, latent_sizes=(2, 2), hidden_sizes=(4,))
    grids = {"channels": (4, 4), "latent_size": 2}
    with pytest.raises(ValueError, match="expected a side of 8 or half of it on a grid of 8; got 2; change sides"):
        convolutional_ladder(np.zeros((16, 16)), bernoulli, sides=(8, 2), **grids)
    with pytest.raises(ValueError, match=r"expected square images, .*; got \(8, 6\); pad or resize them"):
        convolutional_ladder(np.zeros((8, 6)), bernoulli, sides=(4, 2), **grids)
    plain = gaussian(mlp((4, 4), (4,), ()), mlp((2,), (4, 4), ()), bernoulli, latent_size=2)
    with pytest.raises(TypeError, match=r"expected a model with groups of latents.* got a Normal; use kl=analytic_kl"):
        elbo(KEY, plain.bind(plain.init(KEY)), X, kl=analytic_kl_per_group)
