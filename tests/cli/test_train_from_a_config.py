"""`vae-jax train --config FILE`: a run from the fields, the number of steps and the experiment of another."""

import json
from pathlib import Path

import pytest

from vae_jax.cli.arguments import parse
from vae_jax.runs.begin import resume


@pytest.fixture
def saved(tmp_path):
    """Write a config.json, by default of the experiment vae, and return its path."""

    def write(text: str | None = None, name: str = "saved.json", **changes: object) -> Path:
        record = {"experiment": "vae", "config": {"beta": 2.0, "hidden_sizes": [16, 8]}, "num_steps": 7} | changes
        path = tmp_path / name
        path.write_text(json.dumps(record) if text is None else text)
        return path

    return write


def test_experiment_fields_and_steps_are_those_of_the_file(saved):
    train = parse(["train", "--config", str(saved())])
    assert train.file.name == "vae"
    assert (train.config.beta, train.config.hidden_sizes, train.config.latent_size) == (2.0, (16, 8), 20)
    assert train.options.num_steps == 7


def test_a_relative_path_of_data_is_meant_in_the_folder_of_the_run_it_is_from(saved, tmp_path):
    path = saved(config={"data": {"name": "x.csv"}})
    assert parse(["train", "--config", str(path)]).config.data.name == "x.csv"
    (tmp_path / "project").mkdir()
    (tmp_path / "environment.json").write_text(json.dumps({"folder": str(tmp_path / "project")}))
    assert parse(["train", "--config", str(path)]).config.data.name == "x.csv"
    (tmp_path / "project" / "x.csv").touch()
    assert parse(["train", "--config", str(path)]).config.data.name == str(tmp_path / "project" / "x.csv")


@pytest.mark.parametrize("name", [(), ("vae",)])
def test_options_stand_on_top_wherever_they_are(saved, name):
    words = (*name, "--beta", "3", f"--config={saved()}", "--data.name", "digits", "--num-steps", "none", "--overwrite")
    train = parse(["train", *words])
    assert (train.config.beta, train.config.hidden_sizes, train.config.data.name) == (3.0, (16, 8), "digits")
    assert (train.options.num_steps, train.options.overwrite) == (None, True)


def test_a_name_goes_before_the_experiment_of_the_file(saved):
    train = parse(["train", "beta_tc_vae", "--config", str(saved(experiment="nosuch"))])
    assert train.file.name == "beta_tc_vae"
    assert (train.config.beta, train.config.hidden_sizes) == (2.0, (16, 8))


def test_the_help_is_that_of_the_experiment_with_the_values_of_the_file(vae_jax, saved):
    result = vae_jax("train", "--config", saved(), "--help")
    assert (result.code, result.err) == (0, "")
    assert "usage: vae-jax train vae" in result.out
    for text in ("(default: 2.0)", "(default: 16,8)", "(default: 7)"):
        assert text in result.out


@pytest.mark.usefixtures("without_a_page")
def test_a_run_of_an_experiment_of_ones_own_is_started_from_its_directory(vae_jax, run, tmp_path):
    """Its file may have moved: the run keeps a copy."""
    other = tmp_path / "other"
    result = vae_jax("train", "--config", run, "--latent-size", 3, "--run-dir", other, "--num-steps", 10)
    assert result.code == 0, result
    before, after = (json.loads((path / "config.json").read_text()) for path in (run, other))
    assert after == before | {"config": before["config"] | {"latent_size": 3}, "num_steps": 10}
    assert (other / "experiment.py").read_bytes() == (run / "experiment.py").read_bytes()
    of_directory, of_file = (parse(["train", "--config", str(path)]) for path in (run, run / "config.json"))
    assert (of_directory.file.path, repr(of_directory.config)) == (of_file.file.path, repr(of_file.config))


