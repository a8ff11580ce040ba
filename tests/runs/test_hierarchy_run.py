"""A hierarchy of two groups goes where every model goes: train, resume, evaluate, report, sweep."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

import vae_jax as vj
from vae_jax.training.metrics import read_metrics

TINY = (Path(__file__).parent.parent / "tiny_experiment.py").read_text("utf-8")
MODEL = """    sizes = {"up": (64, 8), "top": (8, 4), "between": (2, 6), "bottom": (11, 6), "out": (3, 64)}
    networks = {name: vj.networks.mlp((inputs,), (outputs,), ()) for name, (inputs, outputs) in sizes.items()}

    def init(key):
        keys = jax.random.split(key, len(networks))
        return {name: network.init(key) for (name, network), key in zip(networks.items(), keys, strict=True)}

    def normal(params, name, *inputs):
        loc, log_scale = jnp.split(networks[name].apply(params[name], jnp.concatenate(inputs)), 2)
        return vj.distributions.Normal(loc, jnp.exp(log_scale))

    groups = {
        "top": vj.hierarchy.Group(
            lambda params, state: vj.distributions.standard_normal(2),
            lambda params, state, features: normal(params, "top", features),
            lambda params, state, z: normal(params, "between", z),
        ),
        "bottom": vj.hierarchy.Group(
            lambda params, state: state,
            lambda params, state, features: normal(params, "bottom", features, state.loc),
            lambda params, state, z: z,
        ),
    }
    bind = vj.hierarchy.top_down(
        groups,
        start=lambda params: (),
        features=lambda params, x: jnp.tanh(networks["up"].apply(params["up"], x.reshape(-1))),
        read=lambda params, z: likelihood.bind((), networks["out"].apply(params["out"], z).reshape(data.example_shape)),
    )
    model = vj.Model(init, bind)
"""


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    start, end = TINY.index("    model = "), TINY.index("    objective = ")
    source = TINY[:start] + MODEL + TINY[end:]
    path = tmp_path_factory.mktemp("hierarchy") / "ladder.py"
    path.write_text(source.replace("import optax\n", "import jax\nimport jax.numpy as jnp\nimport optax\n"))
    return path


@pytest.fixture(scope="module")
def trained(experiment):
    return vj.train(experiment, run_dir=experiment.parent / "whole")


def test_it_learns_and_tells_the_kl_of_each_group(trained):
    lines = [line for line in read_metrics(trained.directory.metrics) if line["split"] == "validation"]
    assert lines[-1]["value"] > lines[0]["value"] + 5
    evaluation = json.loads(trained.directory.evaluation.read_text("utf-8"))
    assert evaluation["latent_size"] == len(evaluation["kl_per_dimension"]) == 5
    of_groups = evaluation["kl_per_group"]
    assert sorted(of_groups) == ["bottom", "top"]
    np.testing.assert_allclose(sum(of_groups.values()), sum(evaluation["kl_per_dimension"]), rtol=1e-5)
    np.testing.assert_allclose(sum(of_groups.values()), evaluation["kl"], rtol=0.1)  # along other draws
    assert evaluation["nll"] < -evaluation["elbo"] + 0.1
    page = trained.directory.report.read_text("utf-8")
    assert "KL of group top" in page
    assert {path.name for path in trained.directory.images.iterdir()} >= {"samples.png", "reconstructions.png"}


def test_it_resumes_to_the_same_bits(trained, experiment):
    vj.train(experiment, run_dir=experiment.parent / "halves", num_steps=20)
    resumed = vj.resume(experiment.parent / "halves", num_steps=30)
    for leaf, other in zip(*(jax.tree.leaves(run.params("latest")[0]) for run in (trained, resumed)), strict=True):
        np.testing.assert_array_equal(leaf, other)


def test_four_lanes_are_four_runs(trained, experiment):
    sweep = vj.sweep(experiment, seed=[0, 1], learning_rate=[1e-2, 1e-3], run_dir=experiment.parent / "sweep")
    values = []
    for number in range(4):
        values.append([line["value"] for line in read_metrics(sweep.directory.lane(number).metrics)])
    assert len({lane[-1] for lane in values}) == 4
    alone = [line["value"] for line in read_metrics(trained.directory.metrics)]
    assert any(np.allclose(lane, alone, rtol=1e-4) for lane in values)
