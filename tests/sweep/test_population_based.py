"""Population-based training as a pure function of the stacked state, against another one in plain Python."""

import math
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.sweep.config import EvolutionConfig
from vae_jax.sweep.evolution import Evolution
from vae_jax.sweep.lanes import LaneState
from vae_jax.sweep.population_based import UNBOUNDED, next_generation
from vae_jax.sweep.trial import Trial
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


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
def test_the_worst_become_copies_of_the_best(scores, share):
    lanes, numbers = population(len(scores))
    jitted = jax.jit(
        lambda key, lanes, numbers, scores: next_generation(key, lanes, numbers, scores, bounds=BOUNDS, share=share)
    )
    has_learned = False
    for seed in range(12):
        after, changed, parents = jitted(jax.random.key(seed), lanes, numbers, jnp.asarray(scores))
        parents = np.asarray(parents).tolist()
        check_parents(scores, parents, share)
        has_learned |= parents != list(range(len(scores)))
        for lane, parent in enumerate(parents):
            of = lambda tree, index: jax.tree.map(lambda array, index=index: np.asarray(array[index]).tolist(), tree)
            before_key, after_key = (jax.random.key_data(each.progress.state.key) for each in (lanes, after))
            no_key = lambda each: each.progress._replace(state=each.progress.state._replace(key=None))
            assert of(no_key(after), lane) == of(no_key(lanes), parent)
            assert of(after_key, lane) == of(before_key, lane)  # its noise stays its own
            assert of(after.best.sums, lane) == of(lanes.best.sums, lane)
            for field, (low, high) in BOUNDS.items():
                inherited, got = numbers[field][parent].item(), changed[field][lane].item()
                moves = (
                    [min(max(inherited * by, low), high) for by in (1.2, 1 / 1.2)] if parent != lane else [inherited]
                )
                assert any(got == pytest.approx(move, rel=1e-6) for move in moves), (field, got, moves)
            assert changed["seed"][lane] == numbers["seed"][lane]
    assert has_learned


@pytest.mark.parametrize("scores", [[1.0] * 6, [math.nan] * 6, [-math.inf, math.nan] * 3])
def test_among_equals_nothing_changes(scores):
    lanes, numbers = population(6)
    after, changed, parents = next_generation(
        jax.random.key(0), lanes, numbers, jnp.asarray(scores), bounds=BOUNDS, share=0.5
    )
    assert parents.tolist() == list(range(6))
    for one, other in zip(jax.tree.leaves((after, changed)), jax.tree.leaves((lanes, numbers)), strict=True):
        assert bool((one == other).all())


def test_a_number_goes_up_or_down_by_exactly_the_factor_each_by_its_own_coin():
    lanes, numbers = population(40)
    scores = jnp.arange(40.0)
    ups: dict[str, list[bool]] = {"beta": [], "learning_rate": []}
    for seed in range(10):
        bounds = {"beta": UNBOUNDED, "learning_rate": UNBOUNDED}
        _, changed, parents = next_generation(
            jax.random.key(seed), lanes, numbers, scores, bounds=bounds, share=0.5, factor=2.0
        )
        copies = np.flatnonzero(np.asarray(parents) != np.arange(40))
        assert copies.tolist() == list(range(20))
        for field in bounds:
            ratios = np.asarray(changed[field] / numbers[field][parents])[copies]
            assert set(ratios.tolist()) == {0.5, 2.0}  # exact: a power of two
            ups[field] += (ratios == 2.0).tolist()
    # 200 tosses of each coin: five standard deviations are 35.
    for tosses in ups.values():
        assert 65 < sum(tosses) < 135
    same = sum(one == other for one, other in zip(*ups.values(), strict=True))
    assert 65 < same < 135


def test_numbers_stay_within_their_bounds():
    lanes, numbers = population(4)
    for beta, expected in [(3.9, {4.0, 3.9 / 1.2}), (0.55, {0.5, 0.66}), (4.0, {4.0, 4.0 / 1.2})]:
        found = set()
        for seed in range(20):
            given = numbers | {"beta": jnp.full(4, beta)}
            changed = next_generation(
                jax.random.key(seed), lanes, given, jnp.arange(4.0), bounds={"beta": (0.5, 4.0)}, share=0.25
            ).numbers["beta"]
            assert changed[1:].tolist() == pytest.approx([beta] * 3)
            found.add(round(changed[0].item(), 4))
        assert found == {round(value, 4) for value in expected}


def test_every_one_of_the_best_is_drawn_and_the_same_key_draws_the_same():
    lanes, numbers = population(8)
    draw = lambda seed: next_generation(
        jax.random.key(seed), lanes, numbers, jnp.arange(8.0), bounds=BOUNDS, share=0.5
    ).parents.tolist()
    assert {parent for seed in range(10) for parent in draw(seed)[:4]} == {4, 5, 6, 7}
    assert draw(1) == draw(1)
    assert len({tuple(draw(seed)) for seed in range(10)}) > 5


def test_compiled_and_eager_are_alike():
    lanes, numbers = population(6)
    for seed in range(3):
        arguments = jax.random.key(seed), lanes, numbers, jnp.asarray([3.0, 1.0, 2.0, jnp.nan, 5.0, 4.0])
        eager = next_generation(*arguments, bounds=BOUNDS, share=0.5)
        compiled = jax.jit(lambda *given: next_generation(*given, bounds=BOUNDS, share=0.5))(*arguments)
        for one, other in zip(jax.tree.leaves(eager), jax.tree.leaves(compiled), strict=True):
            if jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
                one, other = jax.random.key_data(one), jax.random.key_data(other)
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-6)


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
