"""The modules that an experiment imports from beside it are kept with its runs, wherever these go."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vae_jax.catalogue import kept_in, load_experiment
from vae_jax.messages import UsageError
from vae_jax.outline import outline
from vae_jax.runs import begin as runs
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.wiring import wire
from vae_jax.sweeps import sweep as sweeps
from vae_jax.sweeps.values.axes import Values
from vae_jax.sweeps.values.trial import Trial
from vae_jax.sweeps.work.directory import SweepDirectory
from vae_jax.sweeps.work.judge import StackJudge

TINY = Path(__file__).parents[1] / "tiny_experiment.py"
KEPT = ["experiment.py", "experiment_modules/bounds.py", "experiment_modules/reading/digits.py"]
CHANGES = {
    "import optax\n": "import optax\n\nimport bounds\n",
    'return vj.data.load("digits")': "from reading import digits\n\n    return digits.read()",
    "over_batch(vj.objectives.elbo)": "over_batch(bounds.bound)",
}


@pytest.fixture
def mine(tmp_path):
    """An experiment with a module beside it, and another that it imports when it is called."""
    source = TINY.read_text()
    for old, new in CHANGES.items():
        source = source.replace(old, new)
    folder = tmp_path / "mine"
    (folder / "reading").mkdir(parents=True)
    (folder / "mine.py").write_text(source)
    (folder / "bounds.py").write_text("import vae_jax as vj\n\nbound = vj.objectives.elbo\n")
    (folder / "reading" / "digits.py").write_text("import vae_jax as vj\n\nread = lambda: vj.data.load('digits')\n")
    (folder / "notes.py").write_text("1 / 0")
    return folder / "mine.py"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Move a directory to another folder, where other modules of these names lie, and delete what it was made from."""

    def moved(path, original):
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        shutil.move(path, folder / path.name)
        shutil.rmtree(original.parent)
        monkeypatch.chdir(folder)
        for other in (folder / "bounds.py", folder / path.name / "bounds.py"):
            other.write_text("1 / 0")
        return folder / path.name

    return moved


def test_a_run_is_opened_elsewhere(mine, elsewhere, tmp_path):
    file = load_experiment(mine)
    run = runs.begin(file, file.Config(), tmp_path / "run", overwrite=False, num_steps=1)
    before = kept_in(run.directory.path)
    assert sorted(before) == KEPT
    again = runs.open_run(elsewhere(run.directory.path, mine))
    assert again.file.kept == before
    assert again.experiment.dataset.name == "digits"


def test_a_sweep_and_its_lanes_have_them(mine, elsewhere, tmp_path):
    file = load_experiment(mine)
    begun = sweeps.begin(file, file.Config(), {"seed": Values((0, 1))}, run_dir=tmp_path / "sweep", num_steps=1)
    sweep = sweeps.Sweep(SweepDirectory(elsewhere(begun.directory.path, mine)))
    assert sorted(sweep.file.kept) == KEPT
    experiment, nobody = wire(sweep.file, sweep.file.Config(), 1), cast(Any, None)
    judge = StackJudge(sweep.directory, sweep.spec, sweep.file, {}, nobody, nobody, None, nobody)
    program: Any = SimpleNamespace(
        family=SimpleNamespace(config=sweep.file.Config(), data=experiment.dataset),
        numbers=lambda trial: trial.fields,
        experiment=experiment,
        outline=outline(experiment),
    )
    lane = judge.begin(Trial(1, {"seed": 1}), program)
    assert kept_in(lane.path) == sweep.file.kept
    assert runs.open_run(lane.path).config.seed == 1


def test_a_folder_of_that_name_is_ours_only_where_a_run_was_being_made(tmp_path):
    directory = RunDirectory(tmp_path)
    (tmp_path / "experiment_modules").mkdir()
    (tmp_path / "experiment_modules" / "old.py").touch()
    with pytest.raises(UsageError, match="holds experiment_modules and is no run"):
        directory.check_free(overwrite=True)
    directory.environment.write_text("half")
    directory.check_free(overwrite=False)
    directory.create({}, {}, {"experiment.py": b"", "experiment_modules/new.py": b""}, {})
    assert [path.name for path in (tmp_path / "experiment_modules").iterdir()] == ["new.py"]
