"""Examples of the same class from several data sets, and which of them are present."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare

from vae_jax.data import Dataset, Split, all_present, paired, some_present
from vae_jax.data.values import UnknownMaximum


def dataset(name, labels, *, max_value=255, offset=0):
    """Rows that say their own number and label."""
    labels = np.asarray(labels)
    rows = np.stack([np.arange(len(labels)) + offset, labels], axis=1).astype(np.uint8)
    splits = {split: Split(rows, labels) for split in ("train", "test")}
    return Dataset(name, f"{name}.", splits, max_value, label_names=("no", "yes", "maybe"))


FIRST = dataset("first", [0, 1, 2, 0, 1, 1, 0, 1])
SECOND = dataset("second", [1, 0, 1, 1, 0], offset=100)


def test_parts_are_of_one_class_and_all_examples_of_the_first_set_are_used():
    pairs = paired({"a": FIRST, "b": SECOND}, seed=0)
    for split in pairs.splits.values():
        rows = split.examples[np.arange(len(split.examples))]
        np.testing.assert_array_equal(rows["a"][:, 1], rows["b"][:, 1])
        np.testing.assert_array_equal(rows["a"][:, 1], split.labels)
        np.testing.assert_array_equal(rows["a"][:, 0], [0, 1, 3, 4, 5, 6, 7])  # the class 2 is not in the second
        used = np.bincount(rows["b"][:, 0], minlength=105)[100:]
        assert sorted(used[[0, 2, 3]]) == [1, 1, 2]  # four of the class 1 out of three
        assert sorted(used[[1, 4]]) == [1, 2]
    assert (pairs.max_value, pairs.label_names) == (255, ("no", "yes", "maybe"))
    assert pairs.part("b").example_shape == (2,)


def test_the_seed_decides():
    many = dataset("many", np.arange(60) % 2)
    pairs = [paired({"a": many, "b": many}, seed).train.examples[:]["b"] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(pairs[0], pairs[1])
    assert (pairs[0] != pairs[2]).any()
    assert (pairs[0][:, 0] != np.arange(60)).any()
    three = paired({"a": many, "b": many, "c": many}, 0).train.examples[:]
    assert (three["b"] != three["c"]).any()


def test_sets_of_other_largest_values_are_scaled():
    pairs = paired({"a": FIRST, "b": dataset("second", [1, 0], max_value=16)}, seed=0)
    rows = pairs.train.examples[:2]
    assert rows["a"].dtype == np.float32
    np.testing.assert_allclose(rows["b"][:, 1], rows["a"][:, 1] * 255 / 16)
    assert pairs.max_value == 1


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({}, "expected two data sets or more to pair; got a"),
        ({"b": dataset("b", [2])}, "expected a class that all data sets have in split 'train'; got none"),
        (
            {"b": Dataset("b", "b.", {"train": Split(np.zeros((2, 2)), np.arange(2))}, 1.0)},
            r"expected the splits of 'a' \(train, test\) in 'b'; got train",
        ),
        (
            {"b": Dataset("b", "b.", dict.fromkeys(("train", "test"), Split(np.zeros((2, 2)))), 1.0)},
            "expected labels of classes in 'b', by which to pair; got none",
        ),
        (
            {"b": Dataset("b", "b.", dict.fromkeys(("train", "test"), Split({"x": np.zeros(2)}, np.zeros(2))), 1.0)},
            "expected examples of one part in 'b'; got several; take one by Dataset.part",
        ),
        (
            {"b": dataset("b", [0], max_value=UnknownMaximum("b", 0.0, 1.0))},
            "expected a known largest value in 'b'; got measurements",
        ),
    ],
)
def test_sets_that_cannot_be_paired_are_refused(other, message):
    first = dataset("a", [0, 1, 1])
    with pytest.raises(ValueError, match=message):
        paired({"a": first} | other, seed=0)


def test_every_subset_that_is_not_empty_is_equally_likely():
    example = {"a": jnp.zeros(2), "b": jnp.ones(1), "c": jnp.ones(1)}
    draw = jax.jit(jax.vmap(lambda key: some_present("a", "b", "c").apply(key, example)["condition"]))
    drawn = draw(jax.random.split(jax.random.key(0), 7_000))
    numbers = sum(2**place * np.asarray(drawn[name], int) for place, name in enumerate("abc"))
    counts = np.bincount(numbers, minlength=8)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 1e-3


def test_what_is_present_is_kept_where_it_is_known():
    example, key = {"a": jnp.zeros(2), "b": jnp.ones(1)}, jax.random.key(0)
    full = all_present("a", "b")
    assert jax.tree.map(bool, full.apply(key, example)["condition"]) == {"a": True, "b": True}
    told = example | {"condition": {"a": jnp.array(False), "b": jnp.array(True)}}
    assert full.apply(key, told) is told
