import numpy as np
import pytest
from scipy import stats

from vae_jax.sweeps.values.axes import Interval, Values
from vae_jax.sweeps.values.space import distribution_of, stored, value_at, value_of


def test_values_come_back_of_their_own_types():
    """1, 1.0, True and "1" are equal or look alike, and are four."""
    axis = Values((1, 1.0, True, "1", (64, 32), None))
    distribution = distribution_of(axis)
    for value in axis.values:
        kept = distribution.to_external_repr(distribution.to_internal_repr(stored(axis, value)))
        assert (value_of(axis, kept), type(value_of(axis, kept))) == (value, type(value))


@pytest.mark.parametrize(
    ("axis", "law"),
    [
        (Interval(-1, 3), stats.uniform(-1, 4)),
        (Interval(0.01, 10, is_log=True), stats.loguniform(0.01, 10)),
    ],
)
def test_even_shares_are_spread_by_the_law_of_the_axis(axis, law):
    shares = (np.arange(1000) + 0.5) / 1000
    np.testing.assert_allclose([law.cdf(value_at(axis, share)) for share in shares], shares, atol=1e-12)


@pytest.mark.parametrize("axis", [Interval(1, 5, is_integer=True), Values(tuple("abcde"))])
def test_even_shares_give_every_whole_number_and_value_equally_often(axis):
    found = [value_at(axis, share) for share in (np.arange(1000) + 0.5) / 1000]
    assert [found.count(value) for value in dict.fromkeys(found)] == [200] * 5


@pytest.mark.parametrize("share", [0.0, np.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("is_integer", [False, True])
def test_no_value_is_beyond_an_end(share, is_log, is_integer):
    axis = Interval(3, 7, is_log=is_log, is_integer=is_integer)
    assert 3 <= value_at(axis, share) <= 7
    assert distribution_of(axis)._contains(distribution_of(axis).to_internal_repr(value_at(axis, share)))


def test_whole_numbers_on_a_logarithm_follow_optunas_law():
    """Optuna rounds what is even on [log(low - 1/2), log(high + 1/2)], and so do we: compare the two by chi squared."""
    from optuna.samplers import RandomSampler

    axis = Interval(1, 8, is_log=True, is_integer=True)
    ours = [value_at(axis, share) for share in (np.arange(4000) + 0.5) / 4000]
    sampler, distribution = RandomSampler(seed=0), distribution_of(axis)
    theirs = [sampler.sample_independent(None, None, "x", distribution) for _ in range(2000)]  # type: ignore[arg-type]
    expected = [ours.count(value) / 2 for value in range(1, 9)]
    assert stats.chisquare([theirs.count(value) for value in range(1, 9)], expected).pvalue > 0.01
