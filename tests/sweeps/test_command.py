"""The command that a sweep's page tells: typed again, it makes the same sweep."""

import dataclasses
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from vae_jax.catalogue import load_experiment
from vae_jax.cli.sweep_words import config_and_axes, parse_sweep
from vae_jax.config.saved import config_to_json
from vae_jax.sweeps.explain import command
from vae_jax.sweeps.sweep import begin
from vae_jax.sweeps.values.axes import from_json, to_json
from vae_jax.sweeps.work.directory import SweepSpec


def sweep_of(words):
    """What `begin` would make of a command line, as far as it is kept."""
    asked = parse_sweep(words)
    options = asked.options
    config, axes = config_and_axes(asked.file, asked.fields, may_repeat=options.zip)
    spec = SweepSpec(
        asked.file.name,
        config_to_json(config),
        options.num_steps,
        {name: to_json(axis) for name, axis in axes.items()},
        [],
        options.zip,
        dataclasses.asdict(options.search_config) if options.search else None,
        dataclasses.asdict(options.evolve) if options.evolve.every else None,
    )
    return SimpleNamespace(spec=spec, file=asked.file, axes={name: from_json(axis) for name, axis in spec.axes.items()})


@pytest.mark.parametrize(
    "line",
    [
        "vae --beta 1 2 4",
        "vae --beta 1 --learning-rate 1e-4 3e-4 --seed 0:3",
        "vae --hidden-sizes 512,256 --beta 1 2 --data.image-size 8",
        "vae --hidden-sizes 512,256 64 --activation relu tanh --num-steps 7",
        "vae --zip --beta 1 1 2 --seed 0 1 0 --data.name digits",
        "vae --data.image-size none 8 --data.name digits mnist_5k",
        "vae_warm_up --seed 0:2",
        "vae --beta 0.123456789:1.5 --learning-rate 1e-5:0.0123456789:log --latent-size 4:64:log --search tpe",
        "vae --beta 0.1:1 --seed 0:9 --search sobol --trials 9 --stopping hyperband",
        "vae --beta 1 2 --search grid --objective kl,nll --search-seed 3 --storage sqlite:///study.db",
        "vae --beta 1 2 --evolve.every 2 --evolve.share 0.25 --evolve.factor 1.5",
    ],
)
def test_the_command_of_a_sweep_makes_it_again(line):
    sweep = sweep_of(shlex.split(line))
    words = shlex.split(command(sweep))
    assert words[:2] == ["vae-jax", "sweep"]
    assert sweep_of(words[2:]).spec == sweep.spec


def test_fields_that_are_as_usual_are_left_out():
    usual = load_experiment("vae").Config().latent_size
    assert command(sweep_of(shlex.split(f"vae --latent-size {usual} --seed 0 1"))) == "vae-jax sweep vae --seed 0 1"


def test_the_command_of_an_own_file_is_given_in_the_directory_of_the_sweep(tmp_path, monkeypatch):
    """A file of the name of a shipped experiment is another all the same."""
    source = Path(__file__).parent / "small_experiment.py"
    for name in ("small_experiment.py", "vae.py"):
        own = Path(shutil.copy(source, tmp_path / name))
        words = [str(own), "--beta", "1", "2", "--num-steps", "7", "--scale", "0.25"]
        asked = parse_sweep(words)
        config, axes = config_and_axes(asked.file, asked.fields, may_repeat=False)
        begun = begin(asked.file, config, axes, run_dir=tmp_path / own.stem, num_steps=7)
        monkeypatch.chdir(tmp_path / own.stem)
        program, command_name, *told = shlex.split(command(begun))
        assert (program, command_name, told[0]) == ("vae-jax", "sweep", "experiment.py")
        again = sweep_of(told).spec
        assert again._replace(experiment=own.stem) == begun.spec._replace(side_by_side=[])


def test_a_password_is_not_told():
    line = "vae --beta 1 2 --search tpe --trials 3 --storage postgresql://ada:secret@host/study"
    told = command(sweep_of(shlex.split(line)))
    assert "secret" not in told
    assert "postgresql://ada:***@host/study" in told
