"""Objectives where log p(x) is known: the linear-Gaussian VAE, with its exact posterior and with a wrong one."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.objectives import (
    autoencoder,
    doubly_reparametrised,
    elbo,
    iwae,
    leave_one_out,
    over_draws,
    pathwise,
    sampled_kl,
    sticking_the_landing,
)

KEY = jax.random.key(0)


def log_weight(x):
    return lambda draw: draw.likelihood.log_prob(x) + draw.prior.log_prob(draw.z) - draw.log_posterior


@pytest.mark.parametrize(("x64", "tolerance"), [(True, 1e-10), (False, 1e-4)])
def test_every_log_weight_is_log_p_of_x(linear_gaussian, examples, x64, tolerance):
    with jax.enable_x64(x64):
        dtype = jnp.float64 if x64 else jnp.float32
        vae = linear_gaussian.bind(linear_gaussian.exact(dtype))
        wrong = linear_gaussian.bind(linear_gaussian.wrong(dtype))

        @jax.jit
        @jax.vmap
        def log_weights(x):
            return tuple(over_draws(KEY, some, x, 20, log_weight(x)) for some in (vae, wrong))

        exact, varied = log_weights(jnp.asarray(examples, dtype))
        assert exact.dtype == dtype
        truth = linear_gaussian.marginal.logpdf(examples)[:, None]
        np.testing.assert_allclose(exact, np.broadcast_to(truth, exact.shape), rtol=tolerance)
        assert (np.std(varied, axis=1) > 0.1).all()


def test_iwae_is_the_elbo_for_every_number_of_samples(linear_gaussian, examples):
    """And both are log p(x), sample for sample: the analytic KL alone leaves the noise of log p(x|z)."""
    with jax.enable_x64(True):
        vae = linear_gaussian.bind(linear_gaussian.exact(jnp.float64))
        numbers = (1, 2, 50)

        @jax.jit
        @jax.vmap
        def bounds(x):
            sampled = partial(elbo, KEY, vae, x, num_samples=3, kl=sampled_kl)
            elbos = [sampled(estimator=estimator)[0] for estimator in (pathwise, sticking_the_landing)]
            return elbos, [iwae(KEY, vae, x, num_samples=number) for number in numbers], elbo(KEY, vae, x)[0]

        truth = linear_gaussian.marginal.logpdf(examples)
        elbos, weighted, with_analytic_kl = bounds(examples)
        for values in (*elbos, *(values for values, _ in weighted)):
            np.testing.assert_allclose(values, truth, rtol=1e-12)
        for number, (_, metrics) in zip(numbers, weighted, strict=True):
            np.testing.assert_allclose(metrics["effective_sample_size"], number, rtol=1e-10)
        assert (np.abs(with_analytic_kl - truth) > 1e-3).all()


ESTIMATORS_WITHOUT_NOISE_AT_THE_OPTIMUM = {
    "stl, elbo": partial(elbo, kl=sampled_kl, estimator=sticking_the_landing),
    "dreg, elbo": partial(elbo, kl=sampled_kl, num_samples=5, estimator=doubly_reparametrised),
    "dreg, iwae": partial(iwae, num_samples=5, estimator=doubly_reparametrised),
    "leave-one-out, elbo": partial(elbo, kl=sampled_kl, num_samples=5, estimator=leave_one_out),
    "leave-one-out, iwae": partial(iwae, num_samples=5, estimator=leave_one_out),
}


def test_some_estimators_have_no_gradient_at_the_exact_posterior(linear_gaussian, examples):
    """Zero for every noise; the plain ones leave the score, which is not."""
    with jax.enable_x64(True):
        params, x = linear_gaussian.exact(jnp.float64), examples[0]
        plain = {"elbo": partial(elbo, kl=sampled_kl), "iwae": partial(iwae, num_samples=5)}

        @jax.jit
        def gradients(params):
            return {
                name: jax.grad(lambda params, of=of: of(KEY, linear_gaussian.bind(params), x)[0])(params)
                for name, of in (ESTIMATORS_WITHOUT_NOISE_AT_THE_OPTIMUM | plain).items()
            }

        for name, gradient in gradients(params).items():
            of_encoder = np.concatenate([np.ravel(gradient[part]) for part in params if part.startswith("encoder")])
            if name in plain:
                assert np.abs(of_encoder).max() > 0.1
            else:
                np.testing.assert_allclose(of_encoder, 0.0, atol=1e-12, err_msg=name)
            assert np.abs(gradient["decoder"]).max() > 0.1


def test_bounds_are_ordered_with_a_wrong_posterior(linear_gaussian, examples):
    """E ELBO < E IWAE_5 < E IWAE_50 < log p(x), each step by more than 5 standard errors of 20,000 estimates.

    The expected ELBO is log p(x) − KL(q ‖ p(z|x)), within 4.5 standard errors.
    """
    vae = linear_gaussian.bind(linear_gaussian.wrong())
    x = examples[0]
    truth, gap = linear_gaussian.marginal.logpdf(x), linear_gaussian.posterior_gap(linear_gaussian.wrong(), x)
    num_estimates = 20_000
    keys = jax.random.split(KEY, num_estimates)

    @jax.jit
    @jax.vmap
    def estimates(key):
        event, keys = jnp.asarray(x, jnp.float32), jax.random.split(key, 3)
        return jnp.stack(
            [
                elbo(keys[0], vae, event, kl=sampled_kl)[0],
                iwae(keys[1], vae, event, num_samples=5)[0],
                iwae(keys[2], vae, event, num_samples=50)[0],
            ]
        )

    values = np.asarray(estimates(keys), float)
    means, errors = values.mean(axis=0), values.std(axis=0) / np.sqrt(num_estimates)
    assert abs(means[0] - (truth - gap)) < 4.5 * errors[0]
    steps = np.diff([*means, truth])
    step_errors = np.hypot(errors, [*errors[1:], 0.0])
    assert (steps > 5 * step_errors).all(), (means, truth, errors)
    assert 0.1 < gap < 10


def test_iwae_of_one_sample_is_the_sampled_elbo(linear_gaussian, examples):
    vae, x = linear_gaussian.bind(linear_gaussian.wrong()), jnp.asarray(examples[1], jnp.float32)
    one, other = jax.jit(lambda x: (iwae(KEY, vae, x, num_samples=1)[0], elbo(KEY, vae, x, kl=sampled_kl)[0]))(x)
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_beta_zero_is_the_autoencoder_and_beta_one_the_bound(linear_gaussian, examples):
    vae = linear_gaussian.bind(linear_gaussian.wrong())

    @jax.jit
    def all_of_them(x):
        with_beta = [elbo(KEY, vae, x, num_samples=4, **options) for options in ({}, {"beta": 0.0}, {"beta": 1.0})]
        return *with_beta, autoencoder(KEY, vae, x, num_samples=4)

    default, zero, one, reconstruction = all_of_them(jnp.asarray(examples[2], jnp.float32))
    np.testing.assert_allclose(zero[0], reconstruction[0], rtol=1e-6)
    np.testing.assert_allclose(default[0], one[0], rtol=1e-6)
    np.testing.assert_allclose(default[0], default[1]["log_likelihood"] - default[1]["kl"], rtol=1e-6)
    np.testing.assert_allclose(zero[1]["kl"], default[1]["kl"], rtol=1e-6)  # reported without its weight
    assert default[1]["kl"] > 0.1


def test_the_variance_falls_as_one_over_the_number_of_samples(linear_gaussian, examples):
    """Var ELBO_L = Var(log p(x|z))/L, known: log p(x|z) is a quadratic form in a Gaussian, (2 tr S² + 4 μᵀSμ)/4σ⁴.

    The sample variance s² of n estimates has the standard error √((m₄ − s⁴)/n): within 4.5 of them.
    """
    params, x, num_estimates = linear_gaussian.wrong(), examples[0], 20_000
    vae = linear_gaussian.bind(params)
    weight, noise_scale = linear_gaussian.weight, float(vae.likelihood(jnp.zeros(2)).scale)
    posterior = vae.posterior(jnp.asarray(x, jnp.float32))
    residual = x - linear_gaussian.offset - weight @ np.asarray(posterior.loc, float)
    spread = weight @ np.diag(np.asarray(posterior.scale, float) ** 2) @ weight.T
    exact = (2 * np.trace(spread @ spread) + 4 * residual @ spread @ residual) / (4 * noise_scale**4)
    for num_samples in (1, 4, 16):
        estimate = jax.jit(
            jax.vmap(lambda key, n=num_samples: elbo(key, vae, jnp.asarray(x, jnp.float32), num_samples=n)[0])
        )
        centred = np.asarray(estimate(jax.random.split(KEY, num_estimates)), float)
        centred -= centred.mean()
        variance = np.mean(centred**2)
        standard_error = np.sqrt((np.mean(centred**4) - variance**2) / num_estimates)
        assert abs(variance - exact / num_samples) < 4.5 * standard_error
        assert standard_error < 0.05 * variance
