"""The importance-sampled log-likelihood against log p(x) that is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Normal, standard_normal
from vae_jax.evaluation import importance_sampled_log_likelihood
from vae_jax.vae import VAE


def as_stored(key, example):
    return example


def estimate(known, params, num_samples, examples=None, transform=as_stored, **options):
    estimator = importance_sampled_log_likelihood(known.model.bind, transform, num_samples=num_samples, **options)
    return estimator(params, known.examples if examples is None else examples)


@pytest.mark.parametrize("num_samples", [1, 7])
def test_with_the_exact_posterior_every_estimate_is_log_p(known, num_samples):
    result = estimate(known, known.exact, num_samples)
    np.testing.assert_allclose(result.estimate, known.log_prob, rtol=1e-4)
    np.testing.assert_allclose(result.effective_sample_size, num_samples, rtol=1e-4)


def test_with_a_wrong_posterior_it_is_log_p_within_its_error(known):
    """The estimate's standard error is √(1/ESS − 1/K) for large K; each of 37 lies within five of them."""
    num_samples = 5_000
    result = estimate(known, known.wrong, num_samples)
    assert (result.effective_sample_size < 0.9 * num_samples).all()
    errors = np.sqrt(1 / result.effective_sample_size - 1 / num_samples)
    assert (np.abs(result.estimate - known.log_prob) < 5 * errors).all()
    assert np.abs(result.estimate - known.log_prob).max() > 1e-4  # it is an estimate


def test_it_rises_towards_log_p_with_the_number_of_samples(known):
    """Averaged over the examples, with gaps of many standard errors."""
    few, some, many = (estimate(known, known.wrong, num).estimate.mean() for num in (1, 10, 1_000))
    assert few < some - 0.05 < many - 0.1
    assert abs(many - known.log_prob.mean()) < 0.02


@pytest.mark.parametrize(
    ("num_samples", "num_at_once"),
    [(3, 2_000), (10, 4), (10, 5), (10, 10), (10, 1)],
    ids=["fewer than a chunk", "a rest", "no rest", "one chunk", "one at a time"],
)
def test_exactly_k_samples_are_used_however_they_are_cut(known, num_samples, num_at_once):
    """pythae takes `batch_size` samples where fewer are asked for.

    Every weight of the exact posterior is the same, so the sum of K of them gives the number away: its logarithm is
    log K above one, and the effective sample size is K itself.
    """
    result = estimate(known, known.exact, num_samples, num_at_once=num_at_once)
    np.testing.assert_allclose(result.estimate, known.log_prob, rtol=1e-4)
    np.testing.assert_allclose(result.effective_sample_size, num_samples, rtol=1e-4)


def test_every_sample_has_noise_of_its_own():
    """p(x|z) is so narrow that the estimate tells the best of the z, which must be that of K different ones.

    With x = z and q = p = N(0, 1), log-weights are those of N(x; z, s): a repeated chunk of samples would leave the
    effective number of different z at the size of the chunk.
    """
    vae = VAE(lambda x: Normal(jnp.zeros(1), jnp.ones(1)), lambda z: Normal(z, jnp.asarray(0.02)), standard_normal(1))
    examples = np.linspace(-0.5, 0.5, 20, dtype=np.float32)[:, None]
    num_samples = 4_000
    whole, cut = (
        importance_sampled_log_likelihood(lambda _: vae, as_stored, num_samples=num_samples, num_at_once=at_once)(
            None, examples
        )
        for at_once in (num_samples, 50)
    )
    expected = -0.5 * examples[:, 0] ** 2 / (1 + 0.02**2) - 0.5 * np.log(2 * np.pi * (1 + 0.02**2))
    for result in (whole, cut):
        errors = np.sqrt(1 / result.effective_sample_size - 1 / num_samples)
        assert (np.abs(result.estimate - expected) < 5 * errors).all()
    np.testing.assert_allclose(whole.effective_sample_size, cut.effective_sample_size, rtol=0.5)


def test_an_example_s_estimate_depends_on_its_index_and_the_seed_alone(known):
    every = estimate(known, known.wrong, 6)
    first = estimate(known, known.wrong, 6, examples=known.examples[:11])
    np.testing.assert_allclose(first.estimate, every.estimate[:11], rtol=1e-5)
    np.testing.assert_allclose(first.effective_sample_size, every.effective_sample_size[:11], rtol=1e-4)
    other = estimate(known, known.wrong, 6, seed=1)
    assert (other.estimate != every.estimate).all()
    same = estimate(known, known.wrong, 6)
    np.testing.assert_array_equal(same.estimate, every.estimate)
    twice = estimate(known, known.wrong, 6, examples=np.stack([known.examples[0]] * 2))
    assert twice.estimate[0] != twice.estimate[1]


def test_a_transform_is_drawn_once_for_an_example_and_not_for_each_sample(known):
    """If x were drawn anew for each sample, the weights would differ."""

    def noisy(key, example):
        return example + jax.random.normal(key, example.shape)

    result = estimate(known, known.exact, 10, transform=noisy, num_at_once=4)
    np.testing.assert_allclose(result.effective_sample_size, 10, rtol=1e-3)
    assert np.abs(result.estimate - known.log_prob).max() > 0.1


def test_weights_of_any_size_do_not_overflow(known):
    far = 1_000 * known.examples
    result = estimate(known, known.wrong, 5, examples=far)
    assert np.isfinite(result.estimate).all()
    assert (result.effective_sample_size >= 1 - 1e-5).all()
    assert (result.estimate < -1e5).all()


def test_no_samples_are_refused(known):
    with pytest.raises(ValueError, match="expected num_samples of at least 1; got 0"):
        estimate(known, known.exact, 0)
