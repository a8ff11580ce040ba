"""Denoising, contractive and regularised autoencoders against Jacobians, numpy, and a linear optimum."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from joint_posterior import Joint

from vae_jax import models
from vae_jax.distributions import Normal, PointMass, standard_normal
from vae_jax.objectives import (
    autoencoder,
    contractive_autoencoder,
    denoising,
    elbo,
    exact_jacobian_norm,
    gaussian_noise,
    masking,
    over_batch,
    probed_jacobian_norm,
    rae,
    salt_and_pepper,
)
from vae_jax.training import trainer
from vae_jax.vae import VAE

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
ENCODER = RNG.normal(size=(2, 6)).astype(np.float32)
DECODER = RNG.normal(size=(6, 2)).astype(np.float32)
X = RNG.normal(size=6).astype(np.float32)
BENT = VAE(
    lambda x: PointMass(jnp.tanh(ENCODER @ x)),
    lambda z: Normal(jnp.sin(DECODER @ z), jnp.ones(())),
    standard_normal(2),
)


def log_likelihood(x, mean):
    return -0.5 * ((x - mean) ** 2).sum() - 0.5 * x.size * np.log(2 * np.pi)


# Corruptions


def test_gaussian_noise_has_its_scale():
    noise = np.asarray(gaussian_noise(KEY, jnp.full(40_000, 3.0), scale=0.5)) - 3
    assert abs(noise.mean()) < 4.5 * 0.5 / 200
    assert abs(noise.std() - 0.5) < 4.5 * 0.5 / np.sqrt(80_000)


def test_masking_sets_to_zero_and_salt_and_pepper_to_the_ends_with_their_probabilities():
    """Each count within 4.5 standard deviations of the binomial's; what is left is untouched."""
    x, num = jnp.full(40_000, 0.4), 40_000

    def is_near(count, probability):
        return abs(count - num * probability) < 4.5 * np.sqrt(num * probability * (1 - probability))

    masked = np.asarray(masking(KEY, x, probability=0.3))
    assert set(np.unique(masked)) == {np.float32(0), np.float32(0.4)}
    assert is_near((masked == 0).sum(), 0.3)
    seasoned = np.asarray(salt_and_pepper(KEY, x, probability=0.2, low=-1.0, high=2.0))
    assert set(np.unique(seasoned)) == {np.float32(-1), np.float32(0.4), np.float32(2)}
    assert is_near((seasoned == -1).sum(), 0.1)
    assert is_near((seasoned == 2).sum(), 0.1)


# Denoising


def test_the_encoder_sees_the_corrupted_example_and_the_likelihood_the_clean_one():
    corruption = functools.partial(masking, probability=0.5)
    value, metrics = denoising(autoencoder, corruption)(KEY, BENT, X)
    corrupted = np.asarray(corruption(jax.random.split(KEY)[0], X))
    assert 0 < (corrupted == 0).sum() < 6
    expected = log_likelihood(X, np.sin(DECODER @ np.tanh(ENCODER @ corrupted)))
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(metrics["log_likelihood"], value, rtol=1e-6)


def test_without_corruption_it_is_the_objective_itself_with_its_options(linear_gaussian, examples):
    """A joint posterior sees the corrupted example, too, and options may follow schedules."""
    vae, batch = linear_gaussian.bind(linear_gaussian.wrong()), jnp.asarray(examples, jnp.float32)
    own = VAE(lambda x: Joint(vae.posterior(x), vae.likelihood), None, vae.prior)  # pyright: ignore
    denoised = denoising(elbo, functools.partial(gaussian_noise, scale=0.0))

    @jax.jit
    def all_of_them(x):
        return (
            elbo(jax.random.split(KEY)[1], vae, x, beta=2.0),
            denoised(KEY, vae, x, beta=2.0),
            denoised(KEY, own, x, beta=2.0),
            over_batch(denoised, beta=lambda step: step)(KEY, vae, x[None], 2)[0][0],
        )

    plain, same, joint, scheduled = all_of_them(batch[0])
    np.testing.assert_allclose(same[0], plain[0], rtol=1e-6)
    np.testing.assert_allclose(joint[0], plain[0], rtol=1e-6)
    assert jnp.isfinite(scheduled)
    with pytest.raises(TypeError, match=r"options of elbo .*; got 'betta'"):
        over_batch(denoised, betta=lambda step: step)


