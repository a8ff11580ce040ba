"""Codes that depend on each other: masses that sum to one, samples that follow them, and what a place may see."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import CodesInOrder, CodesInRounds
from vae_jax.networks import transformer

SHAPE, NUM_CODES, KEY = (2, 2), 3, jax.random.key(0)
EVENTS = jnp.asarray(list(itertools.product(range(NUM_CODES), repeat=4)), jnp.float32).reshape(-1, *SHAPE)


def network(is_causal):
    return transformer(4, NUM_CODES, width=4, num_blocks=1, num_heads=2, is_causal=is_causal)


def moved(params):
    """Away from where it starts, at equal logits."""
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(KEY, len(leaves))
    return structure.unflatten(
        [leaf + jax.random.normal(key, leaf.shape) for key, leaf in zip(keys, leaves, strict=True)]
    )


@pytest.mark.parametrize("family", [CodesInOrder, CodesInRounds])
def test_masses_sum_to_one_and_samples_follow_them(family):
    net = network(family is CodesInOrder)
    rest = {"num_rounds": 3} if family is CodesInRounds else {}

    @jax.jit
    def of(params):
        distribution = family(params, net.apply, SHAPE, NUM_CODES, **rest)
        draws, log_probs = jax.vmap(distribution.sample_and_log_prob)(jax.random.split(KEY, 4_000))
        wrong = distribution.log_prob(EVENTS[0].at[1, 1].set(NUM_CODES))
        return jax.vmap(distribution.log_prob)(EVENTS), draws, log_probs, wrong, distribution.mean()

    start = net.init(KEY)
    equal, *_ = of(start)
    np.testing.assert_allclose(equal, -4 * np.log(NUM_CODES), rtol=1e-5)
    log_probs, draws, of_draws, wrong, mean = of(moved(start))
    masses = np.exp(np.asarray(log_probs, float))
    assert masses.sum() == pytest.approx(1, abs=1e-5)
    assert masses.max() > 3 / len(masses)
    assert wrong == -np.inf
    assert mean.shape == SHAPE
    numbers = (np.asarray(draws).reshape(-1, 4) @ [27, 9, 3, 1]).astype(int)
    np.testing.assert_allclose(of_draws, log_probs[numbers], atol=1e-4)
    frequencies = np.bincount(numbers, minlength=81) / len(numbers)
    assert np.all(np.abs(frequencies - masses) < 5 * np.sqrt(masses / len(numbers)) + 1e-3)


def test_a_causal_place_sees_none_behind_it():
    """And every place sees all, where attention goes both ways."""
    tokens = jnp.array([0, 1, 2, 1])
    for is_causal in (True, False):
        net = network(is_causal)
        apply = jax.jit(net.apply)
        params = moved(net.init(KEY))
        before, after = (apply(params, tokens.at[2].set(code)) for code in (2, 0))
        changed = np.abs(before - after).max(axis=1) > 1e-6
        assert changed.tolist() == [not is_causal, not is_causal, True, True]


def test_every_place_has_a_round_and_later_rounds_have_more():
    rounds = CodesInRounds((), lambda params, tokens: tokens, (7, 7), 4, 8).rounds
    sizes = np.bincount(rounds, minlength=8)
    assert sizes.sum() == 49
    assert (np.diff(sizes) >= 0).all()
    assert sizes[-1] > 4 * max(sizes[0], 1)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="expected a width that 4 heads divide; got 6"):
        transformer(4, 3, width=6, num_heads=4, is_causal=True)
