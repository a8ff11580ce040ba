"""Whatever is indexed like an array gives what the array gives."""

import pickle

import numpy as np
import pytest

from vae_jax.data.examples import Joined, Part, chunks, in_memory, joined, num_bytes, part_of

ARRAY = np.random.default_rng(0).integers(0, 256, (23, 4, 3)).astype(np.uint8)
ROWS = np.array([3, 22, 0, 3, 7])

LAZY = {
    "a range": (Part(ARRAY, range(2, 20, 3)), ARRAY[2:20:3]),
    "rows": (Part(ARRAY, ROWS), ARRAY[ROWS]),
    "a part of a part": (Part(Part(ARRAY, range(5, 23)), np.array([1, 0, 4])), ARRAY[[6, 5, 9]]),
    "joined": (
        Joined([Part(ARRAY, range(5)), Part(ARRAY, ROWS), ARRAY[:1]]),
        np.concatenate([ARRAY[:5], ARRAY[ROWS], ARRAY[:1]]),
    ),
    "a part of joined": (
        Part(Joined([ARRAY[:3], ARRAY[9:]]), range(1, 10, 2)),
        np.concatenate([ARRAY[:3], ARRAY[9:]])[1:10:2],
    ),
}


@pytest.mark.parametrize("name", LAZY)
@pytest.mark.parametrize("rows", [slice(None), slice(1, 3), slice(0, 0), np.array([2, 0, 2])], ids=str)
def test_lazy_examples_are_indexed_like_the_array_that_they_stand_for(name, rows):
    lazy, array = LAZY[name]
    np.testing.assert_array_equal(lazy[rows], array[rows])
    assert (len(lazy), lazy.shape, lazy.dtype) == (len(array), array.shape, array.dtype)
    np.testing.assert_array_equal(in_memory(lazy), array)
    np.testing.assert_array_equal(np.concatenate(list(chunks(lazy, 2))), array)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(lazy))[rows], array[rows])


def test_what_is_in_memory_stays_an_array():
    assert isinstance(part_of(ARRAY, range(2, 4)), np.ndarray)
    assert isinstance(part_of(ARRAY, ROWS), np.ndarray)
    assert isinstance(joined([ARRAY, ARRAY]), np.ndarray)
    assert isinstance(joined([ARRAY, Part(ARRAY, ROWS)]), Joined)
    assert in_memory(ARRAY) is ARRAY


def test_the_size_is_that_of_the_array():
    assert num_bytes(Part(ARRAY, ROWS)) == ARRAY[ROWS].nbytes
