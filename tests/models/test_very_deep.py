"""The very deep VAE against a pass by hand, block after block."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tables import long_but

from vae_jax.distributions import Normal, kl_divergence
from vae_jax.machine.flops import flops
from vae_jax.models import likelihoods, very_deep
from vae_jax.networks import Neighbours, image_block, linen, pixel_readout, pixelwise
from vae_jax.objectives import elbo
from vae_jax.vae import draw

KEY = jax.random.key(4)
SIDES, WIDTH, LATENT = (1, 4, 8), 8, 2
X = (np.random.default_rng(0).random((8, 8)) < 0.4).astype(np.float32)
MEAN = np.full((8, 8), 0.4, np.float32)
NAMES = dict(zip(SIDES, ("01x01", "04x04", "08x08"), strict=True))


def model_of(num_blocks, **options):
    return very_deep(
        MEAN,
        likelihoods.bernoulli(),
        resolutions=SIDES,
        num_blocks=num_blocks,
        width=WIDTH,
        latent_size=LATENT,
        **options,
    )


def params_of(model):
    """Parameters at which every network does something: those that begin as zeros, too."""
    leaves, treedef = jax.tree.flatten(jax.jit(model.init)(KEY))
    noise = np.random.default_rng(1)
    return treedef.unflatten([leaf + 0.2 * noise.normal(size=leaf.shape).astype(np.float32) for leaf in leaves])


def by_hand(num_blocks, params, key):
    """The ELBO as the paper's code computes it: a loop over blocks, every network evaluated once."""
    grid = lambda side, channels=WIDTH: (side, side, channels)
    block = functools.partial(image_block, middle_size=2)
    normal = lambda output: Normal(output[..., :LATENT], jnp.exp(output[..., LATENT : 2 * LATENT]))
    image, found = linen(Neighbours(WIDTH), (8, 8, 1)).apply(params["encoder"]["input"], (X - MEAN)[..., None]), {}
    for side, num in zip(SIDES[::-1], num_blocks[::-1], strict=True):
        factor = image.shape[0] // side
        image = image.reshape(side, factor, side, factor, WIDTH).mean(axis=(1, 3))
        for i in range(num):
            own = jax.tree.map(lambda leaf, i=i: leaf[i], params["encoder"][NAMES[side]])
            image = block(grid(side), WIDTH, is_residual=True).apply(own, image)
        found[side] = image
    keys, kl = iter(jax.random.split(key, sum(num_blocks))), 0.0
    image = jnp.zeros(grid(1))
    for side, num in zip(SIDES, num_blocks, strict=True):
        decoder = params["decoder"][NAMES[side]]
        factor = side // image.shape[0]
        image = jnp.repeat(jnp.repeat(image, factor, 0), factor, 1) + decoder["bias"]
        for i in range(num):
            own = jax.tree.map(lambda leaf, i=i: leaf[i], decoder["blocks"])
            told = block(grid(side), 2 * LATENT + WIDTH).apply(own["prior"], image)
            both = jnp.concatenate([image, found[side]], axis=-1)
            posterior = normal(block(grid(side, 2 * WIDTH), 2 * LATENT).apply(own["posterior"], both))
            prior, image = normal(told), image + told[..., 2 * LATENT :]
            kl += kl_divergence(posterior, prior)
            image = image + pixelwise(grid(side, LATENT), WIDTH).apply(own["latent"], posterior.sample(next(keys)))
            image = block(grid(side), WIDTH, is_residual=True).apply(own["residual"], image)
    logits = pixel_readout(WIDTH, (8, 8)).apply(params["output"], image)
    return likelihoods.bernoulli().bind((), logits).log_prob(X) - kl


