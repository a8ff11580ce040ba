"""A function of one example over a split: the same results however it is cut."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.evaluation import over_examples

EXAMPLES = np.arange(11 * 2, dtype=np.float32).reshape(11, 2)


def noisy(key, example):
    return example + jax.random.normal(key, example.shape)


def function(key, params, x):
    return {"value": params * x.sum(), "noise": jax.random.normal(key), "x": x, "none": None}


def test_results_are_those_of_each_example_in_order():
    results = over_examples(lambda key, params, x: params * x.sum(), lambda key, x: x)(2.0, EXAMPLES)
    assert isinstance(results, np.ndarray)
    np.testing.assert_array_equal(results, 2 * EXAMPLES.sum(axis=1))


@pytest.mark.parametrize("batch_size", [1, 4, 10, 11, 500])
def test_nothing_depends_on_the_batch_size(batch_size):
    """Noise and transform included, to the bit; eleven is a multiple of none but one and itself."""
    expected = over_examples(function, noisy, batch_size=3)(2.0, EXAMPLES)
    results = over_examples(function, noisy, batch_size=batch_size)(2.0, EXAMPLES)
    assert results["none"] is None
    for name in ("noise", "x"):
        np.testing.assert_array_equal(results[name], expected[name])
    np.testing.assert_allclose(results["value"], expected["value"], rtol=1e-6)


def test_the_noise_is_of_each_example_and_of_the_seed():
    results = [over_examples(function, noisy, seed=seed)(1.0, EXAMPLES) for seed in (0, 1)]
    noise = np.concatenate([some["noise"] for some in results])
    assert len(np.unique(noise)) == 22
    np.testing.assert_array_equal(over_examples(function, noisy)(1.0, EXAMPLES)["noise"], results[0]["noise"])


def test_it_compiles_once_for_all_batches_and_calls():
    num_traces = 0

    def counting(key, params, x):
        nonlocal num_traces
        num_traces += 1
        return x.sum()

    evaluate = over_examples(counting, noisy, batch_size=4)
    evaluate(0.0, EXAMPLES)
    evaluate(1.0, EXAMPLES[:9])
    assert num_traces == 1


def test_the_transform_sees_what_is_stored():
    stored = EXAMPLES.astype(np.uint8)
    results = over_examples(lambda key, params, x: x, lambda key, x: x.astype(jnp.float32) / 255)(None, stored)
    np.testing.assert_allclose(results, EXAMPLES / 255, rtol=1e-6)
