"""A mistake in a user's own code is one line that says where it is, and nothing is made."""

import sys

import pytest

from vae_jax.cli.main import main

OBJECTIVE = "objective = vj.objectives.over_batch(vj.objectives.elbo)"
MODEL = "encoder=vj.networks.mlp(data.example_shape, (2 * config.latent_size,), config.hidden_sizes),"


def mistaken(body):
    """An objective with a mistake in its body, which is its third line."""
    return f"""
    def mine(key, vae, x):
        draw = vj.draw(key, vae, x)
        {body}
        return draw.likelihood.log_prob(x), {{}}

    objective = vj.objectives.over_batch(mine)"""


MISTAKES = {
    "draw.z @ x": "TypeError: ",
    "draw.posterior.scales": "AttributeError: 'Normal' object has no attribute 'scales'",
    "{}['kl']": "KeyError: 'kl'",
    "assert draw.z.shape == (7,)": "AssertionError",
    "bool(draw.z[0] > 0)": "TracerBoolConversionError: ",
    "exit(0)": "SystemExit: 0",
}


def place(path, code):
    lines = path.read_text("utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if line.strip() == code)
    return f"{path}, line {number}, in mine ({code}) fails: "


@pytest.mark.parametrize("code", MISTAKES)
def test_the_line_of_an_objective_is_named(refusal, experiment_file, tmp_path, code):
    path = experiment_file((OBJECTIVE, mistaken(code)))
    line = refusal("train", path, "--run-dir", tmp_path / "run")
    assert line.startswith(f"expected an experiment that can be trained; {place(path, code)}{MISTAKES[code]}")
    assert line.endswith("; --traceback shows all calls")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "return draw.likelihood.log_prob(x)",
            "expected mine to return (value, metrics), metrics a dict; got JitTracer; return {} for no metrics",
        ),
        (
            "return draw.likelihood.log_prob(x)[None], {}",
            "expected one value for an example from mine; got values of shape (1,); take the mean over draws",
        ),
    ],
)
def test_what_an_objective_returns_is_checked(refusal, experiment_file, tmp_path, body, told):
    line = refusal("train", experiment_file((OBJECTIVE, mistaken(body))), "--run-dir", tmp_path / "run")
    assert line.partition("got ")[0] == told.partition("got ")[0]
    assert line.rpartition("; ")[2] == told.rpartition("; ")[2]


def test_an_option_that_is_not_given_is_told(refusal, experiment_file, tmp_path):
    needs = mistaken("pass").replace("def mine(key, vae, x)", "def mine(key, vae, x, *, threshold)")
    line = refusal("train", experiment_file((OBJECTIVE, needs)), "--run-dir", tmp_path / "run")
    assert line.startswith("expected an experiment that can be trained; it fails: TypeError: ")
    assert line.endswith("missing 1 required keyword-only argument: 'threshold'; --traceback shows all calls")


def test_a_wrong_option_of_a_partial_is_named_with_its_line(refusal, experiment_file, tmp_path):
    objective = "objective = vj.objectives.over_batch(partial(vj.objectives.elbo, betta=2.0))"
    path = experiment_file((OBJECTIVE, objective), ("import optax\n", "import optax\nfrom functools import partial\n"))
    line = refusal("train", path, "--run-dir", tmp_path / "run")
    assert line.startswith(f"expected an experiment; {path}, line ")
    assert line.endswith(
        f"in experiment ({objective}) fails: TypeError: elbo() got an unexpected keyword argument 'betta'; "
        "--traceback shows all calls"
    )


def test_the_line_of_a_network_is_named(refusal, experiment_file, tmp_path):
    own = "encoder=vj.networks.Network(lambda key: data.mean(), lambda params, x: x @ x[:3]),"
    path = experiment_file((MODEL, own))
    line = refusal("train", path, "--run-dir", tmp_path / "run")
    assert f"{path}, line " in line
    assert f"in <lambda> ({own}) fails: TypeError: " in line


def test_what_experiment_itself_does_is_named_by_its_line(refusal, experiment_file, tmp_path):
    path = experiment_file(("latent_size=config.latent_size", "latent_size=config.latent_size, latent_sizes=3"))
    line = refusal("train", path, "--run-dir", tmp_path / "run")
    assert line.startswith(
        f"expected an experiment; {path}, line 38, in experiment (model = vj.models.gaussian() fails: "
    )
    assert line.endswith("got an unexpected keyword argument 'latent_sizes'; --traceback shows all calls")


def test_a_refusal_of_ours_speaks_for_itself(refusal, experiment_file, tmp_path):
    path = experiment_file((OBJECTIVE, mistaken("vj.objectives.iwae(key, vae, x, num_samples=0)")))
    line = refusal("train", path, "--run-dir", tmp_path / "run")
    assert line.startswith("expected ")
    assert "fails" not in line


@pytest.mark.parametrize("by_environment", [False, True])
def test_the_calls_are_shown_where_they_are_asked_for(experiment_file, tmp_path, capsys, monkeypatch, by_environment):
    path = experiment_file((OBJECTIVE, mistaken("{}['kl']")))
    arguments = ["train", str(path), "--run-dir", str(tmp_path / "run")]
    if by_environment:
        monkeypatch.setenv("VAE_JAX_TRACEBACK", "1")
    else:
        arguments.insert(1, "--traceback")
    assert main(arguments) == 2
    *calls, last = capsys.readouterr().err.splitlines()
    assert "Traceback (most recent call last):" in calls
    assert any(line.strip() == "{}['kl']" for line in calls)
    assert last.startswith("vae-jax: expected an experiment that can be trained; ")


def test_an_error_that_nobody_expected_is_raised(monkeypatch):
    def fails(argv):
        raise ZeroDivisionError

    monkeypatch.setattr(sys.modules["vae_jax.cli.main"], "_run_command", fails)
    with pytest.raises(ZeroDivisionError):
        main(["list"])
