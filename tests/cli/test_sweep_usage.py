"""`vae-jax sweep` before anything is trained: help, and one line for what is not as expected, with nothing written."""

import re
import shlex
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from vae_jax import catalogue
from vae_jax.cli.sweep_options import SweepOptions, WorkOptions
from vae_jax.cli.sweep_words import config_and_axes, parse_sweep
from vae_jax.config.fields import fields_of
from vae_jax.config.words import option_of
from vae_jax.sweeps import explain
from vae_jax.sweeps.sweep import Sweep
from vae_jax.sweeps.values.axes import Values
from vae_jax.sweeps.work.directory import SweepDirectory

OPTIONS = [option_of(name) for kind in (SweepOptions, WorkOptions) for name in fields_of(kind)]
TINY_FIELDS = "seed, latent_size, hidden_sizes, learning_rate, batch_size, validate_every"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to be in."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def refused(refusal, tiny, folder):
    """The one line that a sweep of the tiny experiment is refused with; nothing is on the disk then."""

    def run(*words: object, file: object = tiny) -> str:
        line = refusal("sweep", file, *words)
        assert not list(folder.iterdir())
        return line

    return run


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_without_an_experiment(vae_jax, word):
    result = vae_jax("sweep", word)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("usage: vae-jax sweep NAME|FILE --FIELD VALUE VALUE ...")


@pytest.mark.parametrize("words", [["--help"], ["--beta", "1", "2", "-h"], ["--nonsense", "--help"]])
def test_the_help_of_an_experiment_has_all_fields_and_options(vae_jax, words):
    result = vae_jax("sweep", "vae", *words)
    assert (result.code, result.err) == (0, "")
    said = " ".join(result.out.split())
    for field in fields_of(catalogue.load_experiment("vae").Config):
        assert f"{option_of(field)}: " in result.out
    for text in (
        "--beta: a number; 1.0",
        "--hidden-sizes: integers with commas between; 400",
        "--data.image-size: an integer or none; none",
    ):
        assert text in said
    for option in OPTIONS:
        assert option in said


