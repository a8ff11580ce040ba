"""The strided convolutions against XLA's, and the two networks that are made of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from vae_jax.networks.activations import activation
from vae_jax.networks.convolution import ConvDecoder, ConvEncoder
from vae_jax.networks.strided import downsample, patches, upsample

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def lax_downsample(image, kernel):
    return lax.conv_general_dilated(
        image[None], kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "OHWI", "NHWC"), precision="highest"
    )[0]


def lax_upsample(image, kernel):
    return lax.conv_transpose(
        image[None],
        kernel.transpose(1, 2, 3, 0),
        (2, 2),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        transpose_kernel=True,
        precision="highest",
    )[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("ours", "theirs", "image_shape"),
    [(downsample, lax_downsample, (8, 6, 3)), (upsample, lax_upsample, (4, 3, 5))],
    ids=["downsample", "upsample"],
)
def test_value_and_gradients_equal_those_of_lax(ours, theirs, image_shape, dtype):
    random = np.random.default_rng(0)
    with jax.enable_x64(dtype == "float64"):
        image = jnp.asarray(random.normal(size=image_shape), dtype)
        kernel = jnp.asarray(random.normal(size=(5, 4, 4, 3)) / 8, dtype)
        weight = jnp.asarray(random.normal(size=theirs(image, kernel).shape) / 8, dtype)

        def value_and_gradients(convolution):
            def loss(image, kernel):
                output = convolution(image, kernel)
                return (weight * jnp.sin(output)).sum(), output

            gradients, output = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(image, kernel)
            return output, *gradients

        for mine, expected in zip(value_and_gradients(ours), value_and_gradients(theirs), strict=True):
            assert mine.dtype == dtype
            np.testing.assert_allclose(mine, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_upsample_is_the_transpose_of_downsample():
    random = np.random.default_rng(0)
    fine, coarse, kernel = (random.normal(size=shape) for shape in [(8, 6, 3), (4, 3, 5), (5, 4, 4, 3)])
    np.testing.assert_allclose(
        np.vdot(upsample(jnp.asarray(coarse), jnp.asarray(kernel)), fine),
        np.vdot(coarse, downsample(jnp.asarray(fine), jnp.asarray(kernel))),
        rtol=1e-4,
    )


def test_patches_are_the_neighbourhoods_in_order():
    image = np.random.default_rng(0).normal(size=(6, 8, 2)).astype(np.float32)
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    expected = [[padded[2 * i : 2 * i + 4, 2 * j : 2 * j + 4].ravel() for j in range(4)] for i in range(3)]
    np.testing.assert_array_equal(patches(jnp.asarray(image)), expected)


def test_a_batch_is_one_matrix_product():
    """A product batched over examples would be many small ones, several times slower; so would be its gradient."""

    def loss(kernels, images):
        return jax.vmap(lambda x: upsample(jnp.sin(downsample(x, kernels[0])), kernels[1]))(images).sum()

    kernels = jnp.ones((2, 5, 4, 4, 3))
    program = jax.make_jaxpr(jax.grad(loss))(kernels, jnp.ones((7, 8, 8, 3)))
    products = [equation for equation in program.eqns if equation.primitive.name == "dot_general"]
    assert len(products) >= 4
    assert all(equation.params["dimension_numbers"][1] == ((), ()) for equation in products)


TWO, FOUR = (2, 3), (2, 3, 4, 5)


@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((28, 28), TWO),
        ((28, 28, 1), TWO),
        ((32, 32, 3), TWO),
        ((32, 32, 1), FOUR),
        ((64, 64, 1), TWO),
        ((64, 64, 3), FOUR),
    ],
)
def test_shapes(shape, channels):
    encoder = ConvEncoder(6, channels, hidden_size=7)
    encoded, _ = jax.eval_shape(encoder.init_with_output, jax.random.key(0), jnp.zeros(shape))
    assert encoded.shape == (6,)
    decoder = ConvDecoder(shape, channels[::-1], hidden_size=7)
    decoded, _ = jax.eval_shape(decoder.init_with_output, jax.random.key(0), jnp.zeros(6))
    assert decoded.shape == shape


def test_an_image_without_a_channel_axis_has_one_channel():
    encoder = ConvEncoder(6, (2, 3))
    params = jax.jit(encoder.init)(jax.random.key(0), jnp.zeros((8, 8)))
    image = jax.random.normal(jax.random.key(1), (8, 8))
    np.testing.assert_array_equal(encoder.apply(params, image), encoder.apply(params, image[..., None]))


@pytest.mark.parametrize(
    ("output_shape", "bias"),
    [((8, 12), None), ((8, 12, 3), -1.5), ((8, 12), "array"), ((8, 12, 3), "array"), ((8, 12, 3, 2), "array")],
)
def test_output_bias_is_where_the_output_starts(output_shape, bias):
    """Under `jit`, too, which asks the decoder for a hash that an array has not."""
    if bias == "array":
        bias = np.random.default_rng(0).normal(size=output_shape).astype(np.float32)
    decoder = ConvDecoder(output_shape, (3, 2), output_bias=bias)
    output, params = jax.jit(decoder.init_with_output)(jax.random.key(0), jnp.zeros(4))
    expected = np.broadcast_to(np.float32(0.0 if bias is None else bias), output_shape)
    np.testing.assert_array_equal(params["params"]["output_bias"], expected)
    # A latent of zero goes to zero through every layer, as their biases start there.
    np.testing.assert_array_equal(output, expected)


@pytest.fixture(scope="module")
def autoencoder():
    """Parameters of a small encoder with a decoder behind it, and (parameters, image) -> image."""
    encoder, decoder = ConvEncoder(4, (2, 3)), ConvDecoder((8, 8, 2), (3, 2), "swish", hidden_size=5, output_bias=0.5)

    @jax.jit
    def init(key):
        return encoder.init(key, jnp.zeros((8, 8, 2))), decoder.init(key, jnp.zeros(4))

    return init(jax.random.key(0)), lambda params, image: decoder.apply(params[1], encoder.apply(params[0], image))


def test_jit_equals_eager_and_vmap_equals_a_loop(autoencoder):
    params, apply = autoencoder
    images = jax.random.normal(jax.random.key(1), (3, 8, 8, 2))
    jitted = jax.jit(apply)
    one_by_one = np.stack([jitted(params, image) for image in images])
    np.testing.assert_allclose(one_by_one[0], apply(params, images[0]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.jit(jax.vmap(apply, (None, 0)))(params, images), one_by_one, rtol=1e-5, atol=1e-6)


def test_gradients_are_finite_and_reach_every_parameter(autoencoder):
    params, apply = autoencoder
    gradient = jax.jit(jax.grad(lambda params, image: apply(params, image).mean()))
    image = jax.random.normal(jax.random.key(1), (8, 8, 2))
    for scale in (0.0, 1.0, 1e4):
        gradients = jax.tree.leaves(gradient(params, scale * image))
        assert all(jnp.isfinite(leaf).all() for leaf in gradients)
        assert scale != 1.0 or all(leaf.any() for leaf in gradients)


def test_a_decoder_of_a_size_that_does_not_halve_is_refused_when_it_is_made():
    message = r"expected .* multiples of 8, for 3 convolutions .*; got 28 x 28; pad or resize .* than \(4, 3, 2\)"
    with pytest.raises(ValueError, match=message):
        ConvDecoder((28, 28, 1), (4, 3, 2))


def test_an_encoder_of_a_size_that_does_not_halve_is_refused_by_init():
    with pytest.raises(ValueError, match=r"multiples of 4, for 2 convolutions .*; got 30 x 28; pad or resize"):
        ConvEncoder(4, (2, 3)).init(jax.random.key(0), jnp.zeros((30, 28, 1)))


@pytest.mark.parametrize("output_shape", [(784,), (128, 28, 28, 1, 1)])
def test_an_output_shape_that_is_no_image_is_refused(output_shape):
    with pytest.raises(ValueError, match=r"expected an output_shape \(H, W\), .*; got .*; give the shape of one image"):
        ConvDecoder(output_shape)


def test_no_convolutions_are_refused():
    with pytest.raises(ValueError, match=r"expected the channels of one convolution or more; got \(\); use an MLP"):
        ConvDecoder((8, 8), ())


@pytest.mark.parametrize("make", [activation, lambda name: ConvEncoder(4, activation=name)])
def test_an_unknown_activation_names_the_nearest(make):
    with pytest.raises(ValueError, match=r"expected an activation out of elu, .*; got 'rellu'; did you mean 'relu'\?"):
        make("rellu")
