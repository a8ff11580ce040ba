"""Likelihood heads: what a decoder's output means, how large it is, and where its bias starts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import (
    Bernoulli,
    Beta,
    CategoricalPixels,
    ContinuousBernoulli,
    DiscretisedLogistic,
    DiscretisedLogisticMixture,
    Laplace,
    MixedColumns,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    ZeroInflated,
)
from vae_jax.models import likelihoods
from vae_jax.networks import mlp

KEY = jax.random.key(0)
SHAPE = (3, 2)
MEAN = np.array([[0.2, 0.5], [0.9, 0.05], [0.3, 0.7]], np.float32)
HEADS = {
    "bernoulli": (likelihoods.bernoulli, Bernoulli),
    "gaussian": (lambda: likelihoods.gaussian(0.3), Normal),
    "learned scale": (lambda: likelihoods.gaussian_with_learned_scale(0.3), Normal),
    "scale per pixel": (likelihoods.gaussian_with_scale_per_pixel, Normal),
    "laplace": (lambda: likelihoods.laplace(0.3), Laplace),
    "student t": (likelihoods.student_t, StudentT),
    "continuous bernoulli": (likelihoods.continuous_bernoulli, ContinuousBernoulli),
    "beta": (likelihoods.beta, Beta),
    # So narrow that the first and the last level cut nothing off, and the centre is the mean.
    "discretised logistic": (
        lambda: likelihoods.discretised_logistic(num_channels=2, initial_scale=4e-3),
        DiscretisedLogistic,
    ),
    "discretised logistic per pixel": (
        lambda: likelihoods.discretised_logistic_with_scale_per_pixel(initial_scale=4e-3),
        DiscretisedLogistic,
    ),
    "mixture": (lambda: likelihoods.discretised_logistic_mixture(3, initial_scale=4e-3), DiscretisedLogisticMixture),
    "categorical pixels": (likelihoods.categorical_pixels, CategoricalPixels),
    "poisson": (likelihoods.poisson, Poisson),
    "negative binomial": (lambda: likelihoods.negative_binomial(SHAPE), NegativeBinomial),
    "zero-inflated poisson": (likelihoods.zero_inflated_poisson, ZeroInflated),
    "zero-inflated negative binomial": (likelihoods.zero_inflated_negative_binomial, ZeroInflated),
}


@pytest.fixture(params=HEADS)
def head(request):
    make, family = HEADS[request.param]
    return make(), family


def zero_weights(params):
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf * 0 if "kernel" in jax.tree_util.keystr(path) else leaf, params
    )


def test_output_shape_and_bias_fit_each_other_and_the_event_has_the_shape_of_x(head):
    likelihood, family = head
    shape = likelihood.output_shape(SHAPE)
    assert likelihood.output_bias(MEAN).shape == shape

    def made(key):
        distribution = likelihood.bind(likelihood.init(key), jnp.zeros(shape))
        return distribution, distribution.mean(), distribution.log_prob(jnp.zeros(SHAPE)), distribution.sample(key)

    distribution, mean, log_prob, sample = jax.eval_shape(made, KEY)
    assert type(distribution) is family
    assert (mean.shape, log_prob.shape, sample.shape) == (SHAPE, (), SHAPE)


def test_a_decoder_without_weights_predicts_the_mean_of_the_data(head):
    likelihood, _ = head
    decoder = mlp((2,), likelihood.output_shape(SHAPE), (4,), output_bias=likelihood.output_bias(MEAN))
    output = decoder.apply(zero_weights(decoder.init(KEY)), jnp.ones(2))
    distribution = likelihood.bind(likelihood.init(KEY), output)
    np.testing.assert_allclose(distribution.mean(), MEAN, rtol=2e-5, atol=2e-6)


def test_the_bias_of_one_number_is_the_bias_of_all(head):
    likelihood, _ = head
    one = jnp.broadcast_to(likelihood.output_bias(0.3), likelihood.output_shape(SHAPE))
    np.testing.assert_allclose(one, likelihood.output_bias(np.full(SHAPE, 0.3)), rtol=1e-5)


def test_a_gradient_flows_to_the_output_and_the_parameters(head):
    """And is finite from a decoder's first, wild outputs, and in bfloat16."""
    likelihood, _ = head
    x = jnp.zeros(SHAPE).at[0].set(1.0)
    output = 10 * jax.random.normal(KEY, likelihood.output_shape(SHAPE))

    def log_prob(params, output):
        return likelihood.bind(params, output).log_prob(x)

    gradient = jax.jit(jax.value_and_grad(log_prob, argnums=(0, 1)))
    for dtype in (jnp.float32, jnp.bfloat16):
        value, slopes = gradient(likelihood.init(KEY), output.astype(dtype))
        assert value.dtype == jnp.float32
        assert np.isfinite(value)
        for slope in jax.tree.leaves(slopes):
            assert np.isfinite(np.asarray(slope, np.float32)).all()
            assert (slope != 0).any()


