"""An order that is computed: a permutation, the same on the host and the device, and random.

Keys are fixed, so that nothing here is left to chance; a p-value below 0.001 fails.
"""

import subprocess
import sys
from math import factorial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from vae_jax.data.order import shuffled

LEVEL = 1e-3
KEY = np.array([7, 2_718_281_828], np.uint32)
LARGEST = 2**31 - 1


def orders(num: int, num_epochs: int, key_words=KEY) -> np.ndarray:
    """The first orders of a key: (num_epochs, num)."""
    order = jax.vmap(lambda epoch: shuffled(key_words, epoch, np.arange(num), num))
    return np.asarray(jax.jit(order)(jnp.arange(num_epochs)))


def assert_uniform(values: np.ndarray, num_values: int) -> None:
    counts = np.bincount(values.ravel(), minlength=num_values)
    assert len(counts) == num_values
    assert stats.chisquare(counts).pvalue > LEVEL


def test_it_is_a_permutation_of_up_to_three_hundred():
    for num in range(1, 301):
        for epoch in range(3):
            np.testing.assert_array_equal(np.sort(shuffled(KEY, epoch, np.arange(num), num)), np.arange(num))


@pytest.mark.parametrize("num", [60_000, 65_536, 65_537, 737_280, 1_000_003])
def test_it_is_a_permutation_of_many(num):
    assert (np.bincount(shuffled(KEY, 5, np.arange(num), num), minlength=num) == 1).all()


