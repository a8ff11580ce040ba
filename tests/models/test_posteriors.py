"""What an encoder's output means: every family of `posteriors` x laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tables import named_long_but

from vae_jax.distributions import Normal
from vae_jax.models import gaussian, likelihoods, posteriors, variational
from vae_jax.networks import Network, mlp
from vae_jax.objectives import analytic_kl, elbo, leave_one_out, pathwise, sampled_kl
from vae_jax.vae import draw

KEY = jax.random.key(0)
X = jnp.linspace(0.0, 1.0, 6)
LATENT_SIZE = 3

# How each is made, and whether its KL to its prior has a closed form.
FAMILIES = {
    "diagonal": (posteriors.diagonal, True),
    "full covariance": (posteriors.full_covariance, True),
    "low rank": (lambda: posteriors.low_rank(2), True),
    "mixture": (lambda: posteriors.mixture(4), False),
    "von mises-fisher": (posteriors.von_mises_fisher, True),
    "bernoulli": (posteriors.bernoulli, True),
    "categorical": (lambda: posteriors.categorical(5), True),
    "concrete": (lambda: posteriors.concrete(5, 0.7, prior_temperature=0.5), False),
    "binary concrete": (lambda: posteriors.binary_concrete(0.7), False),
    "straight-through": (lambda: posteriors.straight_through(5, 0.7), True),
    "binary straight-through": (lambda: posteriors.binary_straight_through(0.7), True),
    "logistic-normal": (posteriors.logistic_normal, True),
}
families = pytest.mark.parametrize(("make", "has_kl"), FAMILIES.values(), ids=FAMILIES.keys())


def model_of(posterior):
    code = posterior.code(posterior.prior(LATENT_SIZE).mean())
    encoder = mlp((6,), (posterior.size(LATENT_SIZE),), ())
    return variational(
        encoder,
        mlp(code.shape, (6,), (), activation="tanh"),
        likelihoods.gaussian(),
        latent_size=LATENT_SIZE,
        posterior=posterior,
    )


@pytest.mark.parametrize(
    ("make", "has_kl"), named_long_but(FAMILIES, "low rank", "mixture", "von mises-fisher", "categorical", "concrete")
)
def test_it_trains_with_the_prior_that_goes_with_it(make, has_kl):
    """The ELBO and its gradient are finite, and every number of the encoder matters; without reparametrisation, by
    an estimator that needs none.
    """
    posterior = make()
    model = model_of(posterior)

    params = model.init(KEY)
    is_reparametrised = getattr(model.bind(params).posterior(X), "is_reparametrised", True)
    estimator = pathwise if is_reparametrised else leave_one_out

    def value(params, kl):
        vae = model.bind(params)
        return elbo(KEY, vae, X, kl=kl, num_samples=2, estimator=estimator)[0], draw(KEY, vae, X)

    kl = analytic_kl if has_kl else sampled_kl
    (bound, drawn), gradient = jax.jit(jax.value_and_grad(value, has_aux=True), static_argnums=1)(params, kl)
    assert np.isfinite(bound)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert drawn.z.shape == drawn.prior.mean().shape
    assert drawn.posterior.mean().shape == drawn.prior.mean().shape
    per_output = np.abs(gradient["encoder"]["Dense_0"]["bias"])
    assert (per_output > 0).all()
    if not has_kl:
        with pytest.raises(TypeError, match="closed form"):
            value(params, analytic_kl)


@families
def test_an_encoder_of_another_size_is_refused(make, has_kl):
    """One number too many, or the outputs for one more latent."""
    posterior = make()
    for num in (posterior.size(LATENT_SIZE) + 1, posterior.size(LATENT_SIZE + 1)):
        network = Network(lambda key: (), lambda params, x, num=num: jnp.zeros(num))
        model = variational(network, network, likelihoods.gaussian(), latent_size=LATENT_SIZE, posterior=posterior)
        with pytest.raises(ValueError, match=r"expected an encoder"):
            jax.eval_shape(lambda: model.bind(model.init(KEY)).posterior(X).mean())  # noqa: B023


def test_an_output_of_another_size_is_refused_in_words():
    message = (
        "expected an encoder's output of 14 numbers, for a latent size of 4; got 13; "
        r"give the encoder an output of posterior.size\(latent_size\)"
    )
    with pytest.raises(ValueError, match=message):
        posteriors.full_covariance().bind(jnp.zeros(13))


@pytest.mark.parametrize("posterior", [posteriors.full_covariance(), posteriors.low_rank(2), posteriors.mixture(3)])
def test_an_output_of_zeros_is_a_standard_normal(posterior):
    """So that a network that starts near zero starts there."""
    q = posterior.bind(jnp.zeros(posterior.size(LATENT_SIZE)))
    value = jnp.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(q.log_prob(value), posterior.prior(LATENT_SIZE).log_prob(value), rtol=1e-6)


def test_the_parts_of_an_output_are_where_they_are_said_to_be():
    low_rank = posteriors.low_rank(2).bind(jnp.arange(12.0))
    np.testing.assert_array_equal(low_rank.loc, [0, 1, 2])
    np.testing.assert_allclose(low_rank.scale, np.exp([3, 4, 5]), rtol=1e-6)
    np.testing.assert_array_equal(low_rank.factor, [[6, 9], [7, 10], [8, 11]])
    mixture = posteriors.mixture(2).bind(jnp.arange(10.0))
    np.testing.assert_array_equal(mixture.logits, [0, 1])
    np.testing.assert_array_equal(mixture.components.loc, [[2, 3], [6, 7]])
    np.testing.assert_allclose(mixture.components.scale, np.exp([[4, 5], [8, 9]]), rtol=1e-6)
    direction = posteriors.von_mises_fisher().bind(jnp.array([3.0, 4.0, 0.0]))
    np.testing.assert_allclose(direction.loc, [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(direction.concentration, 1 + np.log(2), rtol=1e-6)
    of_zero = lambda output: posteriors.von_mises_fisher().bind(output).loc
    np.testing.assert_array_equal(of_zero(jnp.zeros(3)), [1, 0])
    assert np.isfinite(jax.jacobian(of_zero)(jnp.zeros(3))).all()


@pytest.mark.parametrize("make", [lambda: posteriors.concrete(5, 0.3), lambda: posteriors.straight_through(5, 0.3)])
def test_the_decoder_reads_points_on_the_simplex(make):
    posterior = make()
    seen = []
    decoder = Network(lambda key: (), lambda params, code: seen.append(code) or jnp.zeros(6))
    encoder = mlp((6,), (posterior.size(LATENT_SIZE),), ())
    model = variational(encoder, decoder, likelihoods.gaussian(), latent_size=LATENT_SIZE, posterior=posterior)
    draw(KEY, model.bind(model.init(KEY)), X)
    assert seen[-1].shape == (LATENT_SIZE, 5)
    np.testing.assert_allclose(seen[-1].sum(axis=-1), 1, rtol=1e-5)


def test_gaussian_is_the_diagonal_posterior_bit_for_bit():
    """As it was written out before: split, exponential, standard normal prior."""
    encoder, decoder = mlp((6,), (2 * LATENT_SIZE,), (4,)), mlp((LATENT_SIZE,), (6,), (4,))
    model = gaussian(encoder, decoder, likelihoods.bernoulli(), latent_size=LATENT_SIZE)
    params = model.init(KEY)
    encoder_key, decoder_key, _ = jax.random.split(KEY, 3)
    expected = {"encoder": encoder.init(encoder_key), "decoder": decoder.init(decoder_key), "likelihood": ()}
    jax.tree.map(np.testing.assert_array_equal, params, expected)
    drawn = draw(KEY, model.bind(params), X)
    loc, log_scale = jnp.split(encoder.apply(params["encoder"], X), 2)
    np.testing.assert_array_equal(drawn.z, Normal(loc, jnp.exp(log_scale)).sample(KEY))
    np.testing.assert_array_equal(drawn.likelihood.logits, decoder.apply(params["decoder"], drawn.z))