def test_a_bernoulli_bias_is_finite_where_a_pixel_never_changes():
    """As in the reference implementation, the mean is clipped to [0.001, 0.999]."""
    bias = likelihoods.bernoulli().output_bias(np.array([0.0, 1.0, 0.5]))
    np.testing.assert_allclose(jax.nn.sigmoid(bias), [0.001, 0.999, 0.5], rtol=1e-4)


def test_the_bias_can_be_turned_off_and_be_one_number():
    off = mlp((2,), SHAPE, (4,))
    np.testing.assert_array_equal(off.apply(zero_weights(off.init(KEY)), jnp.ones(2)), np.zeros(SHAPE))
    same = mlp((2,), SHAPE, (4,), output_bias=likelihoods.bernoulli().output_bias(0.25))
    output = same.apply(zero_weights(same.init(KEY)), jnp.ones(2))
    np.testing.assert_allclose(jax.nn.sigmoid(output), np.full(SHAPE, 0.25), rtol=1e-5)


def test_bernoulli_takes_logits():
    logits = jnp.array([-1.0, 2.0])
    np.testing.assert_allclose(likelihoods.bernoulli().bind((), logits).mean(), jax.nn.sigmoid(logits))


def test_a_fixed_scale_has_nothing_to_learn_and_may_be_traced():
    assert likelihoods.gaussian(0.3).init(KEY) == ()
    log_prob = jax.vmap(lambda scale: likelihoods.gaussian(scale).bind((), jnp.zeros(2)).log_prob(jnp.ones(2)))
    expected = [Normal(jnp.zeros(2), jnp.asarray(scale)).log_prob(jnp.ones(2)) for scale in (0.3, 2.0)]
    np.testing.assert_allclose(log_prob(jnp.array([0.3, 2.0])), expected, rtol=1e-6)


def test_a_learned_scale_starts_where_it_is_told_and_its_optimum_is_the_error():
    """The gradient of log p(x) in log σ is Σ (x/σ)² − d: zero where σ² is the mean squared error."""
    likelihood = likelihoods.gaussian_with_learned_scale(0.3)
    params = likelihood.init(KEY)
    np.testing.assert_allclose(likelihood.bind(params, jnp.zeros(4)).scale, 0.3, rtol=1e-6)
    x = jnp.array([1.0, -2.0, 0.5, 0.1])

    def slope(scale):
        return jax.grad(lambda p: likelihood.bind(p, jnp.zeros(4)).log_prob(x))({"log_scale": jnp.log(scale)})

    np.testing.assert_allclose(slope(jnp.sqrt((x**2).mean()))["log_scale"], 0, atol=1e-4)
    np.testing.assert_allclose(slope(jnp.asarray(0.3))["log_scale"], (x**2).sum() / 0.3**2 - 4, rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        likelihoods.gaussian_with_learned_scale,
        likelihoods.gaussian_with_scale_per_pixel,
        likelihoods.laplace,
        likelihoods.student_t,
        lambda **scale: likelihoods.mixed_columns(["continuous"] * 4, **scale),
    ],
)
def test_a_family_of_scales_starts_a_scale_where_it_is_told(make):
    """By its density at the mean, which is proportional to 1/scale in each of the 4 dimensions."""

    def at_the_mean(**options):
        likelihood = make(**options)
        mean = jnp.zeros(likelihood.output_shape((4,))[:1])
        distribution = likelihood.bind(likelihood.init(KEY), likelihood.output_bias(mean))
        return float(distribution.log_prob(mean))

    floor = 0.01 if make is likelihoods.gaussian_with_scale_per_pixel else 0.0
    ratio = (8.0 + floor) / (0.5 + floor)
    narrow, wide = at_the_mean(initial_scale=0.5), at_the_mean(initial_scale=8.0)
    assert narrow - wide == pytest.approx(4 * np.log(ratio), rel=1e-5)


def test_a_scale_per_pixel_follows_the_output_and_has_a_floor():
    likelihood = likelihoods.gaussian_with_scale_per_pixel(0.05)
    assert likelihood.output_shape(SHAPE) == (3, 2, 2)
    output = jnp.stack([jnp.asarray(MEAN), jnp.full(SHAPE, -30.0).at[1, 0].set(0.4)], axis=-1)
    distribution = likelihood.bind((), output)
    np.testing.assert_allclose(distribution.loc, MEAN)
    np.testing.assert_allclose(distribution.scale, np.full(SHAPE, 0.05) + np.exp(0.4) * (MEAN == 0.9), rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        likelihoods.gaussian,
        likelihoods.gaussian_with_learned_scale,
        likelihoods.gaussian_with_scale_per_pixel,
        likelihoods.laplace,
        likelihoods.student_t,
        lambda scale: likelihoods.student_t(4.0, scale),
        lambda scale: likelihoods.gaussian_with_scale_per_pixel(initial_scale=scale),
        lambda scale: likelihoods.discretised_logistic(initial_scale=scale),
        lambda scale: likelihoods.discretised_logistic_with_scale_per_pixel(initial_scale=scale),
        lambda scale: likelihoods.discretised_logistic_mixture(initial_scale=scale),
        lambda scale: likelihoods.mixed_columns(["continuous"], initial_scale=scale),
        likelihoods.beta,
    ],
)
@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_cannot_be_is_refused(make, scale):
    with pytest.raises(ValueError, match=f"expected a positive, finite scale; got {scale}"):
        make(scale)


