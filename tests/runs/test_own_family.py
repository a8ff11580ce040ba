"""A family of a user's own, registered with the public decorator, trains, resumes and sweeps."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

import vae_jax as vj
from vae_jax.training.metrics import read_metrics

pytestmark = pytest.mark.usefixtures("without_pages")
ROOT = Path(__file__).parents[2]
(LOGISTIC,) = re.findall(r"^@register_dataclass\n.*?(?=^def )", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
MODEL = """    model = vj.models.amortised(
        vj.networks.mlp(data.example_shape, (2 * config.latent_size,), config.hidden_sizes),
        vj.networks.mlp((config.latent_size,), data.example_shape, config.hidden_sizes),
        likelihood,
        posterior=lambda output: Logistic(output[: config.latent_size], jnp.exp(output[config.latent_size :])),
        prior=Logistic(jnp.zeros(config.latent_size), jnp.ones(config.latent_size)),
    )
    elbo = partial(vj.objectives.elbo, kl=vj.objectives.sampled_kl)
    objective = vj.objectives.over_batch(elbo)
"""


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """The tiny experiment with the README's own distribution as posterior and prior."""
    source = (ROOT / "tests/tiny_experiment.py").read_text("utf-8")
    imports = "from functools import partial\n\nimport jax\nimport jax.numpy as jnp\nimport optax\n"
    source = source.replace("import optax\n", imports)
    source = source.replace("@dataclass", LOGISTIC.replace("@register", "@vj.register") + "@dataclass", 1)
    source = re.sub(r"    model = .*?over_batch\(.*?\n", MODEL, source, flags=re.S)
    source = source.replace("        dataset=data,\n", "        bound=elbo,\n        dataset=data,\n")
    path = tmp_path_factory.mktemp("own") / "logistic.py"
    path.write_text(source)
    return path


@pytest.fixture(scope="module")
def trained(experiment):
    return vj.train(experiment, run_dir=experiment.parent / "whole", num_steps=20)


def test_it_trains(trained):
    values = [line["value"] for line in read_metrics(trained.directory.metrics) if line["split"] == "validation"]
    assert values[-1] > values[0]
    assert type(trained.vae().prior).__name__ == "Logistic"


def test_it_resumes_to_the_same_bits(trained, experiment):
    vj.train(experiment, run_dir=experiment.parent / "halves", num_steps=10)
    resumed = vj.resume(experiment.parent / "halves", num_steps=20)
    for leaf, other in zip(*(jax.tree.leaves(run.params("latest")[0]) for run in (trained, resumed)), strict=True):
        np.testing.assert_array_equal(leaf, other)


@pytest.mark.long
def test_it_sweeps(trained, experiment, monkeypatch):
    monkeypatch.setattr("vae_jax.sweeps.sweep.Sweep.report", lambda sweep: None)
    sweep = vj.sweep(experiment, seed=[0, 1], num_steps=20, run_dir=experiment.parent / "sweep")
    swept, alone = (read_metrics(run.metrics) for run in (sweep.directory.lane(0), trained.directory))
    for line, other in zip(swept, alone, strict=True):
        assert line["value"] == pytest.approx(other["value"], rel=1e-4)
