"""The order of the data and the noise on it: functions of the key and two integers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.training.feed import batch_at, epoch_order, make_feed

KEY = jax.random.key(0)
EXAMPLES = np.arange(23 * 2, dtype=np.float32).reshape(23, 2)


def feed(batch_size, transform=lambda key, example: example, key=KEY):
    return make_feed(EXAMPLES, transform, batch_size, key)


def noise_alone(key, example):
    return jax.random.normal(key, ())


@pytest.mark.parametrize("epoch", [0, 1, 1000])
def test_the_order_of_an_epoch_is_a_permutation(epoch):
    assert sorted(np.asarray(epoch_order(KEY, epoch, 23))) == list(range(23))


def test_the_order_differs_by_epoch_and_key_and_is_otherwise_the_same():
    orders = [tuple(np.asarray(epoch_order(key, epoch, 23))) for key in (KEY, jax.random.key(1)) for epoch in range(3)]
    assert len(set(orders)) == 6
    assert tuple(range(23)) not in orders
    assert tuple(np.asarray(jax.jit(epoch_order, static_argnums=2)(KEY, 2, 23))) == orders[2]


@pytest.mark.parametrize("batch_size", [1, 4, 5, 23])
def test_a_batch_is_the_gather_of_its_part_of_the_order(batch_size):
    """Whatever the batch size, the batches of an epoch in a row are the same examples in the same order."""
    some = feed(batch_size)
    num_steps = 23 // batch_size
    assert some.num_steps_per_epoch == num_steps
    for epoch in (0, 2):
        order = epoch_order(KEY, epoch, 23)
        batches = [np.asarray(batch_at(some, order, epoch * num_steps + step)) for step in range(num_steps)]
        np.testing.assert_array_equal(np.concatenate(batches), EXAMPLES[np.asarray(order)[: num_steps * batch_size]])


def test_a_traced_step_gives_the_same_batch():
    some, order = feed(5, lambda key, x: x + jax.random.normal(key, x.shape)), epoch_order(KEY, 0, 23)
    traced = jax.jit(lambda step: batch_at(some, order, step))(2)
    np.testing.assert_array_equal(traced, batch_at(some, order, 2))


def test_noise_is_anew_for_each_example_step_and_epoch_and_repeats_with_them():
    some, order = feed(4, noise_alone), epoch_order(KEY, 0, 23)
    steps = range(3 * some.num_steps_per_epoch)
    noise = np.concatenate([np.asarray(batch_at(some, order, step)) for step in steps])
    assert len(np.unique(noise)) == len(noise)
    again = np.concatenate([np.asarray(batch_at(some, order, step)) for step in steps])
    np.testing.assert_array_equal(noise, again)
    other = batch_at(feed(4, noise_alone, jax.random.key(1)), order, 0)
    assert not np.isin(other, noise).any()


def test_the_order_does_not_share_its_randomness_with_the_noise():
    """The two streams come from the key by different numbers, so noise and order do not go together."""
    keys = [jax.random.fold_in(jax.random.fold_in(KEY, stream), number) for stream in (0, 1) for number in range(4)]
    assert len({tuple(np.asarray(jax.random.key_data(key)).tolist()) for key in keys}) == 8


def test_examples_stay_as_they_are_stored_until_the_transform():
    stored = np.arange(6, dtype=np.uint8).reshape(6, 1)
    some = make_feed(stored, lambda key, x: x.astype(jnp.float32) / 255, 3, KEY)
    assert some.examples.dtype == jnp.uint8
    assert batch_at(some, epoch_order(KEY, 0, 6), 0).dtype == jnp.float32


@pytest.mark.parametrize("batch_size", [0, -1, 24])
def test_a_batch_size_that_cannot_be_is_refused(batch_size):
    message = f"expected a batch size between 1 and the 23 training examples; got {batch_size}"
    with pytest.raises(ValueError, match=message):
        feed(batch_size)