def test_the_denoising_elbo_still_bounds(linear_gaussian, examples):
    """Its mean over 4,000 keys is more than 4.5 standard errors below log p(x), with the exact posterior of x̃."""
    vae, x = linear_gaussian.bind(linear_gaussian.exact()), jnp.asarray(examples[0], jnp.float32)
    denoised = denoising(elbo, functools.partial(gaussian_noise, scale=0.3))
    values = np.asarray(jax.jit(jax.vmap(lambda key: denoised(key, vae, x)[0]))(jax.random.split(KEY, 4_000)), float)
    assert values.mean() + 4.5 * values.std() / np.sqrt(4_000) < linear_gaussian.marginal.logpdf(examples[0])


# Jacobians


@pytest.mark.parametrize(("num_inputs", "shape"), [(3, (2, 4)), (8, (3,)), (1, (1,))])
def test_the_norm_is_that_of_the_full_jacobian(num_inputs, shape):
    """For wide and tall functions, an output of two axes, and the probes where JJᵀ or JᵀJ is a multiple of one."""
    generator = np.random.default_rng(0)
    weight = jnp.asarray(generator.normal(size=(*shape, num_inputs)), jnp.float32)
    x = jnp.asarray(generator.normal(size=num_inputs), jnp.float32)

    def bent(x):
        return jnp.sin(weight @ x)

    exact = np.square(np.asarray(jax.jacobian(bent)(x), float)).sum()
    np.testing.assert_allclose(exact_jacobian_norm(KEY, bent, x), exact, rtol=1e-5)


@pytest.mark.parametrize(("num_inputs", "num_outputs"), [(3, 8), (8, 3)])
def test_probes_are_unbiased_from_both_sides(num_inputs, num_outputs):
    """Within 4.5 standard errors of 4,000 estimates; four probes have a quarter of the variance of one, within 20 %."""
    generator = np.random.default_rng(0)
    weight = jnp.asarray(generator.normal(size=(num_outputs, num_inputs)), jnp.float32)
    x = jnp.asarray(generator.normal(size=num_inputs), jnp.float32)

    def bent(x):
        return jnp.tanh(weight @ x)

    @jax.jit
    @jax.vmap
    def estimates(key):
        return [probed_jacobian_norm(key, bent, x, num_probes=num) for num in (1, 4)]

    one, four = (np.asarray(values, float) for values in estimates(jax.random.split(KEY, 4_000)))
    exact = np.square(np.asarray(jax.jacobian(bent)(x), float)).sum()
    for values in (one, four):
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - exact) < 4.5 * error
        assert 0 < error < 0.02 * exact
    np.testing.assert_allclose(four.var(), one.var() / 4, rtol=0.2)


def test_one_probe_is_exact_for_an_orthogonal_jacobian():
    generator = np.random.default_rng(0)
    columns, _ = np.linalg.qr(generator.normal(size=(5, 2)))
    weight = jnp.asarray(columns, jnp.float32)
    np.testing.assert_allclose(
        probed_jacobian_norm(KEY, lambda z: weight @ z, jnp.ones(2), num_probes=1), 2.0, rtol=1e-5
    )
    with pytest.raises(ValueError, match="expected num_probes of at least 1; got 0"):
        probed_jacobian_norm(KEY, lambda z: weight @ z, jnp.ones(2), num_probes=0)


# Contractive and regularised


@jax.jit
def penalised(weight):
    """The three objectives with a penalty, and what is beneath."""
    return (
        contractive_autoencoder(KEY, BENT, X, weight=weight),
        rae(KEY, BENT, X, beta=0.5 * weight, gradient_weight=weight),
        rae(KEY, BENT, X, beta=weight),
    )


