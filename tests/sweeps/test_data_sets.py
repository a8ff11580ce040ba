"""The data of a sweep: each set is read once, and lanes share it only if nothing that they differ in goes into it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

import vae_jax as vj
from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.messages import UsageError
from vae_jax.sweeps.lanes.data_sets import DataSets
from vae_jax.sweeps.sweep import Sweep, begin, trials_of
from vae_jax.sweeps.values.axes import Values
from vae_jax.sweeps.work.programs import family_of
from vae_jax.training.metrics import read_metrics

SMALL = (Path(__file__).parent / "small_experiment.py").read_text("utf-8")
DATA = SMALL[SMALL.index("def data(") : SMALL.index("def experiment(")]


@dataclass(frozen=True)
class Part:
    name: str = "some"
    size: int = 3


@dataclass(frozen=True)
class Config:
    seed: int = 0
    noise: float = 0.5
    beta: float = 1.0
    part: Part = field(default_factory=Part)

    def __post_init__(self):
        object.__setattr__(self, "level", 2 * self.noise)

    @property
    def scale(self):
        return 1 + self.noise

    def spread(self):
        return self.seed * self.noise


@dataclass(frozen=True, slots=True)
class Slotted:
    seed: int = 0
    noise: float = 0.5


def numbers():
    return vj.data.from_object(np.zeros((30, 2), np.float32), name="numbers")


def data_sets(read, config=Config):
    """The data of a function that reads something of a config, and the configs that it was called with."""
    calls = []

    def data(config):
        read(config)
        calls.append(config)
        return numbers()

    return DataSets(ExperimentFile("some", Path("some.py"), "", config, data, lambda config, data: None)), calls


@pytest.mark.parametrize(
    ("read", "fields"),
    [
        (lambda config: None, set()),
        (lambda config: config.noise, {"noise"}),
        (lambda config: config.part.size, {"part"}),
        (lambda config: config.scale, {"noise"}),
        (lambda config: config.spread(), {"seed", "noise"}),
        (lambda config: replace(config.part, size=4), {"part"}),
        (lambda config: config.level, {"seed", "noise", "beta", "part"}),
        (lambda config: vars(config)["noise"], {"seed", "noise", "beta", "part"}),
        (lambda config: hash(config), {"seed", "noise", "beta", "part"}),
        (lambda config: isinstance(config, Config) or 1 / 0, set()),
    ],
)
def test_a_set_is_read_once_for_all_configs_that_are_equal_in_the_fields_that_it_is_made_of(read, fields):
    sets, calls = data_sets(read)
    first = sets.of(Config())
    assert sets.fields_read(Config()) == fields
    assert sets.of(Config()) is first
    changes = {"seed": 1, "noise": 0.25, "beta": 2.0, "part": Part(size=4)}
    for name, value in changes.items():
        assert (sets.of(Config(**{name: value})) is not first) == (name in fields), name
    assert len(calls) == 1 + len(fields)
    assert [config.part.name for config in calls] == ["some"] * len(calls)


def test_a_config_with_slots():
    sets, calls = data_sets(lambda config: config.seed, Slotted)
    assert sets.of(Slotted()) is sets.of(Slotted(noise=1.0)) is not sets.of(Slotted(seed=1))
    assert [config.seed for config in calls] == [0, 1]


def test_what_data_read_later_counts_too():
    """An item that is drawn when it is asked for still has its config."""
    kept = []
    sets, _ = data_sets(kept.append)
    first = sets.of(Config())
    assert sets.of(Config(noise=0.25)) is first
    assert kept[0].noise == 0.5
    assert sets.of(Config(noise=0.25)) is not first


@pytest.fixture
def file(tmp_path):
    """The small experiment with data of its own, which writes a line whenever they are made."""

    def write(body, *replacements):
        source = SMALL.replace(DATA, f'def data(config):\n    with open("{tmp_path}/made", "a") as made:\n{body}\n\n')
        for old, new in replacements:
            assert source.count(old) == 1, old
            source = source.replace(old, new)
        (tmp_path / "own.py").write_text(source)
        return tmp_path / "own.py"

    return write


def made(path):
    return sorted((path / "made").read_text().split())


OF_SEED = """\
        print(int(config.seed), file=made)
    examples = np.random.default_rng(config.seed).normal(1.0, 0.5, size=(90, 4)).astype(np.float32)
    return vj.data.from_object(examples, name="numbers")