def test_no_shipped_experiment_has_a_field_that_every_sweep_has():
    for path in catalogue.shipped().values():
        fields = [option_of(name) for name in fields_of(catalogue.load_experiment(path).Config)]
        assert not {*fields} & {*OPTIONS}, path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        # No field is swept.
        ([], "expected fields to sweep over, with two values or more, such as --beta 1 2 4; got none"),
        (
            ["--latent-size", "2", "--seed", "3"],
            "expected fields to sweep over, with two values or more, such as --beta 1 2 4; got none",
        ),
        # No such field or option.
        (
            ["--latent-sise", "1", "2"],
            f"expected a field of tiny_experiment or an option of the sweep; got '--latent-sise'; did you mean "
            f"'--latent-size'? Known: {TINY_FIELDS}",
        ),
        (
            ["--seed", "0:3", "--lanes.memori=3"],
            f"expected a field of tiny_experiment or an option of the sweep; got '--lanes.memori'; did you mean "
            f"'--lanes.memory'? Known: {TINY_FIELDS}",
        ),
        (
            ["--seed", "0:3", "--run-dirr", "x"],
            f"expected a field of tiny_experiment or an option of the sweep; got '--run-dirr'; did you mean "
            f"'--run-dir'? Known: {TINY_FIELDS}",
        ),
        (
            ["-seed", "0", "1"],
            f"expected a field of tiny_experiment or an option of the sweep; got '-seed'; did you mean "
            f"'--seed'? Known: {TINY_FIELDS}",
        ),
        (
            ["3", "--seed", "0:3"],
            "expected an option before any value, such as --seed; got '3'; 'vae-jax sweep tiny_experiment --help' "
            "names all",
        ),
        # Values of another type.
        (["--learning-rate", "fast", "1"], "expected a number for --learning-rate; got 'fast'"),
        (["--learning-rate", "1e-3", "nan"], "expected a number for --learning-rate; got 'nan'"),
        (["--latent_size", "2", "2.5"], "expected an integer for --latent-size; got '2.5'"),
        (["--hidden-sizes", "16", "8,x"], "expected integers with commas between for --hidden-sizes; got '8,x'"),
        (["--seed", "0:3:0"], "expected --seed as FIRST:END, FIRST:END:STEP or LOW:HIGH:log; got '0:3:0'"),
        # Too few, too many.
        (["--learning-rate"], "expected at least one value behind --learning-rate; got none"),
        (["--learning-rate", "--seed", "0:3"], "expected at least one value behind --learning-rate; got none"),
        (
            ["--learning-rate", "1e-3", "0.001"],
            "expected different values for --learning-rate; got 0.001 twice; leave one out",
        ),
        (
            ["--seed", "0", "1", "--learning-rate", "1", "2", "--seed=2"],
            "expected --seed once, all its values behind it; got it twice",
        ),
        (
            ["--seed", "0:400", "--latent-size", "1:400"],
            "expected at most 100000 combinations; got 159600; give fewer values, or choose a --search",
        ),
        # What values are made of.
        (
            ["--zip", "--seed", "0:3", "--learning-rate", "1e-3", "1e-2"],
            "expected as many values of every field with --zip; got 3 of seed, 2 of learning_rate",
        ),
        (
            ["--zip", "--seed", "0", "1", "0", "--learning-rate", "1", "1", "1"],
            "expected different lanes with --zip; got seed 0, learning_rate 1.0 twice; leave one out",
        ),
        (
            ["--learning-rate", "1e-4:1e-2:log"],
            "expected values of --learning-rate to make a grid of; got all between 0.0001 and 0.01; put a number of "
            "points behind it, or choose a --search",
        ),
        # Our own options.
        (["--seed", "0:3", "--num-steps", "0"], "expected --num-steps of at least 1; got 0"),
        (["--seed", "0:3", "--num-steps", "some"], "expected an integer or none for --num-steps; got 'some'"),
        (["--seed", "0:3", "--num-steps"], "expected one value behind --num-steps; got none"),
        (["--seed", "0:3", "--run-dir", "a", "b"], "expected one value behind --run-dir; got 'a b'"),
        (
            ["--seed", "0:3", "--run-dir", "a", "--run-dir", "b"],
            "expected --run-dir once, all its values behind it; got it twice",
        ),
        (["--zip", "3", "--seed", "0:3"], "expected true or false for --zip; got '3'"),
        (["--zip", "3", "4", "--seed", "0:3"], "expected at most one value behind --zip; got '3 4'"),
        (
            ["--seed", "0:3", "--show", "tabel"],
            "expected auto or table or lines or json for --show; got 'tabel'; did you mean 'table'?",
        ),
        (
            ["--seed", "0:3", "--lanes.map", "pmap"],
            "expected auto or vmap or loop for --lanes.map; got 'pmap'; did you mean 'vmap'?",
        ),
        (["--seed", "0:3", "--lanes.num", "0"], "expected --lanes.num of at least 1; got 0"),
        (["--seed", "0:3", "--lanes.memory", "-1"], "expected --lanes.memory above 0, in GiB; got -1"),
        (["--seed", "0:3", "--lanes.memory", "nan"], "expected a number or none for --lanes.memory; got 'nan'"),
        (
            ["--seed", "0:3", "--objective", "value", "kl"],
            "expected one value behind --objective; got 'value kl'; write value,kl",
        ),
        (
            ["--seed", "0:3", "--slurm.extra"],
            "expected one value behind --slurm.extra; got none; write '' for an empty one",
        ),
        # A search.
        (["--seed", "0:3", "--trials", "4"], "expected --search with --trials; got none; choose one, say --search tpe"),
        (
            ["--seed", "0:3", "--stopping", "halving"],
            "expected --search with --stopping; got none; choose one, say --search tpe",
        ),
        (
            ["--seed", "0:3", "--objective", "nll"],
            "expected --search with --objective; got none; choose one, say --search tpe",
        ),
        (
            ["--seed", "0:3", "--search-seed", "1"],
            "expected --search with --search-seed; got none; choose one, say --search tpe",
        ),
        (
            ["--seed", "0:3", "--storage", "sqlite:///x.db"],
            "expected --search with --storage; got none; choose one, say --search tpe",
        ),
        (
            ["--seed", "0:3", "--search", "tpee"],
            "expected tpe or cma-es or random or sobol or grid or none for --search; got 'tpee'; did you mean 'tpe'?",
        ),
        (["--seed", "0:3", "--search", "tpe", "--trials", "0"], "expected --trials of at least 1; got 0"),
        (["--seed", "0:3", "--search", "tpe", "--search-seed", "-1"], "expected --search-seed of at least 0; got -1"),
        (
            ["--seed", "0:3", "--search", "tpe", "--trials", "4", "--zip"],
            "expected --zip without --search, which takes every combination; got both; leave one out",
        ),
        # Population-based training.
        (
            ["--seed", "0:3", "--evolve.share", "0.3"],
            "expected --evolve.every with --evolve.share; got none; give one, say --evolve.every 1",
        ),
        (
            ["--seed", "0:3", "--evolve.every", "0"],
            "expected --evolve.every of at least 1, --evolve.share above 0 and at most 0.5, and --evolve.factor above "
            "1; got 0, 0.2 and 1.2",
        ),
        (
            ["--seed", "0:3", "--evolve.every", "1", "--search", "tpe", "--trials", "4", "--stopping", "halving"],
            "expected lanes that all go on, to learn from each other; got --stopping halving; leave out that or "
            "--evolve",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_typed_wrongly(refused, words, message):
    assert refused(*words) == message


@pytest.mark.parametrize("words", [(), ("--beta", "1", "2")])
def test_no_experiment(refusal, words):
    line = refusal("sweep", *words)
    assert line == "expected the name or file of an experiment behind 'sweep'; 'vae-jax list' names them"


def test_a_misspelt_experiment(refused):
    assert refused("--seed", "0:3", file="vea").startswith(
        "expected an experiment or the path of a .py file; got 'vea'; did you mean 'vae'? Known: "
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--latent-size", "2", "4", "--batch-size", "2000"],
            "expected a batch size between 1 and the 1444 training examples; got 2000",
        ),
        (
            ["--seed", "0:3", "--batch-size", "100", "2000"],
            "expected a batch size between 1 and the 1444 training examples; got 2000",
        ),
        (
            ["--seed", "0:3", "--latent-size", "2", "0"],
            "expected output_shape of at least 1; got (0,); give a larger one",
        ),
        (["--seed", "0", str(10**20)], f"expected a seed of 64 bits; got {10**20}; give a smaller one"),
        (
            ["--latent-size", "2", "4", "--evolve.every", "1"],
            "expected a number to be swept, for lanes to learn from each other; got latent_size; sweep a learning "
            "rate, say",
        ),
        (
            ["--seed", "0:3", "--search", "tpe"],
            "expected a number of trials; got none; only a grid has an end without one, not tpe",
        ),
        (
            ["--learning-rate", "1e-3", "1e-2", "--search", "cma-es", "--trials", "3"],
            "expected intervals for cma-es; 'learning_rate' has single values (0.001, 0.01); give an interval, or the "
            "sampler tpe",
        ),
        (
            ["--seed", "0:3", "--search", "tpe", "--trials", "3", "--objective", "valeu"],
            "expected an objective (active_units, kl, log_likelihood, nll, squared_error, value); got 'valeu'; did you "
            "mean 'value'?",
        ),
        (
            ["--seed", "0:3", "--search", "tpe", "--trials", "3", "--storage", "nosuch://x"],
            "expected a study in nosuch://x; Can't load plugin: sqlalchemy.dialects:nosuch; see that it answers and "
            "may be written to, or give none, for a journal in the sweep's directory",
        ),
        (
            ["--seed", "0:3", "--parallel.devices", "99"],
            f"expected 1 to {jax.local_device_count()} devices, which one lane takes, and all there are; got 99",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(refused, words, message):
    assert refused(*words) == message


def test_data_that_are_not_there(refused):
    line = refused("--beta", "1", "2", "--data.name", "nosuch", file="vae")
    assert line.startswith("expected a data set that is embedded (")
    assert "; got 'nosuch'; " in line


def test_streamed_data(refused, tmp_path, experiment_file):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).random((300, 8, 8)).astype(np.float32))
    file = experiment_file(
        (
            'vj.data.load("digits")',
            f'vj.data.load(vj.DataConfig({str(tmp_path / "points.npy")!r}, feed="stream"))',
        ),
    )
    assert refused("--seed", "0:3", file=file) == (
        "expected data that are kept in memory, once for all lanes; points is streamed; give --data.feed memory, or "
        "train its runs one by one"
    )