def test_the_largest_number_stays_in_range_and_one_to_one():
    positions = np.unique(np.concatenate([np.arange(100_000), LARGEST - 1 - np.arange(100_000), KEY // 2]))
    rows = shuffled(KEY, 0, positions, LARGEST)
    assert rows.dtype == np.int32
    assert rows.min() >= 0
    assert rows.max() < LARGEST
    assert len(np.unique(rows)) == len(positions)
    assert_uniform((rows // 2**24).astype(int), 128)


@pytest.mark.parametrize("num", [1, 2, 3, 5, 17, 100, 60_000, 737_280, LARGEST])
def test_the_device_and_the_host_give_the_same_integers(num):
    positions = np.random.default_rng(0).integers(0, num, (4, 50))
    expected = shuffled(KEY, 3, positions, num)
    assert isinstance(expected, np.ndarray)
    assert expected.shape == (4, 50)
    for function in (shuffled, jax.jit(shuffled, static_argnames="num")):
        for key_words, given in ((KEY, jnp.asarray(positions)), (jnp.asarray(KEY), positions.astype(np.uint32))):
            rows = function(key_words, jnp.int32(3), given, num=num)
            assert isinstance(rows, jax.Array)
            assert rows.dtype == expected.dtype
            np.testing.assert_array_equal(rows, expected)


def test_it_may_be_mapped_over_epochs_keys_and_positions():
    num, positions = 11, np.arange(11)  # of which 1 in 12 walks on
    keys = np.random.default_rng(1).integers(0, 2**32, (40, 2), np.uint32)
    over_epochs = jax.vmap(lambda key, epoch: shuffled(key, epoch, positions, num), in_axes=(None, 0))
    mapped = jax.jit(jax.vmap(over_epochs, in_axes=(0, None)))(keys, jnp.arange(5))
    one_by_one = [[shuffled(key, epoch, positions, num) for epoch in range(5)] for key in keys]
    np.testing.assert_array_equal(mapped, one_by_one)
    single = jax.vmap(lambda position: shuffled(keys[0], 0, position, num))(positions)
    np.testing.assert_array_equal(single, one_by_one[0][0])


def test_the_words_of_a_typed_key_will_do():
    words = jax.random.key_data(jax.random.key(42))
    np.testing.assert_array_equal(
        shuffled(words, 0, np.arange(9), 9), shuffled(np.array([0, 42], np.uint32), 0, np.arange(9), 9)
    )


def test_the_order_is_the_same_for_ever():
    """A resumed run and the rows of a split depend on it."""
    np.testing.assert_array_equal(shuffled(KEY, 1, np.arange(6), 1_000), [736, 33, 979, 91, 107, 475])


@pytest.mark.parametrize("num", [2, 3, 4, 5, 6, 7])
def test_every_order_of_a_few_is_as_frequent_as_any_other(num):
    codes = orders(num, 400_000) @ num ** np.arange(num)
    _, counts = np.unique(codes, return_counts=True)
    assert len(counts) == factorial(num)
    assert stats.chisquare(counts).pvalue > LEVEL


@pytest.mark.parametrize("num", [10, 37, 64])
def test_every_row_is_as_likely_at_every_position(num):
    found = orders(num, 20_000)
    for position in range(num):
        counts = np.bincount(found[:, position], minlength=num)
        assert stats.chisquare(counts).pvalue > LEVEL / num, position  # Bonferroni


def test_over_keys_every_row_is_as_likely_too():
    keys = np.stack(np.meshgrid(np.arange(150), np.arange(150)), axis=-1).reshape(-1, 2).astype(np.uint32)
    found = np.asarray(jax.vmap(lambda key: shuffled(key, 0, np.arange(3), 50))(keys))
    for rows in found.T:
        assert_uniform(rows, 50)


def test_two_positions_are_as_likely_in_either_order_and_at_any_distance():
    num = 24
    found = orders(num, 50_000)
    for first, second in ((0, 1), (0, num - 1), (11, 12), (3, 8)):
        assert stats.binomtest(int((found[:, first] < found[:, second]).sum()), len(found)).pvalue > LEVEL
        assert_uniform((found[:, second] - found[:, first]) % num - 1, num - 1)


@pytest.mark.parametrize("num", [1_000, 60_000])
def test_neither_a_position_nor_the_row_before_tells_a_row(num):
    found = orders(num, 20)
    for rows in found:
        for before in (np.arange(num), np.roll(rows, 1), np.roll(rows, 2)):
            assert stats.spearmanr(before, rows).pvalue > LEVEL / 60  # Bonferroni


def test_fixed_points_are_as_many_as_in_a_random_permutation():
    """Their number is Poisson(1) to within 1/num!."""
    fixed = (orders(500, 20_000) == np.arange(500)).sum(axis=1)
    observed = np.bincount(np.minimum(fixed, 5), minlength=6)
    expected = stats.poisson.pmf(np.arange(6), 1.0)
    expected[5] = stats.poisson.sf(4, 1.0)
    assert stats.chisquare(observed, expected * len(fixed)).pvalue > LEVEL


@pytest.mark.parametrize("what", ["epochs", "first words", "second words"])
def test_neighbouring_epochs_and_keys_have_unrelated_orders(what):
    """Two unrelated orders agree at Poisson(1) positions, and so the sum over pairs of them is Poisson too."""
    num, count = 1_000, 2_000
    numbers = np.arange(count, dtype=np.uint32)
    keys = np.stack({"first words": (numbers, 0 * numbers)}.get(what, (0 * numbers, numbers)), axis=-1)
    found = (
        orders(num, count)
        if what == "epochs"
        else np.asarray(jax.vmap(lambda key: shuffled(key, 0, np.arange(num), num))(keys))
    )
    for apart in (1, 2, 256):
        agreements = int((found[apart:] == found[:-apart]).sum())
        mean = count - apart
        p_value = 2 * min(stats.poisson.cdf(agreements, mean), stats.poisson.sf(agreements - 1, mean))
        assert p_value > LEVEL, apart
        correlation = np.corrcoef(found[apart:].ravel(), found[:-apart].ravel())[0, 1]
        assert abs(correlation) < 3.3 / np.sqrt(mean * num)


@pytest.mark.parametrize("num", [0, -1, 2**31])
def test_a_number_out_of_range_is_refused(num):
    with pytest.raises(ValueError, match=rf"expected 1 to 2\^31 - 1 examples to shuffle; got {num}"):
        shuffled(KEY, 0, np.arange(1), num)


def test_a_process_that_reads_data_needs_no_jax_for_it():
    code = (
        "import sys, numpy as np; from vae_jax.data.order import shuffled; "
        "shuffled(np.zeros(2, np.uint32), 0, np.arange(9), 9); sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], check=False).returncode == 0
