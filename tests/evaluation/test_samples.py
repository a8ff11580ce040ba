"""Distances of samples from data against closed forms, and shares that are known."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from vae_jax.evaluation import frechet_distance, kernel_distance, neighbourhoods
from vae_jax.evaluation.samples.distances import check_features

RNG = np.random.default_rng(0)
A = RNG.normal(size=(900, 4)) @ RNG.normal(size=(4, 4)) + 1.0
B = RNG.normal(size=(700, 4)) @ RNG.normal(size=(4, 4)) - 0.5


def test_frechet_is_the_formula_with_a_matrix_root():
    first, second = np.cov(A, rowvar=False), np.cov(B, rowvar=False)
    expected = np.sum((A.mean(0) - B.mean(0)) ** 2) + np.trace(first + second - 2 * sqrtm(first @ second).real)
    np.testing.assert_allclose(frechet_distance(A, B), expected, rtol=1e-9)
    np.testing.assert_allclose(frechet_distance(B, A), expected, rtol=1e-9)


def test_frechet_of_normals_along_one_line_is_known():
    """Of N(μ, σ²) in one dimension it is the difference of means and of deviations, squared."""
    a, b = A[:, :1], B[:, :1]
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    np.testing.assert_allclose(frechet_distance(a, b), expected, rtol=1e-9)
    assert frechet_distance(A, A) < 1e-9
    flat = np.concatenate([A, np.zeros((900, 3))], axis=1)  # features that never vary
    np.testing.assert_allclose(frechet_distance(flat, flat[:, [0, 1, 2, 3, 4, 5, 6]] + 1), 7, rtol=1e-6)


def test_the_kernel_distance_is_its_definition_over_all_pairs():
    few, others = A[:6], B[:6]
    kernel = lambda x, y: (x @ y / 4 + 1) ** 3
    within = [sum(kernel(own[i], own[j]) for i in range(6) for j in range(6) if i != j) / 30 for own in (few, others)]
    across = sum(kernel(x, y) for x in few for y in others) / 36
    found = kernel_distance(few, others, num_subsets=3)
    np.testing.assert_allclose(found.distance, sum(within) - 2 * across, rtol=1e-9)
    np.testing.assert_allclose(found.standard_error, 0, atol=1e-9)


def test_the_kernel_distance_has_no_bias():
    rng = np.random.default_rng(1)
    of_one = [kernel_distance(*rng.normal(size=(2, 40, 3)), num_subsets=1).distance for _ in range(400)]
    assert abs(np.mean(of_one)) < 4 * np.std(of_one) / 20
    assert kernel_distance(A, B, subset_size=300, num_subsets=20).distance > 0.5


def test_shares_of_points_on_a_line():
    """Radii of 0, 1, ..., 9 with k = 1 are 1; of samples at 0, 0.5, 20 and 20.5 they are a half."""
    data, samples = np.arange(10.0)[:, None], np.array([0.0, 0.5, 20.0, 20.5])[:, None]
    found = neighbourhoods(data, samples, num_neighbours=1)
    assert found.precision == 0.5
    assert found.density == (2 + 2) / 4
    assert found.coverage == 0.2
    assert found.recall == 0.2  # 0 and 1 are within a half of 0 and 0.5


def test_samples_of_the_same_distribution_have_all_and_of_one_mode_no_recall():
    rng = np.random.default_rng(2)
    data, same = rng.normal(size=(2, 500, 3))
    found = neighbourhoods(data, same)
    assert min(found) > 0.8
    narrow = neighbourhoods(data, 0.05 * same)
    assert narrow.precision > 0.99
    assert narrow.recall < 0.05
    assert narrow.coverage < 0.2


def test_nothing_depends_on_how_much_is_in_memory(monkeypatch):
    whole = neighbourhoods(A, B)
    monkeypatch.setattr("vae_jax.evaluation.samples.neighbours.AT_ONCE", 37)
    assert neighbourhoods(A, B) == whole


@pytest.mark.parametrize(
    ("score", "data", "samples", "message"),
    [
        (check_features, A, B[:, :3], "expected features .* of one size"),
        (check_features, A[:1], B, "at least 2"),
        (frechet_distance, np.full((3, 2), np.inf), np.ones((3, 2)), "expected features that are finite"),
        (neighbourhoods, A[:5], B, "expected num_neighbours of at least 1 and fewer than the examples; got 5"),
        (neighbourhoods, np.repeat(A[:9], 7, axis=0), B, "expected no more than 5 equal rows in the data; 63 rows"),
        (neighbourhoods, A, np.repeat(B[:9], 7, axis=0), "expected no more than 5 equal rows in the samples"),
    ],
)
def test_what_has_no_distance_is_refused(score, data, samples, message):
    with pytest.raises(ValueError, match=message):
        score(data, samples)
