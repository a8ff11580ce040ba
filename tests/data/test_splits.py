"""Which examples are for what: the data's own splits, the user's, and the rules where there are none."""

import numpy as np
import pytest

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Part, in_memory
from vae_jax.data.splits import arrange


def stored(lazy=False, **sizes):
    """Splits of distinct whole numbers: 0.. in the first, 1000.. in the second, and so on."""
    splits = {}
    for index, (name, size) in enumerate(sizes.items()):
        examples = 1000 * index + np.arange(size).reshape(size, 1)
        splits[name] = Split(Part(examples, range(size)) if lazy else examples, examples[:, 0] + 5)
    return Dataset("toy", "Made up.", splits, max_value=1)


def contents(dataset):
    return {name: in_memory(split.examples)[:, 0].tolist() for name, split in dataset.splits.items()}


@pytest.mark.parametrize("lazy", [False, True])
def test_of_one_split_a_tenth_each_is_drawn_by_a_fixed_key(lazy):
    """These rows never change: an old run must not be evaluated on what it was trained on."""
    arranged = arrange(stored(lazy, train=25))
    found = contents(arranged)
    assert found["validation"] == [18, 19]
    assert found["test"] == [5, 15]
    assert found["train"] == [row for row in range(25) if row not in (5, 15, 18, 19)]
    assert arranged.drawn == ("validation", "test")
    said = "; validation and test are a tenth of the examples each, drawn by a fixed key"
    assert arranged.description == f"Made up.{said}"
    np.testing.assert_array_equal(in_memory(arranged.split("test").labels), [10, 20])


@pytest.mark.parametrize("order", ["sorted", "in turns", "in tens"])
def test_every_class_is_in_every_split_whatever_the_order_of_the_rows(order):
    rows = np.arange(1_000)
    labels = {"sorted": rows // 100, "in turns": rows % 10, "in tens": rows // 10 % 10}[order]
    arranged = arrange(Dataset("toy", "Made up.", {"train": Split(rows[:, None], labels)}, max_value=1))
    counts = {name: np.bincount(split.labels, minlength=10) for name, split in arranged.splits.items()}
    assert {name: count.sum() for name, count in counts.items()} == {"train": 800, "validation": 100, "test": 100}
    assert min(counts["validation"].min(), counts["test"].min()) >= 3
    assert counts["train"].min() >= 70


@pytest.mark.parametrize(
    ("sizes", "drawn", "own"),
    [
        pytest.param({"train": 20, "test": 3}, {"validation": 2}, {"test": [1000, 1001, 1002]}, id="no validation"),
        pytest.param({"train": 20, "val": 2}, {"test": 2}, {"validation": [1000, 1001]}, id="no test"),
        pytest.param({"val": 1, "test": 2, "rest": 9}, {}, {"validation": [0], "test": [1000, 1001]}, id="all three"),
        pytest.param({"train": 20, "extra": 5}, {"validation": 2, "test": 2}, {}, id="neither"),
    ],
)
def test_what_the_data_do_not_have_is_drawn_from_the_training_split(sizes, drawn, own):
    for lazy in (False, True):
        arranged = arrange(stored(lazy, **sizes))
        found = contents(arranged)
        assert list(found) == ["train", "validation", "test"]
        assert arranged.drawn == tuple(drawn)
        assert {name: len(found[name]) for name in drawn} == drawn
        assert {name: found[name] for name in own} == own
        if drawn:
            of_train = [row for name in ("train", *drawn) for row in found[name]]
            assert sorted(of_train) == list(range(20))
            assert all(rows == sorted(rows) for rows in found.values())


def test_the_training_split_is_less_what_named_splits_take_from_it():
    found = contents(arrange(stored(train=20, test=3), validation="train[:5]"))
    assert (found["train"], found["validation"]) == (list(range(5, 20)), [0, 1, 2, 3, 4])
    found = contents(arrange(stored(train=20), test="train[:5]"))
    assert sorted(found["train"] + found["validation"]) == list(range(5, 20))
    assert len(found["validation"]) == 1


def test_a_training_split_that_is_named_is_taken_as_it_is():
    found = contents(arrange(stored(train=20), "train", "train", "train[:5]"))
    assert found["train"] == found["validation"] == list(range(20))


def test_data_for_validation_and_testing_alone_are_refused():
    with pytest.raises(ValueError, match="expected a training split of toy, which stores test, val; name it"):
        arrange(stored(test=20, val=20))


def test_splits_in_tfds_syntax_are_taken_with_their_labels():
    for lazy in (False, True):
        some = arrange(stored(lazy, train=10, test=4), "train[:50%]+test[:1]", "train[5:8]", "train[-2:]")
        assert contents(some) == {"train": [0, 1, 2, 3, 4, 1000], "validation": [5, 6, 7], "test": [8, 9]}
        np.testing.assert_array_equal(in_memory(some.split("train").labels), [5, 6, 7, 8, 9, 1005])


@pytest.mark.parametrize(
    ("specification", "end"),
    [
        ("tran", "got 'tran'; did you mean 'train'?"),
        ("train[", "got 'train['; Error parsing split 'train['"),
        ("train[:100]", "got 'train[:100]'; Requested slice [:100] incompatible with 10 examples."),
    ],
)
def test_a_split_that_does_not_exist_is_refused(specification, end):
    with pytest.raises(ValueError) as raised:
        arrange(stored(train=10, test=4), specification, "test", "test")
    message = str(raised.value)
    assert message.startswith("expected a split of toy (train, test), or a part such as train[:80%]; got ")
    assert end in message
    assert "\n" not in message


def test_an_empty_split_is_refused():
    with pytest.raises(ValueError, match=r"expected examples in split 'train\[5:5\]' of toy \(train: 10, test: 4\)"):
        arrange(stored(train=10, test=4), "train[5:5]", "test", "test")


def test_a_part_for_training_needs_the_others_named():
    with pytest.raises(
        ValueError, match=r"expected a split for validation of toy, .* train='train\[:5\]'; name it too"
    ):
        arrange(stored(train=10, test=4), "train[:5]")


def test_too_few_to_split_are_refused():
    with pytest.raises(ValueError, match="expected at least 10 examples to split; got 9; give splits of your own"):
        arrange(stored(train=9))
