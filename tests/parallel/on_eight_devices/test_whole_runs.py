"""Runs over several devices: the same batches and noise, checkpoints that any other number goes on from, and memory."""

import jax
import numpy as np
import optax
import pytest
from eight import placement
from tables import long_but

from vae_jax.data.feed import make_feed
from vae_jax.data.stream import open_stream
from vae_jax.distributions import Normal, standard_normal
from vae_jax.objectives import elbo, over_batch
from vae_jax.training import trainer
from vae_jax.training.advance import abstract_start, advance, start
from vae_jax.training.checkpoint import Checkpoints, Record
from vae_jax.training.checksum import checksum
from vae_jax.vae import VAE, Model

WIDTH = 64
KEY = jax.random.key(2)
EXAMPLES = np.random.default_rng(0).integers(0, 255, size=(100, WIDTH), dtype=np.uint8)


def bind(params):
    return VAE(
        lambda x: Normal(params["encoder"] @ x, jax.numpy.full(WIDTH, 0.5)),
        lambda z: Normal(params["decoder"] @ z, 0.7),
        standard_normal(WIDTH),
    )


def init(key):
    return {
        name: 0.1 * jax.random.normal(jax.random.fold_in(key, i), (WIDTH, WIDTH))
        for i, name in enumerate(("encoder", "decoder"))
    }


def transform(key, example):
    return example / 255.0 + 0.1 * jax.random.normal(key, example.shape)


MODEL = Model(init, bind)
TRAINER = trainer(MODEL, over_batch(elbo), optax.adam(1e-3), average_decay=0.9)
FEED = make_feed(EXAMPLES, transform, 16, jax.random.key(7))
PLACES = {"1": placement(num_devices=1), "2": placement(num_devices=2), "8": placement(), "4 x 2": placement(2)}


def after(place, num_steps, progress=None, feed=FEED):
    progress = progress or start(TRAINER, feed, KEY, place)
    with open_stream(feed, int(progress.state.step), place.put_share) as batches:
        return advance(TRAINER, feed, place)(progress, batches, num_steps)


def assert_near(progress, expected):
    """To rounding: the order of additions is another."""
    assert int(progress.state.step) == int(expected.state.step)
    for name, array in expected.state.params.items():
        np.testing.assert_allclose(progress.state.params[name], array, atol=1e-6)
    for name, total in expected.sums.items():
        np.testing.assert_allclose(progress.sums[name], total, rtol=1e-5)


@pytest.mark.parametrize("devices", long_but(["2", "8", "4 x 2"], "4 x 2"))
def test_batches_noise_and_metrics_do_not_depend_on_the_devices(devices):
    assert_near(after(PLACES[devices], 10), after(PLACES["1"], 10))


def test_a_streamed_batch_is_shared_out():
    assert_near(after(PLACES["8"], 10, feed=FEED._replace(is_streamed=True)), after(PLACES["1"], 10))


@pytest.mark.parametrize(
    ("saved_on", "resumed_on"),
    long_but([("8", "1"), ("8", "2"), ("1", "8"), ("4 x 2", "2"), ("2", "4 x 2")], ("8", "1"), ("2", "4 x 2")),
)
def test_a_run_goes_on_over_any_number_of_devices(tmp_path, saved_on, resumed_on):
    progress = after(PLACES[saved_on], 5)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(5, progress, Record(0, 5, 0, None))
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    restored, _ = checkpoints.restore_latest(abstract_start(TRAINER, FEED, KEY, PLACES[resumed_on]))
    checkpoints.close()
    for leaf, other in zip(jax.tree.leaves(restored.state.params), jax.tree.leaves(progress.state.params), strict=True):
        np.testing.assert_array_equal(leaf, other)
    assert restored.state.params["encoder"].sharding.mesh.size == PLACES[resumed_on].mesh.size
    assert_near(after(PLACES[resumed_on], 5, restored), after(PLACES["1"], 10))


def test_the_checksum_is_of_the_numbers_and_not_of_where_they_lie():
    progress = after(PLACES["4 x 2"], 3)
    moved = jax.device_put(progress, PLACES["1"].everywhere)
    assert checksum(progress) == checksum(moved)
    array = np.asarray(moved.state.params["encoder"]).copy()
    array[3, 4] = np.nextafter(array[3, 4], 1)
    assert checksum(array) != checksum(np.asarray(moved.state.params["encoder"]))
    assert checksum(array[::-1].copy()) != checksum(array)


def test_parameters_in_parts_take_a_share_of_the_memory():
    """Each device has half of every large array of parameters, moments and average; small ones lie whole."""
    in_parts, whole = after(PLACES["4 x 2"], 3), after(PLACES["8"], 3)

    def bytes_on_a_device(progress):
        return sum(
            leaf.addressable_shards[0].data.nbytes
            for leaf in jax.tree.leaves((progress.state.params, progress.state.opt_state, progress.state.average))
        )

    assert bytes_on_a_device(in_parts) == pytest.approx(bytes_on_a_device(whole) / 2, abs=64)
    assert in_parts.state.params["encoder"].sharding.spec == jax.sharding.PartitionSpec("params")
    assert in_parts.state.step.sharding.is_fully_replicated
    assert_near(in_parts, whole)
