"""Population-based training as a pure function of the stacked state, against another one in plain Python."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.sweeps.config import EvolutionConfig
from vae_jax.sweeps.lanes.evolution import Evolution
from vae_jax.sweeps.lanes.lanes import LaneState
from vae_jax.sweeps.lanes.population_based import UNBOUNDED, Generation, next_generation
from vae_jax.sweeps.values.trial import Trial
from vae_jax.training.advance import Progress
from vae_jax.training.state import TrainState

BOUNDS = {"beta": (0.5, 4.0), "learning_rate": UNBOUNDED}


def population(num: int) -> tuple[LaneState, dict[str, jax.Array]]:
    """Lanes that can be told apart by each of their arrays, with keys of their own."""
    own = jnp.arange(num, dtype=jnp.float32)
    counts = jnp.full(num, 7, jnp.int32)
    state = TrainState(
        step=counts,
        key=jax.random.split(jax.random.key(3), num),
        params={"w": jnp.stack([own, own + 0.25], axis=1), "b": own},
        opt_state=(counts, {"w": -own}),
        num_skipped=jnp.arange(num, dtype=jnp.int32),
        num_skipped_in_a_row=jnp.zeros(num, jnp.int32),
        average={"b": own + 0.5},
        objective_state=(own + 0.75,),
    )
    progress = Progress(state, {"value": own * 10}, counts)
    best = progress._replace(sums={"value": own * 100})
    return LaneState(progress, best), {"beta": jnp.full(num, 1.0), "learning_rate": 0.1 + own / 100, "seed": own}


def check_parents(scores: list[float], parents: list[int], share: float) -> None:
    """Who goes on from whom, by plain sorting: whichever of the best were drawn."""
    num = max(int(share * len(scores)), 1)
    known = [score if math.isfinite(score) else -math.inf for score in scores]
    best_first = sorted(range(len(scores)), key=lambda lane: (-known[lane], lane))
    worst, best = set(best_first[-num:]), set(best_first[:num])
    for lane, parent in enumerate(parents):
        if lane in worst and parent != lane:
            assert parent in best
            assert known[parent] > known[lane]
        elif lane in worst:
            assert any(known[other] <= known[lane] for other in best)  # what it drew is no better
        else:
            assert parent == lane


SCORES = {
    "all different": [-3.0, -1.0, -9.0, -2.0, -8.0, -4.0, -7.0, -5.0, -6.0, -10.0],
    "no numbers among them": [math.nan, -1.0, -math.inf, -2.0, math.inf, -4.0, -7.0, -5.0, -6.0, -10.0],
    "ties": [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0],
    "zeros": [0.0, -1.0, -2.0, -3.0, -0.0],
    "two": [1.0, 2.0],
}


def generations(lanes: LaneState, numbers: Any, scores: Any, **options: Any) -> Callable[[int], Generation]:
    """The next generation by a seed, compiled once."""
    compiled = jax.jit(
        lambda seed, *given: next_generation(jax.random.key(seed), *given, **({"bounds": BOUNDS} | options))
    )
    return lambda seed: compiled(seed, lanes, numbers, jnp.asarray(scores))


def as_numpy(tree: Any) -> Any:
    """Arrays, and keys as what they are made of."""

    def of_leaf(leaf: Any) -> np.ndarray:
        return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)

    return jax.tree.map(of_leaf, tree)


def one_lane(tree: Any, lane: int) -> Any:
    """As lists, which can be compared."""
    return jax.tree.map(lambda array: array[lane].tolist(), tree)


@pytest.mark.parametrize(
    ("case", "share"), [("all different", 0.1), ("all different", 0.5), *((case, 0.3) for case in SCORES)]
)
def test_the_worst_become_copies_of_the_best(case, share):
    scores = SCORES[case]
    next_one = generations(*population(len(scores)), scores, share=share)
    lanes, numbers = as_numpy(population(len(scores)))
    has_learned = False
    for seed in range(8):
        after, changed, parents = as_numpy(next_one(seed))
        check_parents(scores, parents.tolist(), share)
        has_learned |= parents.tolist() != list(range(len(scores)))
        state, state_after = lanes.progress.state, after.progress.state
        for lane, parent in enumerate(parents.tolist()):
            assert one_lane(state_after._replace(key=None), lane) == one_lane(state._replace(key=None), parent)
            assert one_lane(state_after.key, lane) == one_lane(state.key, lane)  # its noise stays its own
            assert one_lane(after.progress[1:], lane) == one_lane(lanes.progress[1:], parent)
            assert one_lane(after.best, lane) == one_lane(lanes.best, lane)
            for field, (low, high) in BOUNDS.items():
                inherited, got = numbers[field][parent], changed[field][lane]
                moves = [inherited] if parent == lane else [inherited * 1.2, inherited / 1.2]
                assert any(got == pytest.approx(min(max(move, low), high), rel=1e-6) for move in moves), field
            assert changed["seed"][lane] == numbers["seed"][lane]
    assert has_learned


@pytest.mark.parametrize("scores", [[1.0] * 6, [math.nan] * 6, [-math.inf, math.nan] * 3])
def test_among_equals_nothing_changes(scores):
    lanes, numbers = population(6)
    after, changed, parents = generations(lanes, numbers, scores, share=0.5)(0)
    assert parents.tolist() == list(range(6))
    for one, other in zip(jax.tree.leaves((after, changed)), jax.tree.leaves((lanes, numbers)), strict=True):
        assert bool((one == other).all())


def test_a_number_goes_up_or_down_by_exactly_the_factor_each_by_its_own_coin():
    lanes, numbers = population(40)
    bounds = {"beta": UNBOUNDED, "learning_rate": UNBOUNDED}
    next_one = generations(lanes, numbers, jnp.arange(40.0), bounds=bounds, share=0.5, factor=2.0)
    ups: dict[str, list[bool]] = {"beta": [], "learning_rate": []}
    for seed in range(10):
        _, changed, parents = as_numpy(next_one(seed))
        copies = np.flatnonzero(parents != np.arange(40))
        assert copies.tolist() == list(range(20))
        for field in bounds:
            ratios = (changed[field] / np.asarray(numbers[field])[parents])[copies]
            assert set(ratios.tolist()) == {0.5, 2.0}  # exact: a power of two
            ups[field] += (ratios == 2.0).tolist()
    # 200 tosses of each coin: five standard deviations are 35.
    for tosses in ups.values():
        assert 65 < sum(tosses) < 135
    same = sum(one == other for one, other in zip(*ups.values(), strict=True))
    assert 65 < same < 135


@pytest.mark.parametrize(
    ("beta", "expected"), [(3.9, {4.0, 3.9 / 1.2}), (0.55, {0.5, 0.55 * 1.2}), (4.0, {4.0, 4.0 / 1.2})]
)
def test_numbers_stay_within_their_bounds(beta, expected):
    lanes, numbers = population(4)
    given = numbers | {"beta": jnp.full(4, beta)}
    next_one = generations(lanes, given, jnp.arange(4.0), bounds={"beta": (0.5, 4.0)}, share=0.25)
    found = [next_one(seed).numbers["beta"].tolist() for seed in range(12)]
    assert {round(of_copy, 4) for of_copy, *_ in found} == {round(value, 4) for value in expected}
    assert all(others == pytest.approx([beta] * 3) for _, *others in found)


def test_every_one_of_the_best_is_drawn_and_the_same_key_draws_the_same():
    next_one = generations(*population(8), jnp.arange(8.0), share=0.5)
    parents = [next_one(seed).parents.tolist() for seed in range(10)]
    assert {parent for of_seed in parents for parent in of_seed[:4]} == {4, 5, 6, 7}
    assert len(set(map(tuple, parents))) > 5
    assert next_one(3).parents.tolist() == parents[3]


def test_compiled_and_eager_are_alike():
    lanes, numbers = population(6)
    scores = jnp.asarray([3.0, 1.0, 2.0, jnp.nan, 5.0, 4.0])
    compiled = as_numpy(generations(lanes, numbers, scores, share=0.5)(2))
    eager = as_numpy(next_generation(jax.random.key(2), lanes, numbers, scores, bounds=BOUNDS, share=0.5))
    assert eager.parents.tolist() != list(range(6))
    for one, other in zip(jax.tree.leaves(eager), jax.tree.leaves(compiled), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


class Kept:
    """What stands for lanes on a device."""

    def __init__(self, lanes: LaneState) -> None:
        self.lanes: Any = lanes
        self.numbers: Any = None

    def stacked(self) -> LaneState:
        """All slots."""
        return self.lanes

    def put(self, lanes: LaneState, numbers: Any) -> None:
        """Take the place of all slots."""
        self.lanes, self.numbers = lanes, numbers


def slots_of(folder, values, step=20):
    """A slot for each value, with the fields that are swept."""
    made = []
    for number, value in enumerate(values):
        path = folder / str(number)
        path.mkdir()
        numbers = {"beta": 1.0 + number, "seed": number}
        made.append(
            SimpleNamespace(
                trial=Trial(number, dict(numbers)),
                numbers=numbers,
                step=step,
                ending=None,
                validations=[{"value": value}],
                run=SimpleNamespace(path=path),
            )
        )
    return made


EVOLUTION = Evolution(EvolutionConfig(every=2, share=0.25, factor=2.0), {"beta": UNBOUNDED}, every=20)


def test_a_generation_is_noted_in_the_copies_directories(tmp_path):
    lanes, _ = population(5)
    kept, slots = Kept(lanes), slots_of(tmp_path, [-1.0, 0.0, None, -3.0])
    slots.insert(2, None)
    EVOLUTION.after_round(slots, kept)
    # 0.0 is the best value, and no number the worst; the free slot stays as it was.
    assert kept.lanes.progress.state.params["b"].tolist() == [0.0, 1.0, 2.0, 1.0, 4.0]
    assert slots[3].numbers["beta"] in (1.0, 4.0)
    assert [each["beta"] for each in kept.numbers if each is not slots[3].numbers] == [1.0, 2.0, 1.0, 4.0]
    assert slots[3].numbers["seed"] == 2
    note = (tmp_path / "2" / "evolution.jsonl").read_text()
    assert note == f'{{"step": 20, "parent": 1, "beta": {slots[3].numbers["beta"]}}}\n'
    assert not any((tmp_path / name / "evolution.jsonl").exists() for name in "013")


@pytest.mark.parametrize("change", ["early", "at the start", "apart", "alone"])
def test_a_generation_waits_for_its_time_and_for_all(tmp_path, change):
    kept, slots = Kept(population(2)[0]), slots_of(tmp_path, [-1.0, -2.0])
    if change == "apart":
        slots[0].step = 40
    elif change == "alone":
        slots[0].ending = "stopped"
    else:
        for slot in slots:
            slot.step = {"early": 10, "at the start": 0}[change]
    EVOLUTION.after_round(slots, kept)
    assert kept.numbers is None
    assert not list(tmp_path.rglob("*.jsonl"))
