"""The laws of the families of likelihoods. A new one enters by one line in the table, `likelihood_families.FAMILIES`.

Statistical tests have fixed keys and name their level: a correct implementation would fail with that probability for
another key, a wrong one fails whatever the key.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from likelihood_families import EXTREMES, FAMILIES, JOINT, Family
from scipy import stats
from tables import named_long_but

from vae_jax.distributions import Bernoulli, CategoricalCodes, MixedColumns, Mixture, Normal, Product, support_of
from vae_jax.distributions.support import codes

NUM_SAMPLES = 20_000
LEVEL = 1e-4
KEY = jax.random.key(0)

families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
every = {name: family.make for name, family in FAMILIES.items()} | JOINT
all_families = pytest.mark.parametrize("make", every.values(), ids=every.keys())
# JAX promises it of any function: a few of each kind show that none asks for what is not there under a trace.
some_families = pytest.mark.parametrize("make", named_long_but(every, "poisson", "mixed columns", "beta"))
extremes = pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES.keys())


@jax.jit
def log_prob_of(distribution: Any, value: jax.Array) -> jax.Array:
    return jax.vmap(distribution.log_prob)(value)


@jax.jit
def draw_many(distribution: Any) -> jax.Array:
    return jax.vmap(distribution.sample)(jax.random.split(KEY, NUM_SAMPLES))


@pytest.fixture(scope="module")
def draws():
    """Samples in float64 for the statistics, drawn once for each family."""
    drawn: dict[Any, np.ndarray] = {}
    return lambda make: drawn.setdefault(make, np.asarray(draw_many(make()), float))


def everything(distribution: Any, key: jax.Array) -> tuple[jax.Array, ...]:
    """What every method returns."""
    value, log_prob = distribution.sample_and_log_prob(key)
    return value, log_prob, distribution.log_prob(value), distribution.mean(), distribution.sample(key)


compiled_everything = jax.jit(everything)


def to_float64(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), tree)


def values_of(family: Family, draws: np.ndarray) -> np.ndarray:
    """Some samples, and values in the tails."""
    if isinstance(family.support, np.ndarray):
        places = np.array([0, len(family.support) // 2, len(family.support) - 1])
        tails = family.support[places]
    else:
        low, high = family.support
        tails = np.array([low, high]) + np.array([1e-3, -1e-3]) * (high - low)
    tails = np.broadcast_to(tails.reshape(-1, *[1] * (draws.ndim - 1)), (len(tails), *draws.shape[1:]))
    return np.concatenate([draws[: 8 - len(tails)], tails]).astype(np.float32)


@families
def test_log_prob_is_that_of_scipy_or_quadrature(family, draws):
    values = values_of(family, draws(family.make)).astype(float)
    expected = family.log_prob(values)
    expected = expected.reshape(len(values), -1).sum(axis=1)
    with jax.enable_x64(True):
        exact = log_prob_of(to_float64(family.make()), values)
        # Values that float32 has rounded: x = k/255 is read as a level, so its bits do not matter.
        np.testing.assert_allclose(exact, expected, rtol=2e-7, atol=2e-8)
    np.testing.assert_allclose(log_prob_of(family.make(), values.astype(np.float32)), exact, rtol=5e-6, atol=5e-6)


@families
def test_total_probability_is_one(family, draws):
    """Of each element by a sum in float32, the others held at a sample. Densities are compared to normalised ones."""
    if family.cdf is not None:
        return
    distribution, base = family.make(), draws(family.make)[0]
    log_base = family.log_prob(base)
    for index in np.ndindex(base.shape):
        values = np.repeat(base[None], len(family.support), axis=0)
        values[(slice(None), *index)] = family.support
        rest = log_base.sum() - log_base[index]
        total = np.exp(np.asarray(log_prob_of(distribution, values.astype(np.float32)), float) - rest).sum()
        np.testing.assert_allclose(total, 1, rtol=1e-5)


@families
def test_samples_follow_the_law(family, draws):
    """Each element: Kolmogorov-Smirnov, or χ² over the values that expect 10 draws or more; 1e-4 over all elements."""
    drawn = draws(family.make)
    for index in np.ndindex(drawn.shape[1:]):
        element = drawn[(slice(None), *index)]
        if family.cdf is not None:
            # The distribution function takes whole events: of each draw it is the element's number that counts.
            uniform = family.cdf(drawn)[(slice(None), *index)]
            p_value = stats.kstest(uniform, "uniform").pvalue
        else:
            p_value = chi_square(element, family.support, mass_of(family, drawn.shape[1:])[(slice(None), *index)])
        assert p_value > LEVEL / drawn[0].size, index


def mass_of(family: Family, shape: tuple[int, ...]) -> np.ndarray:
    """The mass of every value for every element."""
    return np.exp(
        family.log_prob(np.broadcast_to(family.support.reshape(-1, *[1] * len(shape)), (len(family.support), *shape)))
    )


def chi_square(drawn: np.ndarray, support: np.ndarray, mass: np.ndarray) -> float:
    """The p-value of the counts of the common values, and of all others together."""
    counts = np.bincount(np.round(drawn / support[1]).astype(int), minlength=len(support))
    np.testing.assert_allclose(drawn, support[np.round(drawn / support[1]).astype(int)], rtol=1e-6)
    common = mass * NUM_SAMPLES >= 10
    expected = np.append(mass[common], 1 - mass[common].sum()) * NUM_SAMPLES
    counts = np.append(counts[common], counts[~common].sum())
    kept = slice(None) if expected[-1] >= 5 else slice(-1)
    return stats.chisquare(counts[kept], expected[kept] * counts[kept].sum() / expected[kept].sum()).pvalue


@all_families
def test_elements_of_a_sample_differ(make, draws):
    """A key used twice would pass every one-dimensional test: independent elements are not perfectly correlated."""
    drawn = draws(make).reshape(NUM_SAMPLES, -1)
    correlations = np.corrcoef(drawn[:, drawn.std(axis=0) > 0].T)
    largest = 0.9 if make is JOINT["rgb mixture"] else 4.5 / np.sqrt(NUM_SAMPLES)
    assert np.abs(np.triu(correlations, k=1)).max() < largest


@all_families
def test_mean_is_the_average_of_samples(make, draws):
    """Within 4.5 standard errors; of a t distribution with a variance."""
    distribution, drawn = make(), draws(make)
    mean = np.asarray(distribution.mean())
    assert mean.shape == drawn.shape[1:]
    assert mean.dtype == np.float32
    has_variance = np.broadcast_to(getattr(distribution, "degrees_of_freedom", 3.0) > np.float32(2), mean.shape)
    error = np.abs(drawn.mean(axis=0) - mean) / (drawn.std(axis=0) / np.sqrt(NUM_SAMPLES) + 1e-6)
    assert (error[has_variance] < 4.5).all()


@some_families
def test_sample_and_log_prob_is_both_and_jit_equals_eager(make):
    """Except for the rejection loops of samples, which would be compiled one operation at a time."""
    distribution = make()
    value, log_prob, log_prob_of_value, mean, sample = compiled_everything(distribution, jax.random.key(4))
    np.testing.assert_allclose(log_prob, distribution.log_prob(value), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mean, distribution.mean(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(value, sample)
    np.testing.assert_allclose(log_prob, log_prob_of_value, rtol=1e-6)
    assert log_prob.shape == ()
    assert log_prob.dtype == value.dtype == jnp.float32


@some_families
def test_vmap_equals_a_loop(make, draws):
    """Over distribution and value together: there are no batch axes inside."""
    values = draws(make)[:2].astype(np.float32)
    several = [jax.tree.map(lambda leaf, by=by: np.asarray(leaf) + np.float32(by), make()) for by in (0, 0.25)]
    batch = vmapped(jax.tree.map(lambda *leaves: np.stack(leaves), *several), values)
    for row, (distribution, value) in enumerate(zip(several, values, strict=True)):
        log_prob, mean = log_prob_and_mean(distribution, value)
        np.testing.assert_allclose(batch[0][row], log_prob, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(batch[1][row], mean, rtol=1e-5, atol=1e-6)


@jax.jit
def log_prob_and_mean(distribution: Any, value: jax.Array) -> tuple[jax.Array, jax.Array]:
    return distribution.log_prob(value), distribution.mean()


vmapped = jax.jit(jax.vmap(log_prob_and_mean))


@some_families
def test_bfloat16_parameters_are_computed_in_float32(make, draws):
    """Of values and parameters of 8 bits the log-probability has 24, and no sum overflows or stalls."""
    low = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), make())
    same = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), low)
    value = draws(make)[:8].astype(np.float32)
    assert log_prob_of(low, value).dtype == jnp.float32
    np.testing.assert_allclose(log_prob_of(low, value), log_prob_of(same, value), rtol=1e-6)
    sample = jax.eval_shape(low.sample, KEY)
    # A count or a level may not fit into 8 bits: it is not rounded. A density's value is.
    is_discrete = np.all(low.is_discrete) or isinstance(low, MixedColumns)
    assert sample.dtype == (jnp.float32 if is_discrete else jnp.bfloat16)


@families
def test_whether_it_is_discrete_and_reparametrised(family):
    distribution = family.make()
    is_discrete = isinstance(family.support, np.ndarray)
    assert (distribution.is_discrete, distribution.is_reparametrised) == (is_discrete, not is_discrete)
    assert jax.tree.structure(distribution) == jax.tree.structure(jax.tree.map(lambda leaf: object(), distribution))


@families
def test_what_it_cannot_take_has_no_probability(family):
    """Half a count, a code too many, bytes that were not scaled, a grey level above 1: −∞, and no finite mistake."""
    shape = family.make().mean().shape
    for value in (family.support[-1] + 0.5, -1.5):
        log_prob = log_prob_of(family.make(), jnp.full((8, *shape), value))[0]
        assert (log_prob == -jnp.inf) == (family.cdf is None or family.support == (0, 1))


@families
def test_its_support_is_where_it_has_a_probability(family):
    distribution, shape = family.make(), family.make().mean().shape
    low, high = family.support[0], family.support[-1]
    values = jnp.array([low, high, (low + high) / 2, -1.5, high + 0.5, jnp.inf, low, high], jnp.float32)
    events = jnp.broadcast_to(values.reshape(8, *(1 for _ in shape)), (8, *shape))
    is_inside = np.asarray(jax.vmap(support_of(distribution).contains)(events)).reshape(8, -1)
    np.testing.assert_array_equal(is_inside.all(axis=1), log_prob_of(distribution, events) > -jnp.inf)
    np.testing.assert_array_equal(is_inside.all(axis=1), is_inside.any(axis=1))


@pytest.mark.parametrize("make", JOINT.values(), ids=JOINT)
def test_samples_are_in_the_support(make, draws):
    support, samples = support_of(make()), draws(make)[:100]
    assert np.asarray(jax.vmap(support.contains)(samples)).all()
    assert support.words_of(samples[0].size - 1)


def test_each_column_has_the_support_of_its_kind():
    support, real = support_of(JOINT["mixed columns"]()), "finite numbers"
    assert support.words == ("numbers in [0, 1]", real, "codes 0, ..., 4 of 5 classes", "counts 0, 1, 2, ...", real)
    assert support.contains(jnp.array([2.0, -3.0, 5.0, 0.5, jnp.nan])).tolist() == [False, True, False, False, False]


def test_what_is_made_of_others_has_their_support():
    half = Bernoulli(jnp.zeros(2))
    assert support_of(Product({"a": half, "b": Normal(0.0, 1.0)})) == {"a": half.support, "b": support_of(Normal(0, 1))}
    assert support_of(Mixture(jnp.zeros(3), CategoricalCodes(jnp.zeros((3, 2, 4))))).words == codes(4).words


@extremes
def test_extremes_are_finite_with_finite_gradients_and_agree_with_float64(extreme):
    distribution, value = extreme()
    log_prob, gradient = value_and_gradient(distribution, value)
    assert np.isfinite(log_prob)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(gradient))
    with jax.enable_x64(True):
        exact = log_prob_of(to_float64(distribution), np.asarray(value, np.float64)[None])[0]
    np.testing.assert_allclose(log_prob, exact, rtol=2e-5)


@jax.jit
def value_and_gradient(distribution: Any, value: jax.Array) -> tuple[jax.Array, Any]:
    return jax.value_and_grad(lambda distribution: distribution.log_prob(value))(distribution)