@pytest.mark.usefixtures("without_a_page")
def test_the_same_run_again_is_the_same_to_the_bit(vae_jax, run, tmp_path):
    assert vae_jax("train", "--config", run, "--run-dir", tmp_path / "again").code == 0
    for name in ("config.json", "metrics.jsonl", "evaluation.json"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": "{"}, "expected JSON in {path}; Expecting property name enclosed in double quotes: line 1 column 2"),
        ({"text": "[1]"}, "expected an object with config, experiment, num_steps in {path}; got another"),
        ({"config": [1]}, "expected an object with config, experiment, num_steps in {path}; got another"),
        ({"num_steps": "many"}, 'expected num_steps of at least 0 or null in {path}; got "many"'),
        ({"num_steps": True}, "expected num_steps of at least 0 or null in {path}; got true"),
        ({"experiment": 3}, "expected the name of an experiment in {path}; got 3"),
        (
            {"experiment": "vea"},
            "expected an experiment or the path of a .py file; got 'vea'; did you mean 'vae'? Known: ",
        ),
        (
            {"config": {"betta": 1}},
            "expected a field of vae; got 'betta'; did you mean 'beta'? Known: seed, data, latent_size, ",
        ),
        ({"config": {"beta": "1"}}, "expected values of the types of vae's fields; got '1' for beta, not a number"),
        ({"config": {"beta": float("nan")}}, "expected a finite number for beta; got nan"),
        (
            {"config": {"data": {"nam": 1}}},
            "expected values of the types of vae's fields; got 'nam' in data, which has",
        ),
    ],
    ids=str,
)
def test_a_config_that_cannot_be_is_refused_in_one_line(refusal, saved, changes, message):
    path = saved(**changes)
    assert refusal("train", "--config", path).startswith(message.format(path=path))


def test_what_is_not_there_is_refused_in_one_line(refusal, tmp_path):
    for path, file in ((tmp_path / "nowhere", tmp_path / "nowhere"), (tmp_path, tmp_path / "config.json")):
        expected = f"expected the config.json of a run, or its directory; {file}: No such file or directory"
        assert refusal("train", "--config", path) == expected
        assert refusal("train", "vae", "--config", path) == expected
    for words in (("--config",), ("vae", "--config"), ("--config", "--beta", "1")):
        assert refusal("train", *words) == "expected one value behind --config; got none"


def test_a_config_is_given_once(refusal, saved):
    line = refusal("train", "--config", saved(), "--config", saved())
    assert line == "expected --config once, all its values behind it; got it twice"


def test_a_field_of_that_name_is_refused(refusal, experiment_file):
    path = experiment_file(("    batch_size: int = 100\n", "    batch_size: int = 100\n    config: int = 0\n"))
    assert refusal("train", path) == (
        "expected a 'Config' without config, hosts, num_steps, overwrite, parallel, profile, run_dir, which are "
        f"options of every run; {path} has 'config'; rename it"
    )


UNION = (
    ("    learning_rate: float = 1e-2\n", "    learning_rate: float | str = 1e-2\n"),
    (
        "optax.adam(config.learning_rate)",
        'optax.adam(1e-2 if config.learning_rate == "usual" else config.learning_rate)',
    ),
)


@pytest.mark.usefixtures("without_a_page")
@pytest.mark.parametrize(("word", "value"), [("usual", "usual"), ("-1e-3", -1e-3)])
def test_a_field_of_two_types_is_trained_with_and_resumed(vae_jax, experiment_file, tmp_path, word, value):
    path, directory = experiment_file(*UNION), tmp_path / "run"
    result = vae_jax("train", path, "--learning-rate", word, "--run-dir", directory, "--num-steps", 10)
    assert result.code == 0, result
    assert json.loads((directory / "config.json").read_text())["config"]["learning_rate"] == value
    assert repr(resume(directory, num_steps=20).config.learning_rate) == repr(value)


def test_an_infinite_word_is_not_taken_for_a_string(refusal, experiment_file):
    path = experiment_file(*UNION)
    for word in ("nan", "-inf", "1e999"):
        line = refusal("train", path, "--learning-rate", word)
        assert line == f"expected a number or a word for --learning-rate; got '{word}'"
