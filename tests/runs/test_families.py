"""A run is opened with the distributions that it was begun with, or not at all."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import vae_jax as vj
from vae_jax.distributions import Bernoulli, MixedColumns, Mixture, Normal, Product, SphericalUniform
from vae_jax.messages import UsageError
from vae_jax.runs.families import classes

TINY = (Path(__file__).parent.parent / "tiny_experiment.py").read_text("utf-8")
NORMAL = Normal(jnp.zeros(1), 1.0)


@pytest.mark.parametrize(
    ("node", "name"),
    [
        (NORMAL, "Normal"),
        (Mixture(jnp.zeros(2), NORMAL), "Mixture(Normal)"),
        (Product({"kind": Bernoulli(np.zeros(2)), "style": NORMAL}), "Product(Bernoulli, Normal)"),
        (
            MixedColumns((NORMAL, NORMAL, Bernoulli(jnp.zeros(1))), ((0,), (1,), (2,))),
            "MixedColumns(Normal, Bernoulli)",
        ),
        (SphericalUniform(3), "SphericalUniform"),
        ({"decoder": {"kernel": jnp.zeros((2, 3))}, "scale": 1.0}, ""),
        ({"decoder": [jnp.zeros(2)], "prior": NORMAL}, "Normal"),
    ],
)
def test_a_node_is_named_by_its_classes(node, name):
    assert classes(node) == name


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")
    (folder / "mine.py").write_text(TINY)
    return vj.train(folder / "mine.py", run_dir=folder / "run", num_steps=0).directory


def test_a_run_names_its_distributions_in_its_environment_and_its_report(trained):
    assert json.loads(trained.environment.read_text("utf-8"))["families"] == {
        "posterior": "Normal",
        "prior": "Normal",
        "likelihood": "Bernoulli",
    }
    page = trained.report.read_text("utf-8")
    assert page.index("posterior") < page.index("likelihood")


@pytest.mark.parametrize("act", [vj.resume, lambda path: vj.resume(path, num_steps=5)])
def test_another_likelihood_of_as_many_parameters_is_refused_with_its_name(trained, act):
    """Its checkpoint would be read without a word: it has the same arrays."""
    likelihood = "likelihoods.bernoulli()"
    trained.experiment.write_text(TINY.replace(likelihood, "likelihoods.continuous_bernoulli()"))
    with pytest.raises(UsageError) as raised:
        act(trained.path)
    trained.experiment.write_text(TINY)
    assert str(raised.value) == (
        f"expected the likelihood of the run in {trained.path}, Bernoulli; got ContinuousBernoulli: the experiment has "
        "changed; take back the change, or train a new run"
    )


def test_a_run_of_an_earlier_version_is_opened_as_before(trained):
    environment = json.loads(trained.environment.read_text("utf-8"))
    del environment["families"]
    trained.environment.write_text(json.dumps(environment))
    assert vj.resume(trained.path, num_steps=1).directory.latest_step == 1
