"""An experiment file of the user's own: it works, and what is wrong with it is said in a line."""

import re
import sys
from pathlib import Path

import pytest

from vae_jax.catalogue import load_experiment
from vae_jax.outline import outline
from vae_jax.runs.wiring import wire


@pytest.fixture
def nothing_made(tmp_path, monkeypatch, contents):
    """A folder to work in, in which nothing may be left behind."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield
    assert contents(folder) == {}
    assert list(folder.iterdir()) == []


def test_its_help_has_its_fields(vae_jax, experiment_file):
    path = experiment_file(("Latent dimensions.", "The width of the bottleneck."))
    result = vae_jax("train", path, "--help")
    assert result.code == 0
    assert "The width of the bottleneck." in result.out


@pytest.mark.usefixtures("nothing_made")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "def experiment(config",
            "def experiment(config:::",
            "expected an experiment file; {path}, line 35 fails: SyntaxError: ",
        ),
        (
            "import optax",
            "import optacks",
            "expected an experiment file; {path}, line 7, in <module> (import optacks) fails: ModuleNotFoundError: ",
        ),
        (
            "import optax",
            "1 / 0",
            "expected an experiment file; {path}, line 7, in <module> (1 / 0) fails: ZeroDivisionError: division by ",
        ),
        ("class Config:", "class Configuration:", "expected a frozen dataclass 'Config' in {path}; it has none"),
        ("@dataclass(frozen=True)", "", "expected a frozen dataclass 'Config' in {path}; it has none"),
        (
            "@dataclass(frozen=True)",
            "@dataclass",
            "expected 'Config' in {path} to be frozen; decorate it by @dataclass(frozen=True)",
        ),
        ("def experiment(", "def experimen(", "expected a function 'experiment(config, data)' in {path}; it has none"),
        (
            "def experiment(config: Config, data: vj.data.Dataset)",
            "def experiment(config: Config)",
            "expected a function 'experiment(config, data)' in {path}; got experiment(config); let it take the data as "
            "its second argument: what a function 'data(config)' returns, or else vj.data.load(config.data)",
        ),
        (
            "def data(config: Config)",
            "def dates(config: Config)",
            "expected a function 'data(config)' in {path}, or a field 'data: vj.DataConfig' of its 'Config'; it has "
            "neither; add one",
        ),
        (
            "def data(config: Config)",
            "data = {}\n\n\ndef load(config: Config)",
            "expected 'data' in {path} to be a function data(config); it is none; rename it",
        ),
        (
            "latent_size: int = 2",
            "latent_size: int",
            "expected an experiment file; {path}, line 12, in <module> (@dataclass(frozen=True)) fails: TypeError: ",
        ),
        (
            "frozen=True)\nclass Config:\n",
            "frozen=True)\nclass Config:\n    first: int\n",
            "expected a default for every field of 'Config' in {path}; 'first' has none",
        ),
        (
            "validate_every: int = 10\n",
            "validate_every: int = 10\n    overwrite: bool = False\n",
            "expected a 'Config' without config, hosts, num_steps, overwrite, parallel, profile, run_dir, which are "
            "options of every run; {path} has 'overwrite'; rename it",
        ),
        (
            'vj.data.load("digits")',
            "{}['digits']",
            "expected data; {path}, line 32, in data (return {{}}['digits']) fails: KeyError: 'digits'; --",
        ),
        (
            'vj.data.load("digits")',
            'open("/nowhere/data.npy")',
            'expected data; {path}, line 32, in data (return open("/nowhere/data.npy")) fails: FileNotFoundError: ',
        ),
        (
            'vj.data.load("digits")',
            'exit("no data")',
            'expected data; {path}, line 32, in data (return exit("no data")) fails: SystemExit: no data; --traceback ',
        ),
        (
            "likelihood = vj.models.likelihoods.bernoulli()",
            "raise SystemExit(0)",
            "expected an experiment; {path}, line 37, in experiment (raise SystemExit(0)) fails: SystemExit: 0; --tr",
        ),
        (
            "import optax",
            "raise SystemExit(0)",
            "expected an experiment file; {path}, line 7, in <module> (raise SystemExit(0)) fails: SystemExit: 0; --tr",
        ),
        (
            'vj.data.load("digits")',
            "[[0.0, 1.0]]",
            "expected data(config) in {path} to return a vae_jax.data.Dataset; got list; vj.data.from_object makes one "
            "of arrays",
        ),
        (
            "likelihood = vj.models.likelihoods.bernoulli()",
            "likelihood = {}['bernoulli']",
            "expected an experiment; {path}, line 37, in experiment (likelihood = {{}}['bernoulli']) fails: KeyError: ",
        ),
        (
            "    return vj.Experiment(",
            "    return dict(",
            "expected experiment(config, data) in {path} to return a vae_jax.Experiment; got dict",
        ),
        (
            'vj.data.load("digits")',
            'vj.data.load("digit")',
            "expected a data set that is embedded (auto_mpg, breast_cancer, colour_shapes, digits, ",
        ),
        (
            "(2 * config.latent_size,)",
            "(3 * config.latent_size,)",
            "expected an encoder that makes a posterior over z of shape (2,), as the prior's; got shape (3,) from its ",
        ),
        (
            "log_every=7",
            "log_every=0",
            "expected log_every as a whole number of at least 1; got 0",
        ),
    ],
)
def test_what_is_wrong_with_it_is_one_line_and_nothing_is_made(refusal, experiment_file, old, new, message):
    path = experiment_file((old, new))
    assert refusal("train", path).startswith(message.format(path=path))


@pytest.mark.usefixtures("nothing_made")
@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("raise ValueError('too many')", "({check}) fails: ValueError: too many; --traceback shows all calls"),
        ("{}['size']", "({check}) fails: KeyError: 'size'; --traceback shows all calls"),
        ("assert False", "({check}) fails: AssertionError; --traceback shows all calls"),
        ("exit(0)", "({check}) fails: SystemExit: 0; --traceback shows all calls"),
        ("raise ValueError('expected 2 or 3; got 4')", None),
    ],
)
@pytest.mark.parametrize("arguments", [("train",), ("sweep", "--seed", "0:2")])
def test_a_config_that_refuses_a_value(refusal, experiment_file, check, said, arguments):
    docstring = '"""Steps between validations."""\n'
    method = f"\n    def __post_init__(self):\n        if self.latent_size > 3:\n            {check}\n"
    path = experiment_file((docstring, docstring + method))
    line = refusal(arguments[0], path, *arguments[1:], "--latent-size", "4")
    number = path.read_text().splitlines().index(f"            {check}") + 1
    at = f"expected values that the config takes; {path}, line {number}, in __post_init__ "
    assert line == ("expected 2 or 3; got 4" if said is None else at + said.format(check=check))


@pytest.mark.usefixtures("nothing_made")
def test_a_config_that_refuses_its_own_defaults(refusal, experiment_file):
    docstring = '"""Steps between validations."""\n'
    path = experiment_file(
        (docstring, f"{docstring}\n    def __post_init__(self):\n        assert self.latent_size > 3\n")
    )
    line = refusal("train", path, "--latent-size", "4")
    assert line.startswith(
        f"expected defaults that 'Config' in {path} takes; {path}, line 30, in __post_init__ (assert "
    )


@pytest.mark.usefixtures("nothing_made")
@pytest.mark.parametrize("batch_size", [0, 5_000])
def test_a_batch_size_that_cannot_be(refusal, tiny, batch_size):
    line = refusal("train", tiny, "--batch-size", batch_size)
    assert line == f"expected a batch size between 1 and the 1444 training examples; got {batch_size}"


@pytest.mark.usefixtures("nothing_made")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("vae", "--latent-size", 0), "expected latent_size of at least 1; got 0; give a larger one"),
        (("vae", "--latent-size", -3), "expected latent_size of at least 1; got -3; give a larger one"),
        (("vae", "--hidden-sizes", "16,0"), "expected hidden_sizes of at least 1; got (16, 0); give a larger one"),
        (("vae_conv", "--channels", "8,0"), "expected channels of at least 1; got (8, 0); give a larger one"),
        (("linear_vae", "--latent-size", 0), "expected latent_size of at least 1; got 0; give a larger one"),
    ],
)
def test_sizes_that_hold_no_numbers(refusal, options, message):
    """In words of ours: those of JAX change from version to version, and newer ones train a network of no numbers."""
    assert refusal("train", *options) == message


@pytest.mark.usefixtures("nothing_made")
def test_parameters_of_ones_own_that_hold_no_numbers(refusal, experiment_file):
    network = "vj.networks.mlp((config.latent_size,), data.example_shape, config.hidden_sizes)"
    nothing = "vj.networks.linen(nn.Dense(0, kernel_init=nn.initializers.zeros), (2,))"
    path = experiment_file((network, nothing), ("import optax\n", "import optax\nfrom flax import linen as nn\n"))
    assert refusal("train", path) == (
        "expected parameters that hold numbers; params['decoder']['bias'] has shape (0,); give sizes of at least 1"
    )


@pytest.mark.usefixtures("nothing_made")
def test_a_missing_extra_is_its_pip_line(refusal, experiment_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "equinox", None)
    path = experiment_file(
        (
            "vj.networks.mlp((config.latent_size,), data.example_shape, config.hidden_sizes)",
            "vj.networks.equinox(lambda key: None)",
        )
    )
    assert refusal("train", path) == (
        "expected equinox for a network written in it; it is not installed; pip install 'vae-jax[equinox]'"
    )


def test_the_file_that_the_readme_shows(tmp_path, vae_jax):
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (source,) = re.findall(r'^```python no-test\n("""The Rényi bound.*?)^```$', readme, flags=re.DOTALL | re.MULTILINE)
    path = tmp_path / "mine.py"
    path.write_text(source)
    result = vae_jax("train", path, "--help")
    assert "α, of Rényi's divergence." in result.out
    assert "Learning rate of Adam." in result.out  # inherited
    file = load_experiment(path)
    experiment = wire(file, file.Config(alpha=0.3, batch_size=50), None)
    assert "value" in outline(experiment).validation
    assert experiment.budget.batch_size == 50
