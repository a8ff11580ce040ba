"""The numbers of a data set, against numpy on the whole of it."""

import numpy as np
import pytest

from vae_jax.data import Dataset, Split, load
from vae_jax.data.describe import class_counts, numbers_at_each_place, overall

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("chunk", [1, 40, 2**22])
@pytest.mark.parametrize(
    "examples",
    [
        RNG.integers(0, 256, (23, 5, 4), dtype=np.uint8),
        RNG.normal(1e6, 1e-2, (23, 3)),  # where a sum of squares less the square of the sum would be nothing
        np.zeros((1, 2)),
    ],
    ids=["images", "far from zero", "one"],
)
def test_moments_are_those_of_the_whole_however_it_is_read(monkeypatch, examples, chunk):
    monkeypatch.setattr("vae_jax.data.describe._CHUNK", chunk)
    found = numbers_at_each_place(examples)
    expected = (examples.min(axis=0), examples.max(axis=0), examples.mean(axis=0), examples.std(axis=0))
    for value, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-6, atol=1e-12)
    expected = (examples.min(), examples.max(), examples.mean(), examples.std())
    np.testing.assert_allclose(overall(found), expected, rtol=1e-6)


def test_chunks_are_small_where_examples_are_large():
    class Large:
        shape, dtype, largest = (9, 1_000, 1_000, 3), np.dtype(np.uint8), 0

        def __len__(self):
            return len(range(9))

        def __getitem__(self, rows):
            num = len(range(9)[rows])
            self.largest = max(self.largest, num)
            return np.ones((num, *self.shape[1:]), np.uint8)

    examples = Large()
    assert overall(numbers_at_each_place(examples)) == (1, 1, 1, 0)
    assert examples.largest == 1


def test_mnist_has_the_mean_that_everybody_uses(shared_data):
    """0.1307 and 0.3081, of the 60,000 training images; the file is the original, its header 16 bytes."""
    import gzip

    content = gzip.decompress((shared_data / "raw/mnist/train-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(content, np.uint8, offset=16).reshape(60_000, 28, 28)
    _, _, mean, deviation = overall(numbers_at_each_place(images))
    assert (f"{mean / 255:.4f}", f"{deviation / 255:.4f}") == ("0.1307", "0.3081")


def test_classes_are_counted_in_every_split():
    data = load("digits")
    counts = class_counts(data)
    assert list(counts) == list(range(10))
    for name, split in data.splits.items():
        assert [of_splits[name] for of_splits in counts.values()] == np.bincount(split.labels).tolist()


def test_a_class_may_be_missing_in_a_split_and_labels_too():
    examples = np.zeros((4, 2), np.uint8)
    splits = {"train": Split(examples, np.array([3, 1, 3, 3])), "test": Split(examples)}
    assert class_counts(Dataset("toy", "", splits, 1)) == {1: {"train": 1, "test": 0}, 3: {"train": 3, "test": 0}}
    factors = {"train": Split(examples, np.zeros((4, 5), int))}
    assert class_counts(Dataset("toy", "", factors, 1, factor_names=tuple("abcde"))) == {}
