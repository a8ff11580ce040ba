"""The autoencoder of latent diffusion equals diffusers' on random weights, and reads its files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors_file import write

from vae_jax.networks import autoencoder_kl, read_safetensors

KEY = jax.random.key(0)
SIZES = {"channels": (4, 8, 8), "num_blocks": 2, "num_groups": 2, "latent_channels": 3}


def test_it_equals_diffusers(tmp_path):
    """Encoder and decoder, to 1e-4, and name by name: with diffusers' weights, from the file that it writes."""
    torch, diffusers = pytest.importorskip("torch"), pytest.importorskip("diffusers")
    torch.manual_seed(0)
    theirs = diffusers.AutoencoderKL(
        block_out_channels=SIZES["channels"],
        layers_per_block=2,
        norm_num_groups=2,
        latent_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
    )
    for parameter in theirs.parameters():  # away from the identity of the normalisations
        parameter.data += 0.1 * torch.randn_like(parameter)
    theirs.save_pretrained(tmp_path, safe_serialization=True)
    networks = autoencoder_kl(**SIZES)
    like = {**networks.encoder.init(KEY), **networks.decoder.init(KEY)}
    params = read_safetensors(tmp_path / "diffusion_pytorch_model.safetensors", like)
    image = np.random.default_rng(0).uniform(-1, 1, (24, 16, 3)).astype(np.float32)
    z = np.random.default_rng(1).normal(size=(6, 4, 3)).astype(np.float32)

    def channels_first(array):
        return torch.from_numpy(array).permute(2, 0, 1)[None]

    with torch.no_grad():
        of_image = theirs.encode(channels_first(image)).latent_dist
        decoded = theirs.decode(channels_first(z)).sample[0].permute(1, 2, 0).numpy()
    moments = jax.jit(networks.encoder.apply)(params, image)
    loc, log_variance = jnp.split(moments, 2, axis=-1)
    np.testing.assert_allclose(loc, of_image.mean[0].permute(1, 2, 0).numpy(), atol=1e-4)
    np.testing.assert_allclose(np.exp(0.5 * log_variance), of_image.std[0].permute(1, 2, 0).numpy(), atol=1e-4)
    np.testing.assert_allclose(jax.jit(networks.decoder.apply)(params, z), decoded, atol=1e-4)
    assert np.std(decoded) > 0.1


def test_stable_diffusion_s_has_as_many_parameters():
    """83,653,863: those of the file of `stabilityai/sd-vae-ft-mse`."""
    networks = autoencoder_kl()
    shapes = [jax.eval_shape(network.init, KEY) for network in networks]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 83_653_863
    assert shapes[0]["encoder.down_blocks.1.resnets.0.conv_shortcut.weight"].shape == (256, 128, 1, 1)
    assert shapes[1]["decoder.up_blocks.2.resnets.0.conv_shortcut.weight"].shape == (256, 512, 1, 1)


@pytest.mark.long
def test_every_parameter_matters():
    """A weight that no layer reads would have no gradient."""
    networks = autoencoder_kl(**SIZES)
    x = jax.random.normal(KEY, (8, 8, 3))
    for network, value in ((networks.encoder, x), (networks.decoder, x)):
        params = network.init(KEY)
        gradient = jax.jit(jax.grad(lambda p, network=network, v=value: jnp.sum(jnp.sin(network.apply(p, v)))))(params)
        for name, leaf in gradient.items():
            # The softmax of the places does not see what is added to all of them.
            assert (np.abs(leaf).max() > 1e-9) or name.endswith("to_k.bias"), name


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, jnp.bfloat16])
def test_a_file_gives_back_its_tensors(tmp_path, dtype):
    tensors = {"a.weight": np.arange(6.0).reshape(2, 3).astype(dtype), "b": np.array(0.5).astype(dtype)}
    like = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), tensors)
    read = read_safetensors(write(tmp_path / "weights.safetensors", tensors), like)
    for name, tensor in tensors.items():
        assert read[name].dtype == jnp.float32
        np.testing.assert_array_equal(read[name], tensor.astype(np.float32))


def test_a_file_of_safetensors_itself_is_read(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, np.float16)}
    numpy.save_file(tensors, str(tmp_path / "weights.safetensors"), metadata={"format": "np"})
    read = read_safetensors(tmp_path / "weights.safetensors", {k: jnp.zeros(v.shape) for k, v in tensors.items()})
    np.testing.assert_array_equal(read["a"], tensors["a"])


LIKE = {"a": jnp.zeros((2, 3)), "b": jnp.zeros(2)}
REFUSED = {
    "missing": ({"a": np.zeros((2, 3))}, "expected a tensor 'b' in .*; got none; build the network"),
    "extra": (
        {"a": np.zeros((2, 3)), "b": np.zeros(2), "c": np.zeros(1), "d": np.zeros(1)},
        r"expected no tensor but the parameters in .*; got 'c' \(and 1 more\); build the network",
    ),
    "shape": (
        {"a": np.zeros((3, 2)), "b": np.zeros(2)},
        r"expected shape \(2, 3\) of 'a' in .*; got \(3, 2\); build the network",
    ),
    "type": ({"a": np.zeros((2, 3)), "b": np.zeros(2, np.int64)}, "expected real numbers .* in 'b' of .*; got I64"),
}


@pytest.mark.parametrize(("tensors", "message"), REFUSED.values(), ids=REFUSED)
def test_files_that_do_not_fit_are_refused(tmp_path, tensors, message):
    path = write(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(ValueError, match=message):
        read_safetensors(path, LIKE)


def test_what_is_no_whole_file_is_refused(tmp_path):
    path = write(tmp_path / "weights.safetensors", {"a": np.zeros((2, 3)), "b": np.zeros(2)})
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    with pytest.raises(ValueError, match=r"expected a whole file; got .* in which 'b' is cut off; copy it again"):
        read_safetensors(path, LIKE)
    for words in (b"PK\x03\x04 a zip archive of another library", b"", whole[:40]):
        path.write_bytes(words)
        with pytest.raises(ValueError, match=r"expected a .safetensors file; got .* does not begin with a header"):
            read_safetensors(path, LIKE)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"expected channels that are multiples of the 32 groups; got \(48,\)"):
        autoencoder_kl(channels=(48,))
    encoder = autoencoder_kl(**SIZES).encoder
    for shape in ((10, 8, 3), (8, 8, 1), (8, 8)):
        with pytest.raises(ValueError, match=r"expected an image of \(height, width, 3\), .* multiples of 4; got"):
            jax.eval_shape(lambda shape=shape: encoder.apply(encoder.init(KEY), jnp.zeros(shape)))