# Colours, tables, names


def test_a_colour_mixture_reads_ten_numbers_for_each_component():
    """Weight, three centres, three scales and three couplings; of a bias it predicts the mean of each channel."""
    likelihood = likelihoods.discretised_logistic_mixture(2, rgb=True, initial_scale=4e-3)
    assert likelihood.output_shape((4, 5, 3)) == (4, 5, 20)
    mean = np.random.default_rng(0).uniform(0.1, 0.9, (4, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(likelihood.bind((), likelihood.output_bias(mean)).mean(), mean, rtol=1e-4)
    assert likelihood.output_bias(0.5).shape == (20,)

    output = jnp.arange(20.0).reshape(1, 1, 20) / 10
    mixture = likelihood.bind((), output)
    blocks = np.arange(20.0).reshape(10, 2) / 10
    np.testing.assert_allclose(mixture.logits[0, 0], blocks[0], rtol=1e-6)
    np.testing.assert_allclose(mixture.loc[0, 0], blocks[1:4], rtol=1e-6)
    np.testing.assert_allclose(mixture.scale[0, 0], np.exp(blocks[4:7]), rtol=1e-5)
    np.testing.assert_allclose(mixture.coefficients[0, 0], np.tanh(blocks[7:]), rtol=1e-5)


def test_a_colour_mixture_of_grey_images_is_refused():
    likelihood = likelihoods.discretised_logistic_mixture(rgb=True)
    message = r"expected images of shape \(height, width, 3\) with rgb=True; got \(28, 28\); use rgb=False"
    with pytest.raises(ValueError, match=message):
        likelihood.output_shape((28, 28))


def test_a_mixture_without_components_is_refused():
    with pytest.raises(ValueError, match="expected num_components of at least 1; got 0"):
        likelihoods.discretised_logistic_mixture(0)


def test_a_scale_has_a_floor_where_exp_underflows():
    likelihood = likelihoods.discretised_logistic_with_scale_per_pixel()
    distribution = likelihood.bind((), jnp.array([[0.5, -1e3]]))
    np.testing.assert_allclose(distribution.scale, np.exp(-10), rtol=1e-5)
    assert np.isfinite(distribution.log_prob(jnp.zeros(1)))


def test_a_table_has_a_column_of_each_kind():
    kinds = ("count", "continuous", 3, "binary", "continuous")
    likelihood = likelihoods.mixed_columns(kinds)
    assert likelihood.output_shape((5,)) == (7,)
    params = likelihood.init(KEY)
    assert params["log_scale"].shape == (2,)
    mean = np.array([4.0, -2.0, 1.4, 0.25, 7.0], np.float32)
    row = likelihood.bind(params, likelihood.output_bias(mean))
    assert type(row) is MixedColumns
    np.testing.assert_allclose(row.mean(), mean, rtol=1e-5)
    np.testing.assert_array_equal(row.is_discrete, [True, False, True, True, False])
    assert np.isfinite(row.log_prob(jnp.array([3.0, 0.5, 2.0, 1.0, -1.0])))
    assert likelihoods.mixed_columns(["binary", 2]).init(KEY) == ()


@pytest.mark.parametrize(
    ("kind", "hint"), [("continous", "; did you mean 'continuous'?"), (1, ""), ("zzz", ""), (True, "")]
)
def test_an_unknown_kind_of_column_is_refused(kind, hint):
    with pytest.raises(ValueError) as refusal:
        likelihoods.mixed_columns(["binary", kind])
    assert str(refusal.value) == (
        "expected a kind out of continuous, binary, count, or a number of classes of at least 2; "
        f"got {kind!r} for column 1{hint}"
    )


def test_a_row_that_does_not_fit_the_kinds_is_refused():
    message = r"expected rows of 2 columns, one for each kind; got examples of shape \(3,\)"
    with pytest.raises(ValueError, match=message):
        likelihoods.mixed_columns(["binary", "count"]).output_shape((3,))


def test_every_likelihood_but_that_of_columns_needs_nothing():
    for name in set(likelihoods.__all__) - {"Likelihood", "mixed_columns"}:
        assert getattr(likelihoods, name)().output_shape((2, 2))[:2] == (2, 2)
