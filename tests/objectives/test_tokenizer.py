"""The tokenizer's objective written out by hand on linear networks, and its two players, which both move."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.distributions import Normal
from vae_jax.models import bottlenecks, gaussian, likelihoods, quantised, with_last_layer
from vae_jax.networks import mlp
from vae_jax.objectives import elbo, over_batch, patch_discriminator, quantised_autoencoder, tokenizer
from vae_jax.training import adversarial_trainer
from vae_jax.untrained import values_of
from vae_jax.vae import VAE, Conditional, Model

KEY = jax.random.key(0)
SHAPE, SCALE = (4, 4), 0.5
RNG = np.random.default_rng(0)
BATCH = jnp.asarray(RNG.normal(size=(6, *SHAPE)), jnp.float32)
PARAMS = {"mean": jnp.asarray(0.3 * RNG.normal(size=(2, 16))), "weight": jnp.asarray(RNG.normal(size=(16, 2)))}
PARAMS = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), PARAMS)
EYES = jnp.asarray(RNG.normal(size=(4, 4)), jnp.float32)
PAST = 5


def bind(params):
    """Certain to a millionth, so that z is known."""
    return VAE(
        lambda x: Normal(params["mean"] @ x.reshape(-1), jnp.full(2, 1e-6)),
        lambda z: Normal((params["weight"] @ z).reshape(SHAPE), jnp.asarray(SCALE)),
        Normal(jnp.zeros(2), jnp.ones(2)),
    )


LINEAR = Model(lambda key: PARAMS, bind)
SHOWN = with_last_layer(LINEAR, "weight")


def discriminator(image):
    """Logits of four patches, the rows."""
    return jnp.tanh(image @ EYES).sum(axis=1)


def features(image):
    return [image[1:] - image[:-1], jnp.square(image)]


OBJECTIVE = partial(
    tokenizer,
    features=features,
    feature_weight=0.3,
    adversarial_weight=0.7,
    start_step=PAST,
    objective=over_batch(partial(elbo, beta=0.2)),
)


def by_hand(weight, params, x):
    """r and s̄ of one example."""
    image = (weight @ (params["mean"] @ x.reshape(-1))).reshape(SHAPE)
    log_likelihood = -jnp.sum((x - image) ** 2) / (2 * SCALE**2) - 8 * jnp.log(2 * jnp.pi * SCALE**2)
    rows = jnp.sum((x[1:] - x[:-1] - image[1:] + image[:-1]) ** 2)
    distance = rows + jnp.sum((x**2 - image**2) ** 2)
    return log_likelihood, distance, -jnp.log1p(jnp.exp(-discriminator(image))).mean()


def test_the_value_is_that_written_out_by_hand():

    def slope(of):
        mean = lambda weight: jax.vmap(lambda x: of(by_hand(weight, PARAMS, x)))(BATCH).mean()
        return jax.grad(mean)(PARAMS["weight"])

    @jax.jit
    def both():
        terms = jax.vmap(partial(by_hand, PARAMS["weight"], PARAMS))(BATCH)
        slopes = [slope(lambda terms: terms[0] - 0.3 * terms[1]), slope(lambda terms: terms[2])]
        return OBJECTIVE(KEY, SHOWN.bind(PARAMS), discriminator, BATCH, PAST), terms, slopes

    (values, metrics), (log_likelihood, distance, passes), (of_pixels, of_patches) = both()
    ratio = np.linalg.norm(of_pixels) / np.linalg.norm(of_patches)
    np.testing.assert_allclose(metrics["adaptive_weight"], ratio, rtol=1e-3)
    np.testing.assert_allclose(metrics["feature_distance"], distance, rtol=1e-3)
    np.testing.assert_allclose(metrics["passes_for_real"], passes, rtol=1e-3)
    plain = log_likelihood - 0.2 * metrics["kl"] - 0.3 * distance
    np.testing.assert_allclose(values, plain + 0.7 * ratio * passes, rtol=1e-3)
    assert np.abs(0.7 * ratio * passes).min() > 0.1


@pytest.mark.long
def test_before_its_step_the_reward_does_not_count():

    @jax.jit
    def at(step, weight):
        return partial(OBJECTIVE, adversarial_weight=weight)(KEY, SHOWN.bind(PARAMS), discriminator, BATCH, step)

    (early, metrics), (without, _) = at(PAST - 1, 0.7), at(PAST, 0.0)
    np.testing.assert_allclose(early, without, rtol=1e-6)
    assert metrics["adaptive_weight"].min() > 0


@pytest.mark.long
def test_at_the_last_layer_the_two_gradients_are_equally_long_and_none_flows_through_their_weight():
    @jax.jit
    @jax.grad
    def of_last(weight, adversarial):
        params = PARAMS | {"weight": weight}
        options = {"adversarial_weight": adversarial, "objective": over_batch(partial(elbo, beta=0.0))}
        return partial(OBJECTIVE, **options)(KEY, SHOWN.bind(params), discriminator, BATCH, PAST)[0].mean()

    of_pixels, both = of_last(PARAMS["weight"], 0.0), of_last(PARAMS["weight"], 1.0)
    reward = both - of_pixels
    np.testing.assert_allclose(np.linalg.norm(reward), np.linalg.norm(of_pixels), rtol=1e-3)
    passes = jax.grad(lambda w: jax.vmap(lambda x: by_hand(w, PARAMS, x)[2])(BATCH).mean())(PARAMS["weight"])
    cosine = np.vdot(reward, passes) / np.linalg.norm(reward) / np.linalg.norm(passes)
    np.testing.assert_allclose(cosine, 1.0, rtol=1e-4)


@pytest.mark.long
def test_on_shares_the_weight_is_that_of_the_whole_batch():
    of = lambda batch, axis: OBJECTIVE(KEY, SHOWN.bind(PARAMS), discriminator, batch, PAST, axis_name=axis)

    @jax.jit
    def both(batch):
        of_shares = jax.vmap(lambda share: of(share, "data"), axis_name="data")(batch.reshape(2, 3, *SHAPE))
        return of(batch, None), of_shares, of(batch[:3], None)

    (whole, metrics), (values, of_shares), (alone, _) = both(BATCH)
    np.testing.assert_allclose(values.reshape(-1), whole, rtol=1e-4)
    np.testing.assert_allclose(of_shares["adaptive_weight"].reshape(-1), metrics["adaptive_weight"], rtol=1e-4)
    assert np.abs(alone - whole[:3]).max() > 1e-2


def test_the_discriminator_sees_images_and_what_is_decoded():
    values, metrics = jax.jit(lambda: patch_discriminator(KEY, SHOWN.bind(PARAMS), discriminator, BATCH, 0))()
    images = jnp.einsum("ij,jk,nk->ni", PARAMS["weight"], PARAMS["mean"], BATCH.reshape(6, -1)).reshape(BATCH.shape)
    real, made = jax.vmap(discriminator)(BATCH), jax.vmap(discriminator)(images)
    expected = 0.5 * (jax.nn.log_sigmoid(real) + jax.nn.log_sigmoid(-made)).mean(axis=1)
    np.testing.assert_allclose(values, expected, rtol=1e-3)
    np.testing.assert_allclose(metrics["accuracy"], 0.5 * ((real > 0).mean(axis=1) + (made < 0).mean(axis=1)))


OPPONENT = mlp((8, 8), (2, 2), (16,), "relu")  # of four patches


def players(model, **options):
    return adversarial_trainer(
        model,
        partial(tokenizer, **options),
        optax.adam(1e-2),
        discriminator=OPPONENT,
        discriminator_objective=patch_discriminator,
        discriminator_optimizer=optax.adam(1e-2),
    )


def test_both_players_move_and_learn():
    """Noise cannot be reconstructed by two numbers, so the discriminator learns to tell."""
    plain = gaussian(mlp((8, 8), (4,), ()), mlp((2,), (8, 8), ()), likelihoods.gaussian(0.5), latent_size=2)
    model = with_last_layer(plain, "decoder", "Dense_0", "kernel")
    batch = jnp.asarray(np.random.default_rng(1).normal(size=(32, 8, 8)), jnp.float32)
    two, metrics = players(model), {}
    start = state = two.init(KEY)
    step = jax.jit(two.step)
    for _ in range(60):
        state, metrics = step(state, batch)
    for before, after in ((start.params, state.params), (start.opt_state.discriminator, state.opt_state.discriminator)):
        for leaf, other in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
            assert np.abs(leaf - other).max() > 1e-3
    assert metrics["discriminator_accuracy"] > 0.6
    assert metrics["discriminator_value"] > -np.log(2) + 0.02


@pytest.mark.long
def test_a_codebook_follows_what_the_objective_shows():
    bottleneck = bottlenecks.vq(8, 3)
    plain = quantised(
        mlp((8, 8), (4, 3), ()), mlp((4, 3), (8, 8), ()), likelihoods.gaussian(0.5), bottleneck=bottleneck, places=(4,)
    )
    model = with_last_layer(plain, "decoder", "Dense_0", "kernel")
    two = players(model, objective=quantised_autoencoder)
    state = two.init(KEY)
    batch = jnp.asarray(np.random.default_rng(1).normal(size=(16, 8, 8)), jnp.float32)
    moved, metrics = jax.jit(two.step)(state, batch)
    assert {"code_usage", "adaptive_weight", "passes_for_real", "discriminator_accuracy"} <= metrics.keys()
    codebooks = [values_of(some.params)["bottleneck"] for some in (state, moved)]
    assert (
        np.abs(np.subtract(*[np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(c)]) for c in codebooks])).max()
        > 0.01
    )


def test_what_shows_no_last_layer_is_refused():
    with pytest.raises(TypeError, match=r"shows the last layer of its decoder.*; use models.with_last_layer"):
        tokenizer(KEY, bind(PARAMS), discriminator, BATCH, 0)
    with pytest.raises(ValueError, match=r"expected a path to a weight of the parameters; got \('decoder', 'kernel'\)"):
        with_last_layer(LINEAR, "decoder", "kernel").bind(PARAMS)
    told = Model(lambda key: PARAMS, lambda params: Conditional(lambda c: bind(params)))
    with pytest.raises(TypeError, match="expected a VAE; got a Conditional, which has a decoder for each condition"):
        with_last_layer(told, "weight").bind(PARAMS)
