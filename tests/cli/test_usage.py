"""Help, lists and usage errors: clear, and without waiting for JAX."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from vae_jax import __version__, catalogue
from vae_jax.cli.arguments import COMMANDS, parse
from vae_jax.cli.compare import Compare
from vae_jax.cli.data import Prepare
from vae_jax.cli.train import Resume
from vae_jax.parallel.config import HostsConfig, ParallelConfig


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
        "encode",
        "export",
        "diagnose",
        "report",
        "compare",
        "data",
        "info",
        "completion",
    ):
        assert f"\n  {name} " in result.out


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"train"}))
def test_every_command_has_help(vae_jax, name):
    result = vae_jax(name, "--help")
    assert result.code == 0
    assert f"usage: vae-jax {name}" in result.out
    assert COMMANDS[name].__doc__.split()[0] in result.out


def test_version(vae_jax):
    assert vae_jax("--version") == vae_jax("-V") == (0, __version__ + "\n", "")


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
        "--hidden-sizes INT,INT,...",
        "(default: 400)",
        "--data.image-size INT|none",
        "--overwrite [true|false]",
        "--config FILE",
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
            "expected a command (list, train, sweep, resume, evaluate, sample, reconstruct, encode, export, diagnose, "
            "report, compare, data, info, completion); got 'trian'; did you mean 'train'?",
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
        (("sample", "here", "--out", "a.jpg"), "expected a .png, .csv, .parquet or .npz file to write to; got a.jpg"),
        (
            ("reconstruct", "here", "--out", "picture"),
            "expected a .png, .csv or .parquet file to write to; got picture",
        ),
        (("encode", "here", "--out", "a.png"), "expected a .npz, .csv or .parquet file to write to; got a.png"),
        (("sample", "here", "--out", "a.png", "--num", "0"), "expected --num of at least 1; got 0"),
    ],
)
def test_usage_errors_are_one_line(refusal, arguments, message):
    assert refusal(*arguments) == message


@pytest.mark.parametrize(("name", "meant"), [("vea", "vae"), ("vae2d", "vae_2d"), ("linear-vae", "linear_vae")])
def test_a_misspelt_experiment_is_named(refusal, name, meant):
    line = refusal("train", name)
    said = f"expected an experiment or the path of a .py file; got '{name}'; did you mean '{meant}'? Known: "
    assert line.startswith(f"{said}adversarial_autoencoder, autoencoder, ")


def test_a_picture_in_a_folder_that_is_not_there(refusal, tmp_path):
    folder = tmp_path / "nowhere"
    line = refusal("sample", "here", "--out", folder / "a.png")
    assert line == f"expected a folder that exists; {folder} does not; make it first"
    assert not folder.exists()


VAE_FIELDS = (
    "seed, data.name, data.dir, data.train, data.validation, data.test, data.examples, data.labels, data.parts, "
    "data.kinds, data.separator, data.decimal, data.image_size, data.colour, data.max_value, data.feed, "
    "data.num_workers, latent_size, learning_rate, batch_size, num_epochs, hidden_sizes, activation, "
    "max_gradient_norm, beta"
)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        # No such option.
        (
            "train vae --learning-rat 1",
            "expected a field of vae or an option of the run; got '--learning-rat'; did you mean '--learning-rate'? "
            f"Known: {VAE_FIELDS}",
        ),
        (
            "train vae --overwrit",
            "expected a field of vae or an option of the run; got '--overwrit'; did you mean '--overwrite'? "
            f"Known: {VAE_FIELDS}",
        ),
        (
            "train vae --beta 1 -seed 3",
            f"expected a field of vae or an option of the run; got '-seed'; did you mean '--seed'? Known: {VAE_FIELDS}",
        ),
        ("train vae --zzzz", f"expected a field of vae or an option of the run; got '--zzzz'; known: {VAE_FIELDS}"),
        (
            "evaluate here --num-sample=5",
            "expected an option of 'evaluate'; got '--num-sample'; did you mean '--num-samples'? Known: "
            "--num-samples, --proposal, --split, --select, --out, --accept-data, --json, --certify, --num-examples, "
            "--annealing.chains, --annealing.temperatures, --annealing.leapfrog-steps, --annealing.acceptance",
        ),
        (
            "data prepare x --form y",
            "expected an option of 'data prepare'; got '--form'; did you mean '--from'? Known: --from, --dir, "
            "--overwrite",
        ),
        ("list --all", "expected no option of 'list'; got '--all'"),
        # A value of another type.
        ("train vae --learning-rate fast", "expected a number for --learning-rate; got 'fast'"),
        ("train vae --learning-rate=inf", "expected a number for --learning-rate; got 'inf'"),
        ("train vae --latent_size 2.5", "expected an integer for --latent-size; got '2.5'"),
        ("train vae --hidden-sizes 16,x", "expected integers with commas between for --hidden-sizes; got '16,x'"),
        ("train vae --overwrite yes", "expected true or false for --overwrite; got 'yes'"),
        ("train vae --parallel.devices all", "expected an integer or none for --parallel.devices; got 'all'"),
        ("evaluate here --select bets", "expected best or latest for --select; got 'bets'; did you mean 'best'?"),
        # Too few words, or too many.
        ("train vae --beta", "expected one value behind --beta; got none"),
        ("train vae --beta --seed 3", "expected one value behind --beta; got none"),
        ("train vae --beta 1 2", "expected one value behind --beta; got '1 2'"),
        ("train vae --hidden-sizes 512 256", "expected one value behind --hidden-sizes; got '512 256'; write 512,256"),
        ("train vae --hidden-sizes", "expected one value behind --hidden-sizes; got none; write '' for an empty one"),
        ("train vae --overwrite true false", "expected at most one value behind --overwrite; got 'true false'"),
        ("train vae --beta 1 --beta=2", "expected --beta once, all its values behind it; got it twice"),
        ("train vae --overwrite --no-overwrite", "expected --overwrite once, all its values behind it; got it twice"),
        (
            "train vae 3",
            "expected an option before any value, such as --seed; got '3'; 'vae-jax train vae --help' names all",
        ),
        ("evaluate", "expected one DIR behind 'evaluate'; got none; 'vae-jax evaluate --help' tells more"),
        ("evaluate --split test", "expected one DIR behind 'evaluate'; got none; 'vae-jax evaluate --help' tells more"),
        ("resume here there", "expected one DIR behind 'resume'; got 'here there'"),
        ("resume here --num-steps 3 4", "expected one DIR behind 'resume'; got 'here 4'"),
        ("sample here", "expected --out and a path behind 'sample'; got none"),
        ("sample here --out", "expected one value behind --out; got none"),
        ("list all", "expected no value behind 'list'; got 'all'"),
        ("data list all", "expected no value behind 'data list'; got 'all'"),
        ("compare", "expected runs, a sweep, or a folder with runs behind 'compare'; got none"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(refusal, line, message):
    assert refusal(*line.split()) == message


def test_a_word_of_several_lines_makes_no_message_of_several(refusal):
    assert refusal("train", "vae", "--beta", "1\n2") == "expected a number for --beta; got '1 2'"
    assert refusal("train", "vae", "--beta", "\x1b[2J\r1") == "expected a number for --beta; got ' [2J 1'"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("here", {}),
        ("--num-steps 3 here --profile 1:2", {"num_steps": 3, "profile": "1:2"}),
        ("--num-steps=none here", {"num_steps": None}),
        ("here --parallel.devices 2 --hosts.num=3", {"parallel": ParallelConfig(2), "hosts": HostsConfig(num=3)}),
    ],
)
def test_options_stand_on_both_sides_of_what_has_none(words, expected):
    assert parse(["resume", *words.split()]) == Resume(Path("here"), **expected)


@pytest.mark.parametrize(
    ("words", "paths", "json"),
    [
        ("a b,c", ["a", "b,c"], False),
        ("--json a b", ["a", "b"], True),
        ("a --json true b", ["a", "b"], True),
        ("a --json=false b", ["a", "b"], False),
        ("a --no-json b", ["a", "b"], False),
    ],
)
def test_a_flag_takes_no_word_that_is_not_its_own(words, paths, json):
    assert parse(["compare", *words.split()]) == Compare(tuple(map(Path, paths)), json=json)


def test_an_option_may_have_another_name_than_its_field():
    assert parse(["data", "prepare", "mnist", "--from", "there"]) == Prepare("mnist", from_dir=Path("there"))


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
    (["train", "vae", "--config", "nowhere"], 2),
    (["train", "--config", "run", "--bet", "1"], 2),
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
