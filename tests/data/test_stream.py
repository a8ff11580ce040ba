"""Streamed batches are the batches that are gathered in memory, wherever one begins and whoever reads them."""

import multiprocessing

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.data.feed import make_feed, seen_batch, stored_batch
from vae_jax.data.stream import open_stream, read_batches

EXAMPLES = np.random.default_rng(0).integers(0, 256, (37, 3, 2)).astype(np.uint8)


class Counted:
    """Examples that remember which rows were asked for, and are no array."""

    def __init__(self):
        self.shape, self.dtype, self.asked = EXAMPLES.shape, EXAMPLES.dtype, []

    def __len__(self):
        return len(EXAMPLES)

    def __getitem__(self, rows):
        self.asked.append(rows)
        return EXAMPLES[rows]


SET_BY_THE_TEST = {"value": 0}


class Telling(Counted):
    """Examples that tell what is set in the process that reads them."""

    def __getitem__(self, rows):
        return np.full((len(rows), 3, 2), SET_BY_THE_TEST["value"], np.uint8)


def feeds(batch_size=4, examples=EXAMPLES, **options):
    key = jax.random.key(5)
    in_memory = make_feed(EXAMPLES, lambda key, x: x + jax.random.uniform(key), batch_size, key)
    return in_memory, make_feed(examples, in_memory.transform, batch_size, key, is_streamed=True, **options)


def take(batches, num):
    return [np.asarray(next(batches)) for _ in range(num)]


@pytest.mark.parametrize("first_step", [0, 1, 8, 9, 12_345])
def test_the_stream_from_a_step_on_is_what_is_gathered_from_that_step_on(first_step):
    in_memory, streamed = feeds(examples=Counted())
    with open_stream(streamed, first_step) as batches:
        for step in range(first_step, first_step + 20):
            stored = next(batches)
            np.testing.assert_array_equal(stored, stored_batch(in_memory, step))
            assert isinstance(stored, jax.Array)
            np.testing.assert_array_equal(
                seen_batch(streamed, stored, step), seen_batch(in_memory, stored_batch(in_memory, step), step)
            )


def test_worker_processes_read_the_same_and_end_with_the_context():
    in_memory, streamed = feeds(num_workers=2)
    before = set(multiprocessing.active_children())
    with open_stream(streamed, 7) as batches:
        for step, stored in enumerate(take(batches, 12), start=7):
            np.testing.assert_array_equal(stored, stored_batch(in_memory, step))
    assert set(multiprocessing.active_children()) <= before


def test_workers_are_not_forked(monkeypatch):
    """A forked copy of a process with JAX's threads may hang for ever; it would also see what was set here."""
    monkeypatch.setitem(SET_BY_THE_TEST, "value", 1)
    _, streamed = feeds(examples=Telling(), num_workers=1)
    with open_stream(streamed, 0) as batches:
        assert (np.asarray(next(batches)) == 0).all()


@pytest.mark.parametrize("num_hosts", [1, 2, 4])
def test_the_shares_of_hosts_put_together_are_the_first_thousand_batches(num_hosts):
    _, streamed = feeds(batch_size=8)
    whole = read_batches(streamed, 0)
    shares = [read_batches(streamed, 0, host=host, num_hosts=num_hosts) for host in range(num_hosts)]
    for _ in range(1_000):
        np.testing.assert_array_equal(np.concatenate([next(share) for share in shares]), next(whole))
    for batches in (whole, *shares):
        batches.close()


def test_a_host_reads_its_own_share_alone():
    examples = Counted()
    _, streamed = feeds(batch_size=8, examples=examples)
    batches = read_batches(streamed, 0, host=1, num_hosts=4)
    next(batches)
    batches.close()
    assert {len(rows) for rows in examples.asked} == {2}


def test_no_more_than_a_few_batches_are_read_ahead():
    examples = Counted()
    _, streamed = feeds(examples=examples)
    with open_stream(streamed, 0) as batches:
        take(batches, 3)
        assert len(examples.asked) < 3 + 20


def test_a_batch_that_hosts_cannot_share_evenly_is_refused():
    _, streamed = feeds(batch_size=10)
    with pytest.raises(ValueError, match="expected a batch size that 4 hosts can share evenly; got 10; use 8"):
        read_batches(streamed, 0, num_hosts=4)


def test_an_error_while_reading_reaches_the_run():
    class Broken(Counted):
        def __getitem__(self, rows):
            raise ValueError("expected an image; photos/a.png is cut off")

    _, streamed = feeds(examples=Broken())
    with open_stream(streamed, 0) as batches, pytest.raises(ValueError, match=r"photos/a\.png is cut off"):
        next(batches)


def test_in_memory_there_is_no_stream():
    in_memory, _ = feeds()
    with open_stream(in_memory, 0) as batches:
        assert list(batches) == []