def test_a_config_with_a_field_that_every_sweep_has(refused, experiment_file):
    file = experiment_file(
        ("    batch_size: int = 100\n", "    batch_size: int = 100\n    zip: int = 0\n    trials: int = 1\n")
    )
    line = refused("--seed", "0:3", file=file)
    assert line == f"expected a 'Config' without trials, zip, which every sweep has; rename it in {file}"


def test_a_config_that_refuses_a_value(refused, experiment_file):
    check = (
        "    def __post_init__(self) -> None:\n"
        "        if self.latent_size > 3:\n"
        '            raise ValueError(f"expected at most 3 latent dimensions; got {self.latent_size}; give fewer")\n'
    )
    file = experiment_file(
        ('    """Steps between validations."""\n', f'    """Steps between validations."""\n\n{check}')
    )
    message = "expected at most 3 latent dimensions; got 4; give fewer"
    assert refused("--latent-size", "4", "--seed", "0:3", file=file) == message
    assert refused("--latent-size", "2", "4", "--seed", "0:3", file=file) == message


def test_paths_are_not_swept(refused, experiment_file):
    file = experiment_file(
        ("import optax\n", "import pathlib\nimport optax\n"),
        ("    batch_size: int = 100\n", '    batch_size: int = 100\n    where: pathlib.Path = pathlib.Path("x")\n'),
    )
    line = refused("--where", "a", "b", file=file)
    assert line == (
        "expected numbers, words and tuples of them to sweep where over, which JSON keeps; got PosixPath('a'), "
        "PosixPath('b'); make them words"
    )


