"""Networks between images and grids: what is in a corner stays there, and what is no image is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.networks import conv_encoder, grid_decoder, grid_encoder

KEY = jax.random.key(0)


def test_a_corner_stays_a_corner_on_the_way_there_and_back():
    encoder, decoder = (
        grid_encoder((16, 12, 3), 5, (4, 4), "tanh"),
        grid_decoder(5, (16, 12, 3), (4, 4), "tanh", 0.7),
    )

    @jax.jit
    def changed(key):
        params = encoder.init(key), decoder.init(key)
        image, grid = jax.random.normal(key, (16, 12, 3)), jax.random.normal(key, (4, 3, 5))
        encode, decode = (lambda x: encoder.apply(params[0], x)), (lambda x: decoder.apply(params[1], x))
        there, back = encode(image), decode(grid)
        return there - encode(image.at[0, 0].add(3.0)), back - decode(grid.at[0, 0].add(3.0)), decode(0 * grid)

    there, back, at_zero = changed(KEY)
    assert there.shape == (4, 3, 5)
    assert back.shape == (16, 12, 3)
    assert np.abs(there[0, 0]).max() > 0
    assert not there[2:].any()
    assert not there[:, 2:].any()
    assert np.abs(back[:4, :4]).max() > 0
    assert not back[8:].any()
    np.testing.assert_allclose(at_zero, jnp.full((16, 12, 3), 0.7), atol=1e-6)


@pytest.mark.parametrize("make", [grid_encoder, conv_encoder])
def test_what_is_no_image_is_refused(make):
    with pytest.raises(ValueError, match=r"expected images, .* for convolutions; got shape \(8,\); use an MLP"):
        make((8,), 4, (4,))


def test_what_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match="multiples of 4, for 2 convolutions of stride 2; got 10 x 8"):
        grid_decoder(4, (10, 8), (4, 4))
