"""Normal families in many dimensions, mixtures, products, and numbers at the ends of float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from vae_jax.distributions import (
    BinaryConcrete,
    Categorical,
    Concrete,
    ExpConcrete,
    LogisticNormal,
    LogitBinaryConcrete,
    LowRankNormal,
    Mixture,
    MultivariateNormal,
    Normal,
    Product,
    VonMisesFisher,
    standard_normal,
    tril_from_vector,
)


def far_mixture():
    return Mixture(jnp.array([50.0, -50.0, 0.0]), Normal(jnp.array([[0.0], [1e4], [1e8]]), jnp.full((3, 1), 1e-3)))


# Parameters and values where a careless formula overflows: (distribution, value).
EXTREMES = {
    "multivariate normal, tiny": lambda: (MultivariateNormal(jnp.zeros(2), 1e-6 * jnp.eye(2)), jnp.array([1e3, 0.0])),
    "multivariate normal, huge": lambda: (MultivariateNormal(jnp.zeros(2), 1e6 * jnp.eye(2)), jnp.array([1e12, 0.0])),
    "low-rank normal, huge directions": lambda: (
        LowRankNormal(jnp.zeros(3), jnp.full((3, 1), 1e4), jnp.full(3, 1e-2)),
        jnp.array([1e3, -1e3, 0.0]),
    ),
    "mixture, far apart": lambda: (far_mixture(), jnp.array([3.0])),
    "categorical, certain": lambda: (Categorical(jnp.array([1e4, -1e4])), jnp.array([0.0, 1.0])),
    "concrete, cold": lambda: (Concrete(jnp.array([20.0, -20.0, 0.0]), 1e-2), jnp.array([1.0, 0.0, 0.0])),
    "concrete, hot": lambda: (Concrete(jnp.array([90.0, -90.0, 0.0]), 10.0), jnp.array([0.3, 0.3, 0.4])),
    "exp-concrete, cold": lambda: (ExpConcrete(jnp.array([20.0, -20.0]), 1e-2), jnp.array([0.0, -1e4])),
    "binary concrete, cold": lambda: (BinaryConcrete(jnp.array([50.0, -50.0]), 1e-2), jnp.array([1.0, 0.0])),
    "logit of binary concrete, cold": lambda: (LogitBinaryConcrete(jnp.array([90.0]), 1e-2), jnp.array([-1e5])),
    "logistic-normal, at a corner": lambda: (
        LogisticNormal(jnp.array([80.0, -80.0]), jnp.full(2, 0.1)),
        jnp.array([1.0, 0.0, 0.0]),
    ),
    "von mises-fisher, certain": lambda: (VonMisesFisher(jnp.eye(100)[0], jnp.asarray(1e6)), -jnp.eye(100)[0]),
    "von mises-fisher, uniform": lambda: (VonMisesFisher(jnp.eye(2)[0], jnp.asarray(0.0)), jnp.eye(2)[1]),
}


@pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES.keys())
def test_extremes_are_finite_with_finite_gradients(extreme):
    """Log-density, samples, and the gradients of both; a sample has a density there itself."""
    distribution, value = extreme()

    def of(distribution):
        sample, log_prob = distribution.sample_and_log_prob(jax.random.key(0))
        return distribution.log_prob(value) + 1e-3 * log_prob + sample.sum(), (sample, distribution.mean())

    (total, drawn), gradient = jax.jit(jax.value_and_grad(of, has_aux=True))(jax.tree.map(jnp.asarray, distribution))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((total, drawn, gradient)))
    assert any((leaf != 0).any() for leaf in jax.tree.leaves(gradient))


def test_woodbury_is_the_dense_covariance():
    """Fifty dimensions and three directions a thousand times longer than the noise, in float32 against float64."""
    rng = np.random.default_rng(0)
    loc, factor, scale = rng.normal(size=50), 30 * rng.normal(size=(50, 3)), rng.uniform(0.02, 0.05, size=50)
    dense = stats.multivariate_normal(loc, factor @ factor.T + np.diag(scale**2))
    low_rank = LowRankNormal(*(jnp.asarray(array, jnp.float32) for array in (loc, factor, scale)))
    keys = jax.random.split(jax.random.key(0), 20)
    with jax.enable_x64(True):
        wide = LowRankNormal(*(jnp.asarray(array) for array in (loc, factor, scale)))
        values, log_probs = jax.jit(jax.vmap(wide.sample_and_log_prob))(keys)
        np.testing.assert_allclose(log_probs, dense.logpdf(values), rtol=1e-6)
    np.testing.assert_allclose(
        jax.jit(jax.vmap(low_rank.log_prob))(jnp.asarray(values, jnp.float32)), dense.logpdf(values), rtol=1e-3
    )


def test_a_low_rank_normal_has_its_covariance():
    """Every entry of it within 4.5 standard errors of 20,000 samples."""
    factor, scale = np.array([[1.2, 0.0], [-0.7, 0.4], [0.1, 2.0]]), np.array([0.4, 0.9, 0.3])
    low_rank = LowRankNormal(jnp.zeros(3), jnp.asarray(factor, jnp.float32), jnp.asarray(scale, jnp.float32))
    draws = np.asarray(jax.jit(jax.vmap(low_rank.sample))(jax.random.split(jax.random.key(0), 20_000)), float)
    products = draws[:, :, None] * draws[:, None]
    covariance = factor @ factor.T + np.diag(scale**2)
    assert (np.abs(products.mean(axis=0) - covariance) < 4.5 * products.std(axis=0) / np.sqrt(20_000)).all()


def test_what_is_above_the_diagonal_is_not_read():
    tril = jnp.array([[0.8, 9.0], [-0.5, 0.6]])
    same = MultivariateNormal(jnp.zeros(2), tril), MultivariateNormal(jnp.zeros(2), jnp.tril(tril))
    for of in (lambda normal: normal.sample(jax.random.key(0)), lambda normal: normal.log_prob(jnp.ones(2))):
        np.testing.assert_array_equal(*map(of, same))


def test_every_cholesky_factor_has_one_vector():
    vector = jnp.array([0.5, -1.0, 0.0, 2.0, 3.0, 4.0])
    tril = tril_from_vector(vector, 3)
    np.testing.assert_allclose(tril, [[np.exp(0.5), 0, 0], [2, np.exp(-1), 0], [3, 4, 1]], rtol=1e-6)
    jacobian = jax.jit(jax.jacobian(lambda vector: tril_from_vector(vector, 3)[jnp.tril_indices(3)]))(vector)
    assert np.linalg.matrix_rank(jacobian) == 6
    with pytest.raises(ValueError, match=r"expected 6 numbers for a lower-triangular matrix of 3 rows; got shape \(5,"):
        tril_from_vector(jnp.zeros(5), 3)


def test_a_mixture_of_equal_components_changes_nothing():
    normal = Normal(jnp.array([0.3, -1.0]), jnp.array([0.5, 2.0]))
    mixture = Mixture(jnp.array([0.4, -3.0, 0.0]), jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), normal))
    value = jnp.array([1.0, 4.0])
    np.testing.assert_allclose(mixture.log_prob(value), normal.log_prob(value), rtol=1e-6)
    np.testing.assert_allclose(mixture.mean(), normal.mean(), rtol=1e-6)
    gradient = jax.grad(lambda mixture: mixture.log_prob(value))(mixture)
    np.testing.assert_allclose(gradient.logits, 0, atol=1e-6)
    expected = jax.grad(lambda normal: normal.log_prob(value))(normal)
    np.testing.assert_allclose(gradient.components.loc.sum(axis=0), expected.loc, rtol=1e-5)


def test_a_mixture_is_of_any_family():
    """Of categorical variables, and of products: their events may be any pytree."""
    mixture = Mixture(
        jnp.zeros(2),
        Product(
            {
                "kind": Categorical(jnp.array([[9.0, 0.0], [0.0, 9.0]])),
                "style": Normal(jnp.zeros((2, 1)), 1.0 + jnp.zeros((2, 1))),
            }
        ),
    )
    value, log_prob = mixture.sample_and_log_prob(jax.random.key(0))
    np.testing.assert_allclose(log_prob, np.log(0.5) + stats.norm.logpdf(value["style"]).sum(), rtol=1e-6)
    np.testing.assert_allclose(mixture.mean()["kind"], [0.5, 0.5], rtol=1e-6)


def test_a_product_does_not_depend_on_the_order_of_its_parts():
    one, other = standard_normal(2), Categorical(jnp.zeros(3))
    forwards, backwards = Product({"a": one, "b": other}), Product({"b": other, "a": one})
    key = jax.random.key(0)
    jax.tree.map(np.testing.assert_array_equal, forwards.sample(key), backwards.sample(key))
    jax.tree.map(np.testing.assert_array_equal, forwards.sample(key), jax.jit(lambda p: p.sample(key))(backwards))
    assert not forwards.is_reparametrised
    assert Product({"a": one}).is_reparametrised