"""


@pytest.fixture
def _without_a_page(without_a_page, monkeypatch):
    monkeypatch.setattr(Sweep, "report", lambda sweep: sweep.directory.report.write_text("a page"))


@pytest.mark.usefixtures("_without_a_page")
def test_lanes_whose_seeds_make_their_data_are_groups_on_data_of_their_own(file, tmp_path):
    """Each lane is the run that it would be alone."""
    path = file(OF_SEED)
    sweep = vj.sweep(path, seed=[0, 1], beta=[1.0, 4.0], num_steps=10, run_dir=tmp_path / "sweep")
    assert sweep.spec.side_by_side == ["beta"]
    assert made(tmp_path) == ["0", "1"]
    alone = vj.train(path, seed=1, beta=4.0, num_steps=10, run_dir=tmp_path / "alone")
    value, expected = (read_metrics(run.directory.metrics)[-1]["value"] for run in (sweep.run(3), alone))
    np.testing.assert_allclose(value, expected, rtol=1e-4)


FIRST_FIELD = ("    seed: int = 0\n", '    data: vj.DataConfig = vj.DataConfig("nowhere.npy")\n    seed: int = 0\n')
OF_NAME = """\
        print(config.data.name.rpartition("/")[2], file=made)
    return vj.data.load(config.data)
"""


@pytest.mark.long
@pytest.mark.usefixtures("_without_a_page")
def test_a_sweep_over_data_reads_each_set_once_and_the_default_never(file, tmp_path):
    names = [str(tmp_path / f"{name}.npy") for name in "ab"]
    for name, shift in zip(names, (0.0, 5.0), strict=True):
        np.save(name, np.random.default_rng(0).normal(shift, 1.0, (90, 4)).astype(np.float32))
    file = load_experiment(file(OF_NAME, FIRST_FIELD))
    axes = {"data.name": Values(tuple(names)), "seed": Values((0, 1))}
    sweep = begin(file, file.Config(), axes, num_steps=10, run_dir=tmp_path / "sweep")
    assert sweep.work()
    assert sweep.spec.side_by_side == ["seed"]
    assert made(tmp_path) == ["a.npy", "b.npy"]
    datasets = [sweep.run(number).experiment.dataset for number in range(4)]
    assert [dataset.name for dataset in datasets] == ["a", "a", "b", "b"]
    assert [round(float(dataset.mean().mean())) for dataset in datasets] == [0, 0, 5, 5]


OF_SEED_AT_TIMES = """\
        print("made", file=made)
    seed = config.seed if config.hidden_sizes == (4,) and config.patience == 2 else 0
    examples = np.random.default_rng(seed).normal(1.0, 0.5, size=(90, 4)).astype(np.float32)
    return vj.data.from_object(examples, name="numbers")
"""


def test_data_that_read_a_seed_for_some_combinations_alone_are_refused_rather_than_shared(file, tmp_path):
    file = load_experiment(file(OF_SEED_AT_TIMES))
    axes = {"hidden_sizes": Values(((8,), (4,))), "patience": Values((1, 2)), "seed": Values((0, 1))}
    sweep = begin(file, file.Config(), axes, num_steps=10, run_dir=tmp_path / "sweep")
    assert sweep.spec.side_by_side == ["seed"]
    for number, trial in enumerate(trials_of(axes, is_zipped=False)[:-2]):
        assert family_of(file, sweep.spec, trial, sweep.data_sets).config.patience == (1, 2)[number // 2 % 2]
    with pytest.raises(UsageError) as caught:
        family_of(file, sweep.spec, trials_of(axes, is_zipped=False)[-1], sweep.data_sets)
    assert str(caught.value) == (
        f"expected data(config) in {file.path} to read the same fields for all lanes; it reads seed for some of them "
        "only; read it for all"
    )
