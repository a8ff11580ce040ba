"""Likelihood heads: what a decoder's output means, how large it is, and where its bias starts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Bernoulli, Normal
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
    distribution = likelihood.bind(likelihood.init(KEY), jnp.zeros(shape))
    assert type(distribution) is family
    assert distribution.mean().shape == SHAPE
    assert distribution.log_prob(jnp.zeros(SHAPE)).shape == ()
    assert distribution.sample(KEY).shape == SHAPE


def test_a_decoder_without_weights_predicts_the_mean_of_the_data(head):
    likelihood, _ = head
    decoder = mlp((2,), likelihood.output_shape(SHAPE), (4,), output_bias=likelihood.output_bias(MEAN))
    output = decoder.apply(zero_weights(decoder.init(KEY)), jnp.ones(2))
    distribution = likelihood.bind(likelihood.init(KEY), output)
    np.testing.assert_allclose(distribution.mean(), MEAN, rtol=1e-5)


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


def test_a_scale_per_pixel_follows_the_output_and_has_a_floor():
    likelihood = likelihoods.gaussian_with_scale_per_pixel(0.05)
    assert likelihood.output_shape(SHAPE) == (3, 2, 2)
    output = jnp.stack([jnp.asarray(MEAN), jnp.full(SHAPE, -30.0).at[1, 0].set(0.4)], axis=-1)
    distribution = likelihood.bind((), output)
    np.testing.assert_allclose(distribution.loc, MEAN)
    np.testing.assert_allclose(distribution.scale, np.full(SHAPE, 0.05) + np.exp(0.4) * (MEAN == 0.9), rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [likelihoods.gaussian, likelihoods.gaussian_with_learned_scale, likelihoods.gaussian_with_scale_per_pixel],
)
@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_cannot_be_is_refused(make, scale):
    with pytest.raises(ValueError, match=f"expected a positive, finite scale; got {scale}"):
        make(scale)