def test_a_directory_that_holds_something_else(refusal, tiny, folder):
    (folder / "kept").mkdir()
    (folder / "kept" / "notes.txt").write_text("mine")
    (folder / "file").write_text("mine")
    line = refusal("sweep", tiny, "--seed", "0:3", "--run-dir", "kept")
    assert line == (
        "expected a new or empty directory for the sweep; kept holds notes.txt and is no sweep; give another --run-dir"
    )
    line = refusal("sweep", tiny, "--seed", "0:3", "--run-dir", "file")
    assert line == "expected a directory for the sweep; file is a file; give another --run-dir"
    assert sorted(path.name for path in folder.rglob("*")) == ["file", "kept", "notes.txt"]


@pytest.fixture
def begun(tiny, folder, monkeypatch, vae_jax):
    """A sweep of two seeds that was begun, and not worked on."""
    monkeypatch.setattr("vae_jax.sweeps.sweep.Sweep.work", lambda self, **_: False)
    result = vae_jax("sweep", tiny, "--seed", "0", "1", "--num-steps", "5", "--run-dir", "sweep")
    assert (result.code, result.err) == (130, "")
    assert result.out.splitlines() == [
        "sweep directory: sweep",
        "stopped by a signal, saved (); go on with: vae-jax resume sweep",
    ]
    return folder / "sweep"


def test_the_same_command_joins_and_another_is_refused(begun, refusal, vae_jax, tiny, contents, experiment_file):
    before = contents(begun)
    same = ("--seed", "0:2", "--num-steps", "5", "--run-dir", "sweep")
    assert vae_jax("sweep", tiny, *same).code == 130  # said in other words
    line = refusal("sweep", tiny, "--seed", "0:3", *same[2:])
    assert line == (
        'expected the sweep that is in sweep, to go on with it; its axes is {"seed": [0, 1]}, got {"seed": [0, 1, 2]}; '
        "give the same command, 'vae-jax resume sweep', or another --run-dir"
    )
    assert "its num steps is 5, got null" in refusal("sweep", tiny, *same[:2], *same[4:])
    assert "its config is {" in refusal("sweep", tiny, "--latent-size", "3", *same)
    changed = experiment_file(("    seed: int = 0\n", "    seed: int = 0\n    # changed\n"), name="tiny_experiment.py")
    assert refusal("sweep", changed, *same) == (
        "expected the experiment file that the sweep in sweep was begun with; experiment.py has changed; go on with "
        "the old one by 'vae-jax resume sweep', or give another --run-dir"
    )
    assert contents(begun) == before


@pytest.mark.parametrize(
    "words", [("--num-steps", "7"), ("--profile", "1:3"), ("--hosts.coordinator", "localhost:1234")]
)
def test_a_sweep_is_not_resumed_with_what_is_for_runs(begun, refusal, words, contents):
    before = contents(begun)
    assert refusal("resume", "sweep", *words) == (
        "expected no --num-steps, --profile or --hosts for a sweep, whose lanes are all alike; leave them out, or "
        "resume a lane"
    )
    assert contents(begun) == before


def test_a_damaged_sweep_is_not_resumed(begun, refusal):
    (begun / "sweep.json").write_text('{"experiment": ')
    for command in ("resume", "report"):
        line = refusal(command, "sweep")
        assert re.match(r"expected what vae-jax sweep has written in sweep/sweep\.json; .+", line)


def test_values_that_stand_twice_may_do_so_in_a_zip(begun, vae_jax, tiny):
    words = ("--zip", "--latent-size", "2", "2", "4", "--learning-rate=1e-3", "1e-2", "0.001", "--run-dir", "zip")
    assert vae_jax("sweep", tiny, *words).code == 130
    spec = SweepDirectory(begun.parent / "zip").read_spec()
    assert spec.is_zipped
    assert spec.axes == {"latent_size": [2, 2, 4], "learning_rate": [1e-3, 1e-2, 1e-3]}
    assert spec.side_by_side == ["learning_rate"]