def test_the_penalties_are_those_of_the_full_jacobians():
    code = np.tanh(ENCODER @ X)
    plain = log_likelihood(X, np.sin(DECODER @ code))
    of_encoder = np.square((1 - code**2)[:, None] * ENCODER).sum()
    of_decoder = np.square(np.cos(DECODER @ code)[:, None] * DECODER).sum()
    contractive, with_slope, without = penalised(0.7)
    np.testing.assert_allclose(contractive[0], plain - 0.7 * of_encoder, rtol=1e-5)
    np.testing.assert_allclose(contractive[1]["encoder_jacobian"], of_encoder, rtol=1e-5)
    size = (code**2).sum()
    np.testing.assert_allclose(with_slope[0], plain - 0.35 * 0.5 * size - 0.7 * of_decoder, rtol=1e-5)
    np.testing.assert_allclose(with_slope[1]["decoder_jacobian"], of_decoder, rtol=1e-5)
    np.testing.assert_allclose(with_slope[1]["squared_code"], size, rtol=1e-5)
    np.testing.assert_allclose(without[0], plain - 0.7 * 0.5 * size, rtol=1e-5)
    assert without[1].keys() == {"log_likelihood", "squared_code"}


def test_their_weights_may_be_lanes():
    weights = jnp.array([0.0, 0.5, 2.0])
    together = [value for value, _ in jax.jit(jax.vmap(penalised))(weights)]
    alone = [[value for value, _ in penalised(weight)] for weight in weights]
    np.testing.assert_allclose(np.stack(together, axis=1), alone, rtol=1e-5)


def test_the_gradient_of_a_penalty_reaches_the_parameters():
    """Of ‖J‖² through the Jacobian itself: for a linear encoder V, 2 λ V, and nothing for the decoder."""
    params = {"encoder": jnp.asarray(ENCODER), "decoder": jnp.asarray(DECODER)}

    def value(params, weight):
        vae = VAE(lambda x: PointMass(params["encoder"] @ x), lambda z: Normal(params["decoder"] @ z, 1.0), BENT.prior)
        return contractive_autoencoder(KEY, vae, X, weight=weight)[0]

    gradient = jax.jit(jax.grad(value))
    difference = jax.tree.map(jnp.subtract, gradient(params, 0.0), gradient(params, 1.5))
    np.testing.assert_allclose(difference["encoder"], 3 * ENCODER, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(difference["decoder"], 0.0, atol=1e-4)


# The linear autoencoder with weight decay


def test_the_regularised_linear_autoencoder_finds_the_principal_directions():
    """Kunin et al. 2019: with λ(‖V‖² + ‖W‖²) the left singular vectors of the decoder are the principal directions
    themselves, with sᵢ² = 1 − λ/σᵢ²; and the encoder is its transpose. Trained to convergence in float64.
    """
    decay, variances = 0.3, np.array([4.0, 2.0, 1.0, 0.2, 0.1])
    generator = np.random.default_rng(0)
    with jax.enable_x64(True):
        basis, _ = np.linalg.qr(generator.normal(size=(5, 5)))
        data = generator.normal(size=(60, 5))
        data = np.linalg.qr(data - data.mean(axis=0))[0] * np.sqrt(60 * variances) @ basis.T
        model = models.linear_autoencoder((5,), latent_size=3)
        # −value is half of the paper's error, so λ of decay, whose potential is half of λ‖θ‖², is the paper's λ.
        ascent = trainer(
            model, over_batch(autoencoder), optax.chain(optax.add_decayed_weights(decay), optax.sgd(0.05, momentum=0.9))
        )
        state = ascent.init(KEY)
        state = state._replace(params=jax.tree.map(lambda leaf: leaf.astype(jnp.float64), state.params))
        state = state._replace(opt_state=jax.tree.map(lambda leaf: leaf.astype(jnp.float64), state.opt_state))
        batch = jnp.asarray(data)
        state, _ = jax.jit(
            lambda state: jax.lax.scan(lambda state, _: (ascent.step(state, batch)[0], None), state, length=3_000)
        )(state)
    left, singular, _ = np.linalg.svd(np.asarray(state.params["decoder"]), full_matrices=False)
    np.testing.assert_allclose(singular**2, 1 - decay / variances[:3], rtol=1e-8)
    np.testing.assert_allclose(np.abs(np.sum(left * basis[:, :3], axis=0)), 1.0, rtol=1e-8)
    np.testing.assert_allclose(state.params["encoder"], state.params["decoder"], atol=1e-8)
