"""Which pictures a model gets."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from vae_jax.distributions import Bernoulli, Normal, PointMass, SphericalUniform, VonMisesFisher, standard_normal
from vae_jax.report import pictures
from vae_jax.report.encoded import CHUNK, in_chunks
from vae_jax.report.pictures import _pairs
from vae_jax.vae import VAE, Model


def model(latent, event=(4, 4), point_mass=False) -> Model:
    """A linear VAE of which only the last dimension of the latent depends on the example."""
    size = int(np.prod(event))

    def init(key):
        return {"decoder": jax.random.normal(key, (latent, size))}

    def bind(params):
        def posterior(x):
            loc = jnp.zeros(latent).at[-1].set(x.mean() * 4 - 2)
            return PointMass(loc) if point_mass else Normal(loc, jnp.full(latent, 0.9))

        return VAE(posterior, lambda z: Bernoulli((z @ params["decoder"]).reshape(event)), standard_normal(latent))

    return Model(init, bind)


def draw(chosen, event=(4, 4), num=70, labels=True, **options):
    rng = np.random.default_rng(0)
    examples = rng.random((num, *event)).astype(np.float32)
    params = chosen.init(jax.random.key(0))
    return pictures(jax.random.key(1), chosen, params, examples, np.arange(num) % 5 if labels else None, **options)


def test_two_latents_get_the_manifold_first_and_everything_else():
    found = draw(model(2), num_per_side=5)
    assert list(found) == ["manifold", "samples", "latent", "reconstructions", "traversals", "interpolations"]
    assert found["manifold"].size == (20 * 50, 20 * 50)
    assert found["latent"].dark_png is not None


def test_more_latents_get_no_manifold_and_the_most_active_dimensions():
    found = draw(model(12))
    assert list(found) == ["samples", "latent", "reconstructions", "traversals", "interpolations"]
    # Dimension 11 alone depends on the example, so it has the largest KL.
    assert "(from the top: 11, 0, 1" in found["traversals"].caption
    assert "Dimensions 11 and 0 of 12" in found["latent"].caption
    width, height = found["traversals"].size
    assert height / width == pytest.approx((10 * 4 + 9 * 2) / (11 * 4 + 10 * 2))


def test_a_latent_on_the_circle_is_walked_along_and_has_no_flat_manifold():
    """Whatever is decoded for a picture has length one."""
    flat, lengths = model(2), []

    def bind(params):
        def likelihood(z):
            jax.debug.callback(lambda length: lengths.append(float(length)), jnp.linalg.norm(z))
            return flat.bind(params).likelihood(z)

        def posterior(x):
            angle = 3.0 * x.mean()
            return VonMisesFisher(jnp.stack([jnp.cos(angle), jnp.sin(angle)]), jnp.asarray(5.0))

        return VAE(posterior, likelihood, SphericalUniform(2))

    found = draw(Model(flat.init, bind))
    assert list(found) == ["samples", "latent", "reconstructions", "traversals", "interpolations"]
    jax.effects_barrier()
    assert len(lengths) > 100
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-5)


def test_the_reconstructions_stand_under_their_originals():
    chosen = model(2)
    found = draw(chosen)
    image = np.asarray(Image.open(io.BytesIO(found["reconstructions"].png)).convert("RGB"))[..., 0]
    factor = image.shape[1] // (14 * 4 + 13 * 2)
    small = image[::factor, ::factor]
    examples = np.random.default_rng(0).random((70, 4, 4)).astype(np.float32)
    vae = chosen.bind(chosen.init(jax.random.key(0)))
    second = vae.likelihood(vae.posterior(jnp.asarray(examples[1])).mean()).mean()
    np.testing.assert_allclose(small[:4, 6:10], examples[1] * 255, atol=0.51)
    np.testing.assert_allclose(small[4:8, 6:10], np.asarray(second) * 255, atol=0.51)


def test_an_autoencoder_is_told_that_it_has_no_prior():
    found = draw(model(2, point_mass=True))
    assert "no KL term" in found["samples"].caption
    assert "fitted to the codes" in found["manifold"].caption
    assert "largest variance (from the top: 1, 0)" in found["traversals"].caption
    assert "dashed circle" not in found["latent"].caption


def test_other_data_than_images_get_the_codes_alone():
    assert list(draw(model(3, event=(7,)), event=(7,))) == ["latent"]
    assert draw(model(1, event=(7,)), event=(7,)) == {}


@pytest.mark.parametrize("event", [(4, 4, 1), (4, 4, 3)])
def test_images_may_have_channels_and_other_ranges_and_no_labels(event):
    found = draw(model(1, event), event, num=3, labels=False, to_unit=lambda x: (x + 1) / 2)
    assert list(found) == ["samples", "reconstructions", "traversals", "interpolations"]


def test_the_same_key_gives_the_same_bytes():
    first, second = draw(model(3)), draw(model(3))
    assert first == second


def test_walks_join_examples_of_different_classes():
    assert _pairs(6, np.array([3, 3, 1, 1, 2, 0])) == [(5, 2), (4, 0)]
    assert _pairs(4, np.zeros(4, int)) == [(0, 1), (2, 3)]
    assert _pairs(3, None) == [(0, 1)]
    assert _pairs(1, None) == []


@pytest.mark.parametrize("num", [1, CHUNK, CHUNK + 3])
def test_chunks_have_one_size_and_lose_nothing(num):
    seen = []

    def double(batch):
        seen.append(len(batch))
        return {"doubled": 2 * batch}

    inputs = np.arange(2 * num, dtype=np.float32).reshape(num, 2)
    np.testing.assert_array_equal(in_chunks(double, inputs)["doubled"], 2 * inputs)
    assert set(seen) == {CHUNK}