def test_a_value_is_that_of_a_pass_by_hand():
    num_blocks = (1, 1, 1)
    model = model_of(num_blocks)
    params = params_of(model)
    value = jax.jit(lambda params: elbo(KEY, model.bind(params), X)[0])(params)
    hand = jax.jit(lambda params: by_hand(num_blocks, params, jax.random.split(KEY, 1)[0]))(params)
    np.testing.assert_allclose(value, hand, rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("rematerialise", [False, True])
def test_values_and_gradients_are_those_of_a_pass_by_hand(rematerialise):
    num_blocks = (1, 2, 2)
    model = model_of(num_blocks, rematerialise=rematerialise)
    params = params_of(model)
    ours = lambda params: elbo(KEY, model.bind(params), X)[0]
    hand = lambda params: by_hand(num_blocks, params, jax.random.split(KEY, 1)[0])
    (value, gradient), (expected, expected_gradient) = (
        jax.jit(jax.value_and_grad(function))(params) for function in (ours, hand)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for leaf, other in zip(*map(jax.tree.leaves, (gradient, expected_gradient)), strict=True):
        np.testing.assert_allclose(leaf, other, rtol=2e-3, atol=2e-4 * np.abs(other).max() + 1e-6)


def test_a_step_costs_what_a_pass_by_hand_costs():
    """Before the compiler looks: a network that is evaluated twice, or differentiated twice, would show."""
    num_blocks = (1, 1, 1)
    model = model_of(num_blocks)
    params = jax.eval_shape(model.init, KEY)
    ours = flops(jax.grad(lambda params: elbo(KEY, model.bind(params), X)[0]), params)
    hand = flops(jax.grad(lambda params: by_hand(num_blocks, params, KEY)), params)
    assert hand <= ours <= 1.05 * hand


@pytest.mark.long
def test_it_begins_as_the_mean_image_and_with_priors_of_its_own_scale():
    model = model_of((1, 1, 1))

    @jax.jit
    def begun(key):
        vae = model.bind(model.init(key))
        one = draw(key, vae, X)
        return one, vae.likelihood(jax.tree.map(jnp.zeros_like, one.z)).mean()

    one, mean = begun(KEY)
    for name in NAMES.values():
        np.testing.assert_array_equal(one.prior.parts[name].parts.loc, 0.0)
        np.testing.assert_array_equal(one.prior.parts[name].parts.scale, 1.0)
    np.testing.assert_allclose(mean, MEAN, atol=0.15)


SHAPES = {
    "28x28": ((28, 28), (1, 7, 14, 28), likelihoods.bernoulli()),
    "32x32 in colour": ((32, 32, 3), (1, 4, 8, 16, 32), likelihoods.discretised_logistic_mixture(4, rgb=True)),
    "64x64": ((64, 64), (1, 4, 16, 32, 64), likelihoods.discretised_logistic_mixture(2)),
}


@pytest.mark.parametrize("name", long_but(SHAPES, "32x32 in colour"))
def test_images_of_several_sizes_are_taken(name):
    """From shapes alone, in both formats: what comes in and goes out, and the float32 of everything that is summed."""
    shape, resolutions, likelihood = SHAPES[name]
    for precision in (None, "bfloat16"):
        model = very_deep(
            jnp.full(shape, 0.5),
            likelihood,
            resolutions=resolutions,
            num_blocks=[3] * len(resolutions),
            width=8,
            precision=precision,
        )

        def drawn(key, x, model=model):
            one = draw(key, model.bind(model.init(key)), x)
            return one, one.likelihood.mean()

        one, mean = jax.eval_shape(drawn, KEY, jnp.ones(shape))
        assert {leaf.dtype for leaf in jax.tree.leaves(one)} == {jnp.dtype("float32")}
        assert one.z[f"{resolutions[-1]}x{resolutions[-1]}"].shape == (3, *shape[:2], 16)
        assert mean.shape == shape


@pytest.mark.long
def test_in_bfloat16_the_value_is_near():
    full, low = model_of((1, 2, 2)), model_of((1, 2, 2), precision="bfloat16")
    params = params_of(full)
    value, near = (elbo(KEY, model.bind(params), X)[0] for model in (full, low))
    assert 0 < abs(value - near) < 0.02 * abs(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": np.zeros((8, 6))}, r"expected square images, .*; got \(8, 6\); pad or resize them"),
        ({"num_blocks": (1, 2)}, r"a number of blocks for each of the 3 resolutions .*; got \(1, 2\), then \(1, 2\)"),
        (
            {"resolutions": (1, 2, 4)},
            r"expected resolutions up to the images' side, 8; got \(1, 2, 4\); change the last",
        ),
        ({"resolutions": (1, 3, 8)}, "each a divisor of the next; got 3 before 8; change one"),
        ({"resolutions": (4, 4, 8)}, "each a divisor of the next; got 4 before 4; change one"),
        ({"num_blocks": (1, 0, 1)}, r"expected num_blocks of at least 1; got \(1, 0, 1\); give a larger one"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {"mean": MEAN, "resolutions": SIDES, "num_blocks": (1, 1, 1)} | change
    with pytest.raises(ValueError, match=message):
        very_deep(arguments.pop("mean"), likelihoods.bernoulli(), width=8, **arguments)