def test_all_options_are_read(begun, vae_jax, tiny, monkeypatch):
    asked = {}
    monkeypatch.setattr("vae_jax.sweeps.sweep.Sweep.work", lambda self, **given: asked.update(given))
    words = "--learning-rate 1e-4:1e-2:log --seed 0:3 --hidden-sizes 8 8,8 --latent-size 3 --search tpe --trials 7"
    more = "--objective value,kl --search-seed 5 --lanes.num 3 --lanes.map loop --lanes.memory 0.5 --show json"
    result = vae_jax("sweep", tiny, *words.split(), *more.split(), "--parallel.devices", "none", "--run-dir=all")
    assert (result.code, result.out, result.err) == (130, "", "")
    spec = SweepDirectory(begun.parent / "all").read_spec()
    assert spec.axes["hidden_sizes"] == [[8], [8, 8]]
    assert spec.axes["learning_rate"]["is_log"] is True
    assert spec.config["latent_size"] == 3
    assert spec.search == {
        "sampler": "tpe",
        "trials": 7,
        "stopping": None,
        "objectives": ["value", "kl"],
        "storage": None,
        "seed": 5,
    }
    assert (asked["lanes"].num, asked["lanes"].map, asked["lanes"].memory) == (3, "loop", 0.5)
    assert (asked["parallel"].devices, asked["show"]) == (None, "json")


def test_bools_and_fields_of_two_types_are_swept(begun, vae_jax, experiment_file):
    fields = """    batch_size: int = 100
    is_deep: bool = False
    rate: int | float | str | None = None
    sizes: tuple[float | str, ...] = ()
"""
    file = experiment_file(("    batch_size: int = 100\n", fields))
    words = ("--rate", "1", "1.0", "usual", "none", r"\none", "--sizes=-1,a", "0.5", "--is-deep", "false", "true")
    assert vae_jax("sweep", file, *words, "--run-dir", "mixed").code == 130
    sweep = Sweep(SweepDirectory(begun.parent / "mixed"))
    assert repr(sweep.axes) == repr(
        {
            "rate": Values((1, 1.0, "usual", None, "none")),
            "sizes": Values(((-1.0, "a"), (0.5,))),
            "is_deep": Values((False, True)),
        }
    )
    again = parse_sweep([str(file), *shlex.split(explain.command(sweep))[3:]])
    assert repr(config_and_axes(again.file, again.fields)[1]) == repr(sweep.axes)
    assert vae_jax("sweep", file, "--is-deep", "--seed", "0:2", "--run-dir", "deep").code == 130
    assert SweepDirectory(begun.parent / "deep").read_spec().config["is_deep"] is True


def test_seeds_that_no_lane_can_have_make_groups(begun, vae_jax, tiny):
    words = ("--seed", "0", "3000000000", "--learning-rate", "1e-3", "1e-2", "--run-dir", "large")
    assert vae_jax("sweep", tiny, *words).code == 130
    assert SweepDirectory(begun.parent / "large").read_spec().side_by_side == ["learning_rate"]


WITHOUT_JAX = [
    (["sweep", "--help"], 0),
    (["sweep", "vae", "--help"], 0),
    (["sweep"], 2),
    (["sweep", "vea"], 2),
    (["sweep", "vae", "--betta", "1", "2"], 2),
    (["sweep", "vae", "--beta", "one"], 2),
    (["sweep", "vae", "--beta", "1", "1"], 2),
    (["sweep", "vae", "--beta", "1", "2", "--search", "tpee"], 2),
    (["sweep", "vae", "--beta", "1", "2", "--num-steps", "0"], 2),
    (["sweep", "vae", "--beta", "1", "2", "--trials", "4"], 2),
    (["resume", "sweep", "--num-steps", "7"], 2),
]


def test_help_and_slips_do_not_wait_for_jax(folder):
    (folder / "sweep").mkdir()
    (folder / "sweep" / "sweep.json").write_text("{}")
    code = f"""
import sys
from vae_jax.cli.main import main
for arguments, expected in {WITHOUT_JAX!r}:
    try:
        code = main(arguments)
    except SystemExit as ending:
        code = ending.code
    assert code == expected, (arguments, code)
    for slow in ("jax._src", "flax", "orbax", "optuna", "matplotlib", "optax._src"):
        assert slow not in sys.modules, (arguments, slow)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2_000:]


def test_how_long_help_takes(capsys):
    """Printed and not asserted, since the machine may be busy: `pytest -s` shows it."""
    lines = []
    for words in (["--help"], ["vae", "--help"], ["vae", "--betta", "1"]):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "vae_jax", "sweep", *words], capture_output=True, check=False)
        lines.append(f"vae-jax sweep {' '.join(words):20} {time.perf_counter() - began:.2f} s")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
