"""Arrays with named splits."""

from dataclasses import replace

import numpy as np
import pytest

from vae_jax.data import Dataset, Split


def dataset(**splits):
    examples = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    default = {"train": Split(examples, np.arange(6)), "validation": Split(examples[:2]), "test": Split(examples[2:4])}
    return Dataset("toy", "Made up.", default | splits, max_value=20)


def test_splits_by_name():
    toy = dataset()
    assert toy.split("validation").examples.shape == (2, 2, 2)
    assert toy.train is toy.splits["train"]
    assert toy.example_shape == (2, 2)


def test_scaled_matrix_and_mean_are_of_the_training_split_between_zero_and_one():
    toy = dataset()
    examples = toy.train.examples.astype(np.float32) / 20
    assert toy.scaled().dtype == np.float32
    np.testing.assert_array_equal(toy.scaled(), examples)
    np.testing.assert_array_equal(toy.matrix(), examples.reshape(6, 4))
    np.testing.assert_array_equal(toy.matrix("test"), examples[2:4].reshape(2, 4))
    np.testing.assert_allclose(toy.mean(), examples.mean(axis=0))


def test_the_deviation_is_the_error_of_the_mean_example():
    toy = dataset()
    scaled = toy.scaled()
    assert toy.deviation() == pytest.approx(np.sqrt(((scaled - scaled.mean(axis=0)) ** 2).mean()))
    assert toy.deviation(max_examples=2) == pytest.approx(0.5)  # rows 0 and 5, each 10 of 20 from their mean


def test_the_summary_counts_every_split():
    assert dataset().summary() == {
        "name": "toy",
        "description": "Made up.",
        "example_shape": [2, 2],
        "num_examples": {"train": 6, "validation": 2, "test": 2},
    }
    assert replace(dataset(), values="zeros and ones").summary()["values"] == "zeros and ones"


def test_an_unknown_split_is_refused_with_the_nearest_name():
    with pytest.raises(
        ValueError, match=r"expected a split of toy \(train, validation, test\); got 'tset'; did you mean"
    ):
        dataset().split("tset")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (Split(np.zeros((0, 2, 2), np.uint8)), "expected examples in split 'test' of toy; got none"),
        (
            Split(np.zeros((3, 2, 3), np.uint8)),
            r"expected examples of shape \(2, 2\) and type uint8 in every split of toy; got \(2, 3\) and uint8 in 't",
        ),
        (
            Split(np.zeros((3, 2, 2))),
            r"expected examples of shape \(2, 2\) and type uint8 in every split of toy; got \(2, 2\) and float64 in",
        ),
        (
            Split(np.zeros((3, 2, 2), np.uint8), np.zeros(2)),
            "expected one label for each of the 3 examples in split 'test' of toy; got 2",
        ),
    ],
)
def test_splits_that_do_not_fit_are_refused(split, message):
    with pytest.raises(ValueError, match=message):
        dataset(test=split)
