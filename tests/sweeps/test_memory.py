"""How many lanes fit into the memory: sizes that are known, and bounds that hold."""

import dataclasses
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.catalogue import load_experiment
from vae_jax.messages import UsageError
from vae_jax.sweeps.lanes import memory
from vae_jax.sweeps.lanes.family import Family
from vae_jax.sweeps.lanes.lanes import abstract_step, first_of_lane
from vae_jax.sweeps.lanes.memory import NUM_STATES, SHARE, Need, in_waves, lanes_that_fit, need, num_bytes

TINY = Path(__file__).parent.parent / "tiny_experiment.py"
NUMBERS = {"learning_rate": 1e-2, "seed": 0}


@pytest.fixture(scope="module")
def family() -> Family:
    """The tiny experiment, as lanes are made of it."""
    file = load_experiment(TINY)
    return Family(file, file.Config(), None, file.data(file.Config()))


@pytest.fixture(scope="module")
def takes(family) -> Need:
    """What a lane of it takes."""
    return need(family, NUMBERS)


def test_bytes_of_arrays_shapes_and_keys():
    tree = {"a": np.zeros((3, 5), np.float32), "b": [jnp.zeros((), jnp.int32), jnp.zeros(7, bool)]}
    assert num_bytes(tree) == 3 * 5 * 4 + 4 + 7
    assert num_bytes(jax.random.key(0)) == 8
    assert num_bytes(jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 6))) == 48
    assert num_bytes(jax.ShapeDtypeStruct((1000, 1000, 1000), jnp.bfloat16)) == 2 * 10**9
    assert num_bytes(None) == 0


def test_a_lane_of_the_tiny_experiment_to_the_byte(family, takes):
    hidden, latent, pixels = 16, 2, 64
    encoder = (pixels + 1) * hidden + (hidden + 1) * 2 * latent
    decoder = (latent + 1) * hidden + (hidden + 1) * pixels
    params = 4 * (encoder + decoder)
    # Parameters, their average, Adam's two moments and its count; step, two counts of skipped steps, a key.
    state = 4 * params + 4 + 3 * 4 + 8
    # Of each metric a sum, and how many were summed.
    _, (progress, _, _) = abstract_step(family, NUMBERS)
    sums = 4 * len(jax.tree.leaves(progress.sums)) + 4
    assert takes.state == NUM_STATES * (state + sums)
    assert takes.data == 1444 * 64
    assert takes.of(3) == takes.data + 3 * (takes.state + takes.step)


def test_the_state_that_is_told_is_that_which_is_made(family, takes):
    lane = jax.eval_shape(partial(first_of_lane, family), {name: jnp.asarray(value) for name, value in NUMBERS.items()})
    assert num_bytes(lane) * 2 == takes.state  # where it is and where it was at its best; and both anew


def test_the_step_is_an_upper_bound_of_what_the_compiler_tells(family, takes):
    step, arguments = abstract_step(family, NUMBERS)
    compiled = jax.jit(step, donate_argnums=0).lower(*arguments).compile().memory_analysis()
    exact = memory.exact_need(family, NUMBERS, takes)
    assert 0 < exact.step == compiled.temp_size_in_bytes <= takes.step
    assert exact._replace(step=takes.step) == takes
    # A bound that is loose by orders would send every sweep to the compiler.
    assert takes.step < 20 * exact.step


def test_what_the_steps_of_a_loop_leave_behind_is_counted():
    def steps(x):
        return jax.lax.scan(lambda carry, _: (carry * 2, carry), x, length=100)[1].sum()

    counted = memory._intermediates(jax.make_jaxpr(steps)(jnp.zeros(10)).jaxpr)
    assert counted >= 100 * 10 * 4


def test_functions_within_functions_are_counted_once():
    def within(function):
        return lambda x: jax.jit(function)(x)

    function = jnp.sin
    for _ in range(8):
        function = within(function)
    counted = memory._intermediates(jax.make_jaxpr(function)(jnp.zeros(1000)).jaxpr)
    assert 4_000 <= counted <= 10 * 4_000  # each level has a result of its own, and not two of what is within


@pytest.mark.parametrize("wanted", [1, 7, 64])
def test_all_fit_where_nobody_knows_or_there_is_enough(family, takes, wanted, monkeypatch):
    monkeypatch.setattr(memory, "exact_need", None)  # the compiler is not asked
    assert lanes_that_fit(family, NUMBERS, wanted, None) == wanted
    assert lanes_that_fit(family, NUMBERS, wanted, int(takes.of(wanted) / SHARE) + 1) == wanted


def test_the_compiler_is_asked_where_the_bound_says_no(family, takes, monkeypatch):
    exact = takes._replace(step=takes.step // 2)
    monkeypatch.setattr(memory, "exact_need", lambda *_: exact)
    for num in (2, 5, 9):
        free = int(exact.of(num) / SHARE) + 1
        assert lanes_that_fit(family, NUMBERS, 64, free) == num
        assert lanes_that_fit(family, NUMBERS, 64, free - 3) == num - 1
    assert lanes_that_fit(family, NUMBERS, 5, int(exact.of(8) / SHARE) + 1) == 5


def test_not_even_one_lane_fits(family, takes, monkeypatch):
    exact = Need(data=2**20, state=3 * 2**20, step=2**29)
    monkeypatch.setattr(memory, "exact_need", lambda *_: exact)
    monkeypatch.setattr(memory, "need", lambda *_: exact._replace(step=2**40))
    with pytest.raises(UsageError) as caught:
        lanes_that_fit(family, NUMBERS, 4, 2**29)
    assert str(caught.value) == (
        "expected a lane that fits into the memory; a single one needs 516.0 MiB (data 1.0 MiB, state 3.0 MiB, a step "
        "512.0 MiB) and may take 460.8 MiB, 90% of what there is; take a smaller model, batch or data, or give more by "
        "--lanes.memory"
    )


def test_a_larger_batch_takes_more(family, takes):
    config = dataclasses.replace(family.config, batch_size=1000)
    larger = need(family._replace(config=config), NUMBERS)
    assert larger.state == takes.state
    assert 5 * takes.step < larger.step < 11 * takes.step


@pytest.mark.parametrize("fitting", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("num_lanes", [1, 2, 7, 8, 9, 64, 100])
def test_waves_are_as_few_as_can_be_and_as_small_as_they_can_be(num_lanes, fitting):
    wave = in_waves(num_lanes, fitting)
    num_waves = next(num for num in range(1, num_lanes + 1) if num * fitting >= num_lanes)
    assert 1 <= wave <= fitting
    assert wave * num_waves >= num_lanes
    assert (wave - 1) * num_waves < num_lanes
