"""How a pass through the model is made: own draws, how many, and what they cost."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from joint_posterior import Joint

from vae_jax.distributions import Bernoulli, Normal, standard_normal
from vae_jax.objectives import (
    autoencoder,
    ciwae,
    doubly_reparametrised,
    elbo,
    iwae,
    over_draws,
    renyi,
    sampled_kl,
    sticking_the_landing,
    vr_max,
)
from vae_jax.vae import VAE, Draw, draw

OBJECTIVES = {
    "elbo": elbo,
    "sampled elbo": functools.partial(elbo, kl=sampled_kl),
    "stl": functools.partial(elbo, kl=sampled_kl, estimator=sticking_the_landing),
    "iwae": iwae,
    "ciwae": functools.partial(ciwae, beta=0.5),
    "renyi": functools.partial(renyi, alpha=0.5),
    "vr_max": vr_max,
    "ae": autoencoder,
}
objectives = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())


@objectives
@pytest.mark.parametrize("num_samples", [0, -1])
def test_no_samples_are_refused(linear_gaussian, examples, objective, num_samples):
    vae = linear_gaussian.bind(linear_gaussian.exact())
    with pytest.raises(ValueError, match=f"expected num_samples of at least 1; got {num_samples}"):
        objective(jax.random.key(0), vae, jnp.asarray(examples[0]), num_samples=num_samples)


@objectives
def test_a_joint_posterior_is_asked_for_all_three(linear_gaussian, examples, objective):
    """A joint pass gives the value of the three distributions; the likelihood is then not called apart."""
    vae, x = linear_gaussian.bind(linear_gaussian.wrong()), jnp.asarray(examples[0], jnp.float32)
    calls = []

    class Counting(Joint):
        def draw_at(self, z, vae):
            calls.append(1)
            return super().draw_at(z, vae)

    def refuse(_):
        raise AssertionError("the objective went around the posterior's own draw")

    own = VAE(posterior=lambda x: Counting(vae.posterior(x), vae.likelihood), likelihood=refuse, prior=vae.prior)
    key = jax.random.key(1)
    without, with_own = jax.jit(lambda x: [objective(key, some, x, num_samples=3) for some in (vae, own)])(x)
    assert calls
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), without, with_own)


def test_the_draw_is_what_it_says(linear_gaussian, examples):
    vae, x = linear_gaussian.bind(linear_gaussian.wrong()), jnp.asarray(examples[0], jnp.float32)
    one = draw(jax.random.key(2), vae, x)
    assert isinstance(one, Draw)
    np.testing.assert_array_equal(one.posterior.loc, vae.posterior(x).loc)
    np.testing.assert_array_equal(one.likelihood.loc, vae.likelihood(one.z).loc)
    np.testing.assert_allclose(one.log_posterior, one.posterior.log_prob(one.z), rtol=1e-6)
    assert one.prior is vae.prior


def test_draws_are_independent(linear_gaussian, examples):
    """All different, and the next key gives others."""
    vae, x = linear_gaussian.bind(linear_gaussian.wrong()), jnp.asarray(examples[0], jnp.float32)
    z_of = jax.jit(lambda key: over_draws(key, vae, x, 50, lambda one: one.z))
    z = np.concatenate([z_of(jax.random.key(seed)) for seed in (0, 1)])
    assert z.shape == (100, 2)
    assert len(np.unique(z)) == 200


# What many samples cost

DATA_SIZE, HIDDEN_SIZE, LATENT_SIZE = 12, 7, 3


def count_flops(function, *arguments) -> int:
    """Multiplications in all matrix products of a traced function."""

    def of_jaxpr(jaxpr) -> int:
        total = 0
        for equation in jaxpr.eqns:
            if equation.primitive.name == "dot_general":
                contracted = [
                    equation.invars[0].aval.shape[axis] for axis in equation.params["dimension_numbers"][0][0]
                ]
                total += int(np.prod(equation.outvars[0].aval.shape)) * int(np.prod(contracted))
            for parameter in equation.params.values():
                inner = getattr(parameter, "jaxpr", parameter)
                total += of_jaxpr(inner) if hasattr(inner, "eqns") else 0
        return total

    return of_jaxpr(jax.make_jaxpr(function)(*arguments).jaxpr)


def a_vae(params: dict[str, jax.Array]) -> VAE:
    def posterior(x):
        hidden = jnp.tanh(params["hidden"] @ x)
        return Normal(params["loc"] @ hidden, jnp.full(LATENT_SIZE, 0.5))

    return VAE(posterior, lambda z: Bernoulli(params["decoder"] @ z), standard_normal(LATENT_SIZE))


PARAMS = {
    "hidden": jnp.ones((HIDDEN_SIZE, DATA_SIZE)),
    "loc": jnp.ones((LATENT_SIZE, HIDDEN_SIZE)),
    "decoder": jnp.ones((DATA_SIZE, LATENT_SIZE)),
}
ENCODER_FLOPS = HIDDEN_SIZE * DATA_SIZE + LATENT_SIZE * HIDDEN_SIZE
DECODER_FLOPS = DATA_SIZE * LATENT_SIZE


@objectives
def test_the_encoder_is_evaluated_once_for_many_samples(objective):
    """Exactly one encoder and L decoders; with its gradient, no L-fold encoder either."""

    def value(params, x):
        return objective(jax.random.key(0), a_vae(params), x, num_samples=64)[0]

    def value_of_one(params, x):
        return objective(jax.random.key(0), a_vae(params), x, num_samples=1)[0]

    x = jnp.ones(DATA_SIZE)
    assert count_flops(value, PARAMS, x) == ENCODER_FLOPS + 64 * DECODER_FLOPS
    extra = count_flops(jax.grad(value), PARAMS, x) - count_flops(jax.grad(value_of_one), PARAMS, x)
    assert extra == 63 * 3 * DECODER_FLOPS


def test_the_doubly_reparametrised_gradient_runs_the_decoder_once():
    """And differentiates it once in z and once in its weights: of a linear decoder, the cost of `pathwise`.

    What is left are dot products with z, which the decoder's output need not grow with.
    """

    def flops(num_samples):
        def value(params, x):
            return iwae(jax.random.key(0), a_vae(params), x, num_samples=num_samples, estimator=doubly_reparametrised)[
                0
            ]

        return count_flops(jax.grad(value), PARAMS, jnp.ones(DATA_SIZE))

    extra = flops(64) - flops(1)
    assert 0 <= extra - 63 * 3 * DECODER_FLOPS <= 63 * 2 * LATENT_SIZE


def test_the_count_sees_an_encoder_evaluated_for_every_sample():
    """What the test above would catch: samples as copies of x."""

    def value(params, x):
        keys, copies = jax.random.split(jax.random.key(0), 64), jnp.tile(x, (64, 1))
        return jax.vmap(lambda key, x: elbo(key, a_vae(params), x)[0])(keys, copies).mean()

    assert count_flops(value, PARAMS, jnp.ones(DATA_SIZE)) == 64 * (ENCODER_FLOPS + DECODER_FLOPS)
