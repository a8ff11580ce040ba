"""Families whose examples, latents or parameters have several parts: a step over eight devices is that of one."""

from pathlib import Path

import jax
import numpy as np
import pytest
from eight import KEY, OPTIMIZER, RUNNERS, alone
from tables import long_but

from vae_jax.catalogue import load_experiment

FILE = load_experiment(Path(__file__).parents[2] / "families" / "models.py")
KINDS, objective_of = (FILE.experiment.__globals__[name] for name in ("KINDS", "objective_of"))


@pytest.fixture(scope="module")
def seen():
    """kind -> a batch of 16 as its model sees it."""
    data = FILE.data(FILE.Config())
    stored = data.train.examples[:16]

    def of(kind):
        transform = FILE.experiment(FILE.Config(kind), data).transform.apply
        return jax.vmap(transform)(jax.random.split(KEY, 16), stored)

    return of


@pytest.mark.parametrize("kind", long_but(KINDS, "hierarchical", "semi_supervised", "codes"))
def test_the_step_is_that_of_one_device(kind, seen):
    model = KINDS[kind][0]
    batch = seen(kind)
    states = []
    for runner in (alone, RUNNERS["sharding"]):
        state, step = runner(model, objective_of(kind), OPTIMIZER)
        states.append((state.params, *step(state, batch)))
    (before, expected, expected_metrics), (_, after, metrics) = states
    moved = jax.tree.map(lambda new, old: np.abs(new - old).max(), expected.params, before)
    assert max(jax.tree.leaves(moved)) > 1e-2
    for leaf, other in zip(*map(jax.tree.leaves, (after.params, expected.params)), strict=True):
        np.testing.assert_allclose(leaf, other, atol=1e-5)
    for name, value in expected_metrics.items():
        np.testing.assert_allclose(metrics[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
