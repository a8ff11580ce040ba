"""In memory or streamed: by size and memory, or as is said."""

import jax
import numpy as np
import pytest

from vae_jax.data import place as place_module
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Part
from vae_jax.data.place import memory_budget, place

EXAMPLES = np.arange(200, dtype=np.uint8).reshape(20, 10)


def lazy():
    splits = {name: Split(Part(EXAMPLES, rows), Part(EXAMPLES[:, 0], rows)) for name, rows in ROWS.items()}
    return Dataset("toy", "Made up.", splits, max_value=255)


ROWS = {"train": range(16), "validation": range(16, 18), "test": range(18, 20)}


@pytest.mark.parametrize(("budget", "is_streamed"), [(199, True), (200, False)])
def test_what_takes_more_than_the_budget_is_streamed(monkeypatch, budget, is_streamed):
    monkeypatch.setattr(place_module, "memory_budget", lambda: budget)
    assert place(lazy()).is_streamed == is_streamed
    assert place(lazy(), "stream").is_streamed
    assert not place(lazy(), "memory").is_streamed


def test_in_memory_examples_and_labels_are_arrays_and_a_stream_s_are_left_where_they_are():
    kept, streamed = place(lazy(), "memory"), place(lazy(), "stream", num_workers=2)
    for name, rows in ROWS.items():
        np.testing.assert_array_equal(kept.split(name).examples, EXAMPLES[rows])
        np.testing.assert_array_equal(kept.split(name).labels, EXAMPLES[rows, 0])
        assert isinstance(kept.split(name).examples, np.ndarray)
        assert isinstance(streamed.split(name).examples, Part)
    assert streamed.num_workers == 2


def test_the_budget_is_a_quarter_of_the_smaller_of_host_and_device(monkeypatch):
    with_device = memory_budget()

    class Device:
        def memory_stats(self):
            return {"bytes_limit": 4_000}

    monkeypatch.setattr(jax, "local_devices", lambda: [Device()])
    assert memory_budget() == 1_000
    assert with_device > 2**28


def test_a_negative_number_of_workers_is_refused():
    with pytest.raises(ValueError, match=r"expected --data\.num-workers of at least 0; got -1; 0 reads by threads"):
        place(lazy(), "stream", num_workers=-1)
