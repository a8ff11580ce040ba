"""Help, lists and usage errors: clear, and without waiting for JAX."""

import subprocess
import sys
import time

import pytest

from vae_jax import __version__, catalogue
from vae_jax.cli.arguments import COMMANDS


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_help_names_every_command(vae_jax, arguments):
    result = vae_jax(*arguments)
    assert (result.code, result.err) == (0, "")
    for name in (
        "list",
        "train",
        "sweep",
        "resume",
        "evaluate",
        "sample",
        "reconstruct",
        "report",
        "compare",
        "data",
        "info",
    ):
        assert f"\n  {name} " in result.out


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"train"}))
def test_every_command_has_help(vae_jax, name):
    result = vae_jax(name, "--help")
    assert result.code == 0
    assert f"usage: vae-jax {name}" in result.out
    assert COMMANDS[name].__doc__.split()[0] in result.out


def test_version(vae_jax):
    assert vae_jax("--version") == (0, __version__ + "\n", "")


def test_list_has_a_line_for_every_experiment(vae_jax):
    result = vae_jax("list")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines] == list(catalogue.shipped())
    assert {"pca", "linear_autoencoder", "autoencoder", "linear_vae", "vae", "vae_2d"} <= set(catalogue.shipped())
    assert all(len(line.split()) > 3 for line in lines)


def test_info_tells_versions_and_device(vae_jax):
    result = vae_jax("info")
    assert result.code == 0
    for name in ("vae_jax", "python", "device", "jax", "flax", "orbax-checkpoint"):
        assert f"\n{name} " in "\n" + result.out
    for name in ("device 0", "host", "float32 products", "compiled programs"):
        assert f"\n{name:18} " in "\n" + result.out


def test_train_help_is_the_usage_and_the_experiments(vae_jax):
    result = vae_jax("train", "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("usage: vae-jax train NAME|FILE [--run-dir DIR] [--overwrite] [--num-steps N]")
    assert all(name in result.out for name in catalogue.shipped())


def test_the_help_of_an_experiment_has_its_fields_and_the_run_s_options(vae_jax):
    result = vae_jax("train", "vae", "--help")
    assert (result.code, result.err) == (0, "")
    for text in (
        "--latent-size",
        "Latent dimensions.",
        "(default: 20)",
        "--learning-rate",
        "Learning rate of Adam.",
        "--seed",
    ):
        assert text in result.out
    for text in ("--run-dir", "--overwrite", "Replace the run that is in --run-dir.", "--num-steps"):
        assert text in result.out
    assert "The variational autoencoder" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("trian",),
            "expected a command (list, train, sweep, resume, evaluate, sample, reconstruct, report, compare, data, "
            "info); got 'trian'; did you mean 'train'?",
        ),
        (("train",), "expected the name or file of an experiment behind 'train'; 'vae-jax list' names them"),
        (
            ("train", "--latent-size", "3"),
            "expected the name or file of an experiment behind 'train'; 'vae-jax list' names them",
        ),
        (
            ("train", "nowhere/mine.py"),
            "expected an experiment file; there is none at nowhere/mine.py; 'vae-jax list' names the shipped ones",
        ),
        (("train", "vae", "--num-steps", "-1"), "expected --num-steps of at least 0; got -1"),
        (("resume", "here", "--num-steps", "-1"), "expected --num-steps of at least 0; got -1"),
        (("evaluate", "here", "--num-samples", "0"), "expected --num-samples of at least 1; got 0"),
        (("sample", "here", "--out", "a.jpg"), "expected a .png or .csv file to write to; got a.jpg"),
        (("reconstruct", "here", "--out", "picture"), "expected a .png file to write to; got picture"),
        (("sample", "here", "--out", "a.png", "--num", "0"), "expected --num of at least 1; got 0"),
    ],
)
def test_usage_errors_are_one_line(refusal, arguments, message):
    assert refusal(*arguments) == message


@pytest.mark.parametrize(("name", "meant"), [("vea", "vae"), ("vae2d", "vae_2d"), ("linear-vae", "linear_vae")])
def test_a_misspelt_experiment_is_named(refusal, name, meant):
    line = refusal("train", name)
    assert line.startswith("expected an experiment (adversarial_autoencoder, autoencoder, ")
    assert line.endswith(f" or the path of a .py file; got '{name}'; did you mean '{meant}'?")


def test_a_picture_in_a_folder_that_is_not_there(refusal, tmp_path):
    folder = tmp_path / "nowhere"
    line = refusal("sample", "here", "--out", folder / "a.png")
    assert line == f"expected a folder that exists; {folder} does not; make it first"
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "vae", "--learning-rat", "1"), ("--learning-rat", "--learning-rate")),
        (("train", "vae", "--overwrit"), ("--overwrit", "--overwrite")),
        (("train", "vae", "--learning-rate", "fast"), ("--learning-rate", "fast", "FLOAT")),
        (("train", "vae", "--latent-size", "2.5"), ("--latent-size", "2.5", "INT")),
        (("evaluate", "here", "--select", "worst"), ("--select", "worst", "best", "latest")),
        (("evaluate", "here", "--num-sample", "5"), ("--num-sample", "--num-samples")),
        (("evaluate",), ("DIR",)),
        (("sample", "here"), ("--out",)),
        (("resume", "here", "there"), ("there",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_wrong_flag_or_value_is_named(vae_jax, arguments, words):
    result = vae_jax(*arguments)
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err


WITHOUT_JAX = [
    (["--help"], 0),
    (["--version"], 0),
    (["list"], 0),
    (["train", "--help"], 0),
    (["train", "vae", "--help"], 0),
    (["evaluate", "--help"], 0),
    (["trian"], 2),
    (["train", "vea"], 2),
    (["train", "vae", "--learning-rat", "1"], 2),
    (["train", "vae", "--learning-rate", "fast"], 2),
    (["train", "vae", "--num-steps", "-1"], 2),
    (["train", "vae", "--profile", "9:3"], 2),
    (["train", "vae", "--run-dir", "."], 2),
    (["resume", "."], 2),
    (["evaluate", "nowhere"], 2),
    (["sample", ".", "--out", "a.jpg"], 2),
    (["report", "."], 2),
    (["compare", "something"], 2),
    (["compare", "run"], 0),
]


def test_help_lists_and_usage_errors_do_not_import_jax(tmp_path):
    """All of them after each other in one process; `jax._src` is there as soon as jax is truly imported."""
    (tmp_path / "something").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text('{"experiment": "vae", "config": {"seed": 0}, "num_steps": null}')
    code = f"""
import sys
from vae_jax.cli.main import main
for arguments, expected in {WITHOUT_JAX!r}:
    try:
        code = main(arguments)
    except SystemExit as ending:
        code = ending.code
    assert code == expected, (arguments, code)
    for slow in ("jax._src", "flax", "orbax", "sklearn", "matplotlib", "optax._src"):
        assert slow not in sys.modules, (arguments, slow)
import jax.numpy
assert "jax._src" in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2_000:]


def test_how_long_help_takes(capsys):
    """Printed and not asserted, since the machine may be busy: `pytest -s` shows it."""
    lines = []
    for arguments in (["--help"], ["list"], ["trian"], ["train", "vae", "--help"]):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "vae_jax", *arguments], capture_output=True)
        lines.append(f"vae-jax {' '.join(arguments):20} {time.perf_counter() - began:.2f} s")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
