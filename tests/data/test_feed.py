"""Which examples a step sees and the noise on them: functions of the key and the step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.data.feed import make_feed, rows_of_step, seen_batch, stored_batch

KEY = jax.random.key(0)
EXAMPLES = np.arange(23 * 2, dtype=np.float32).reshape(23, 2)


def feed(batch_size, transform=lambda key, example: example, key=KEY):
    return make_feed(EXAMPLES, transform, batch_size, key)


def noise_alone(key, example):
    return jax.random.normal(key, ())


def batch(some, step):
    return np.asarray(seen_batch(some, stored_batch(some, step), step))


def rows(some, step, positions=None):
    positions = np.arange(some.batch_size) if positions is None else positions
    return rows_of_step(np.asarray(some.order_key), step, len(some.examples), some.batch_size, positions)


@pytest.mark.parametrize("batch_size", [1, 4, 5, 23])
def test_an_epoch_shows_no_example_twice_and_leaves_out_other_ones_each_time(batch_size):
    some = feed(batch_size)
    num_steps = some.num_steps_per_epoch
    assert num_steps == 23 // batch_size
    left_out = set()
    for epoch in range(30):
        seen = np.concatenate([rows(some, epoch * num_steps + step) for step in range(num_steps)])
        assert len(set(seen.tolist())) == num_steps * batch_size
        left_out |= set(range(23)) - set(seen.tolist())
    assert left_out == (set(range(23)) if 23 % batch_size else set())


def test_whatever_the_batch_size_an_epoch_has_one_order():
    orders = [
        np.concatenate([rows(feed(size), (23 // size) * 2 + step) for step in range(23 // size)])[:20]
        for size in (1, 4, 5)
    ]
    np.testing.assert_array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders[0], orders[2])


def test_the_order_differs_by_epoch_and_key():
    orders = [tuple(rows(feed(23, key=key), epoch)) for key in (KEY, jax.random.key(1)) for epoch in range(3)]
    assert len(set(orders)) == 6
    assert tuple(range(23)) not in orders


@pytest.mark.parametrize("step", [0, 3, 4, 1_000])
def test_a_batch_is_the_gather_of_its_rows_on_the_host_and_on_the_device(step):
    some = feed(5)
    np.testing.assert_array_equal(batch(some, step), EXAMPLES[rows(some, step)])
    np.testing.assert_array_equal(jax.jit(lambda step: stored_batch(some, step))(step), EXAMPLES[rows(some, step)])


def test_a_traced_step_gives_the_same_noise():
    some = feed(5, lambda key, x: x + jax.random.randint(key, x.shape, 0, 100))
    traced = jax.jit(lambda step: seen_batch(some, stored_batch(some, step), step))(2)
    np.testing.assert_array_equal(traced, batch(some, 2))


def test_noise_is_anew_for_each_example_step_and_epoch_and_repeats_with_them():
    some = feed(4, noise_alone)
    steps = range(3 * some.num_steps_per_epoch)
    noise = np.concatenate([batch(some, step) for step in steps])
    assert len(np.unique(noise)) == len(noise)
    np.testing.assert_array_equal(noise, np.concatenate([batch(some, step) for step in steps]))
    assert not np.isin(batch(feed(4, noise_alone, jax.random.key(1)), 0), noise).any()


def test_the_order_does_not_share_its_randomness_with_the_noise():
    """The two streams come from the key by different numbers, so noise and order do not go together."""
    some = feed(4)
    keys = [jax.random.key_data(jax.random.fold_in(jax.random.fold_in(KEY, 1), step)) for step in range(4)]
    words = {tuple(np.asarray(key).tolist()) for key in [some.order_key, jax.random.key_data(KEY), *keys]}
    assert len(words) == 6


def test_examples_stay_as_they_are_stored_until_the_transform():
    stored = np.arange(6, dtype=np.uint8).reshape(6, 1)
    some = make_feed(stored, lambda key, x: x.astype(jnp.float32) / 255, 3, KEY)
    assert some.examples.dtype == stored_batch(some, 0).dtype == jnp.uint8
    assert batch(some, 0).dtype == jnp.float32


@pytest.mark.parametrize("batch_size", [0, -1, 24])
def test_a_batch_size_that_cannot_be_is_refused(batch_size):
    message = f"expected a batch size between 1 and the 23 training examples; got {batch_size}"
    with pytest.raises(ValueError, match=message):
        feed(batch_size)
