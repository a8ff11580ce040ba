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
def test_of_one_split_every_ninth_and_tenth_are_kept_apart(lazy):
    found = contents(arrange(stored(lazy, train=25)))
    assert found["validation"] == [8, 18]
    assert found["test"] == [9, 19]
    assert sorted(row for rows in found.values() for row in rows) == list(range(25))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param({"train": 20, "test": 3}, [(0, 18), (18, 20), (1000, 1003)], id="no validation"),
        pytest.param({"train": 20, "validation": 4}, [(0, 18), (1000, 1004), (18, 20)], id="no test"),
        pytest.param({"train": 20, "valid": 4, "test": 3}, [(0, 20), (1000, 1004), (2000, 2003)], id="all three"),
        pytest.param({"train": 20, "extra": 5}, [(0, 16), (18, 20), (16, 18)], id="neither"),
    ],
)
def test_what_the_data_do_not_have_is_cut_off_the_end_of_the_training_split(sizes, expected):
    for lazy in (False, True):
        found = contents(arrange(stored(lazy, **sizes)))
        assert list(found.values()) == [list(range(*ends)) for ends in expected]
        assert list(found) == ["train", "validation", "test"]


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
