"""Families of VAEs go where every model goes: trained, resumed, evaluated, explained, sampled from, swept."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tables import long_but

import vae_jax as vj
from vae_jax.catalogue import load_experiment
from vae_jax.cli.main import main
from vae_jax.distributions import Mixture, Normal
from vae_jax.messages import UsageError
from vae_jax.runs.begin import open_run
from vae_jax.runs.chosen import in_class
from vae_jax.sweeps.sweep import Sweep
from vae_jax.training.advance import advance, start
from vae_jax.training.metrics import read_metrics

EXPERIMENT, NUM_STEPS = Path(__file__).parent / "models.py", 20
KINDS = (
    "clusters",
    "codes",
    "conditional",
    "few_labels",
    "hamiltonian",
    "hierarchical",
    "ladder",
    "mixture_of_experts",
    "mixture_of_products",
    "product_of_experts",
    "recurrent",
    "semi_amortised",
    "semi_supervised",
    "very_deep",
)
# One that no gradient trains alone, the one with the most parts, and one with conditions, which some tests are of.
MOSTLY_LONG = long_but(KINDS, "codes", "conditional", "hierarchical")
OF_TWO_PARTS = {"mixture_of_experts", "mixture_of_products", "product_of_experts"}
PICTURES = {
    "clusters": {"samples", "classes", "latent", "reconstructions", "traversals", "interpolations"},
    "codes": {"samples", "reconstructions"},
    "conditional": {"samples", "latent", "reconstructions", "analogies", "traversals"},
    "few_labels": {"samples", "classes", "groups", "reconstructions"},
    "hamiltonian": {"samples", "reconstructions"},
    "hierarchical": {"samples", "temperatures", "groups", "reconstructions"},
    "ladder": {"samples", "temperatures", "groups", "reconstructions"},
    "mixture_of_experts": {"samples", "latent", "reconstructions", "analogies", "traversals"},
    "mixture_of_products": {"samples", "latent", "reconstructions", "analogies", "traversals"},
    "product_of_experts": {"samples", "latent", "reconstructions", "analogies", "traversals"},
    "recurrent": {"samples", "latent", "reconstructions", "analogies", "traversals"},
    "semi_amortised": {"samples", "latent", "reconstructions", "traversals", "interpolations"},
    "semi_supervised": {"samples", "reconstructions", "analogies"},
    "very_deep": {"samples", "temperatures", "groups", "reconstructions"},
}


def validations(metrics):
    """What was validated, from the first to the last."""
    return [line["value"] for line in read_metrics(metrics) if line["split"] == "validation"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, no_pages):
    """kind -> its run, trained once, in two halves."""
    folder, runs = tmp_path_factory.mktemp("families"), {}

    def of(kind):
        if kind not in runs:
            path, half = str(folder / kind), str(NUM_STEPS // 2)
            with no_pages():
                assert main(["train", str(EXPERIMENT), "--kind", kind, "--run-dir", path, "--num-steps", half]) == 0
            assert main(["resume", path, "--num-steps", str(NUM_STEPS)]) == 0
            runs[kind] = open_run(path)
        return runs[kind]

    return of


@pytest.mark.parametrize("kind", MOSTLY_LONG)
def test_it_learns_and_is_evaluated_and_explained(trained, kind):
    directory = trained(kind).directory
    first, *_, last = validations(directory.metrics)
    assert last > first + 3
    evaluation = json.loads(directory.evaluation.read_text("utf-8"))
    assert evaluation["nll"] < -evaluation["elbo"] + 0.1
    assert (evaluation["bits_per_dim"] is None) == (kind in OF_TWO_PARTS)
    assert evaluation["squared_error"] > 0
    assert {path.stem for path in directory.images.iterdir()} == PICTURES[kind]
    page = directory.report.read_text("utf-8")
    assert page.count("<img") >= len(PICTURES[kind])


@pytest.mark.parametrize(
    ("kind", "groups"),
    long_but(
        [
            ("few_labels", ("class", "code")),
            ("hierarchical", ("bottom", "top")),
            ("ladder", ("z1", "z2", "z3")),
            ("semi_supervised", ("kind", "style")),
            ("very_deep", ("01x01.0", "04x04.0", "04x04.1", "08x08.0", "08x08.1")),
        ],
        ("hierarchical", ("bottom", "top")),
    ),
)
def test_the_kl_of_each_group_is_told(trained, kind, groups):
    evaluation = json.loads(trained(kind).directory.evaluation.read_text("utf-8"))
    of_groups = evaluation["kl_per_group"]
    assert tuple(sorted(of_groups)) == groups
    np.testing.assert_allclose(sum(of_groups.values()), evaluation["kl"], rtol=0.1)  # along other draws
    assert f"KL of group {groups[0]}" in trained(kind).directory.report.read_text("utf-8")


def test_the_use_of_codes_is_told(trained):
    """The prior begins without preference, with 4 codes out of 16: 16 bits. It learns to say them in fewer."""
    directory = trained("codes").directory
    evaluation = json.loads(directory.evaluation.read_text("utf-8"))
    assert evaluation["rate_in_bits"] == pytest.approx(evaluation["kl"] / np.log(2))
    assert evaluation["rate_in_bits"] < 15.9
    assert 1 < evaluation["code_perplexity"] <= 16 * evaluation["code_usage"] <= 16
    assert any("upper bound that more samples do not tighten" in note for note in evaluation["notes"])
    page = directory.report.read_text("utf-8")
    assert "Codes in use" in page
    assert "Perplexity of the codes" in page
    (last,) = [line for line in read_metrics(directory.metrics) if line["split"] == "train"][-1:]
    assert {"code_usage", "code_perplexity", "rate_in_bits", "penalty"} <= last.keys()


@pytest.mark.parametrize("kind", MOSTLY_LONG)
def test_it_resumes_to_the_bits_of_steps_without_a_break(trained, kind):
    file = load_experiment(EXPERIMENT)
    config = file.Config(kind=kind)
    experiment = file.experiment(config, file.data(config))
    key, feed = experiment.key_and_feed()
    progress = start(experiment.trainer, feed, key)
    progress = advance(experiment.trainer, feed)(progress, iter(()), NUM_STEPS)
    resumed, _ = trained(kind).params("latest")
    for leaf, other in zip(jax.tree.leaves(progress.state.params), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(leaf, other)


@pytest.mark.parametrize("kind", long_but(KINDS, "codes"))
def test_four_lanes_are_runs(trained, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(Sweep, "report", lambda sweep: None)
    sweep = vj.sweep(EXPERIMENT, kind=kind, seed=[0, 1], learning_rate=[1e-2, 1e-3], run_dir=tmp_path / "sweep")
    lanes = [validations(sweep.directory.lane(number).metrics) for number in range(4)]
    assert len({lane[-1] for lane in lanes}) == 4
    assert lanes[0] == pytest.approx(validations(trained(kind).directory.metrics), rel=1e-4)


@pytest.mark.usefixtures("without_a_page")
@pytest.mark.parametrize("kind", MOSTLY_LONG)
def test_the_command_says_what_there_is(trained, kind, capsys):
    path = str(trained(kind).directory.path)
    capsys.readouterr()
    assert main(["evaluate", path, "--num-samples", "20"]) == 0
    told = capsys.readouterr().out
    assert "NLL" in told
    assert ("bits per dim" in told) == (kind not in OF_TWO_PARTS)
    assert ("codes in use" in told) == (kind == "codes")


def test_samples_of_a_class_are_of_its_condition(trained, tmp_path, capsys):
    """All tiles of a class, one class after another, and what is refused."""
    run = str(trained("conditional").directory.path)
    for options in ([], ["--label", "3"]):
        out = tmp_path / f"{len(options)}.png"
        assert main(["sample", run, "--out", str(out), "--num", "20", *options]) == 0
        assert out.stat().st_size > 0
    capsys.readouterr()
    for kind, label, words in (
        ("conditional", "11", "expected a label of digits (0, 1, 2, 3, 4, 5, 6, 7, 8, 9); got '11'"),
        ("hierarchical", "3", "expected a conditional model for --label; this one has no conditions; leave it out"),
    ):
        arguments = ["sample", str(trained(kind).directory.path), "--out", str(tmp_path / "no.png"), "--label", label]
        assert main(arguments) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "no.png").exists()


@pytest.mark.long
def test_samples_of_a_latent_class(trained, tmp_path):
    for kind in ("clusters", "few_labels"):
        out = tmp_path / f"{kind}.png"
        run = str(trained(kind).directory.path)
        assert main(["sample", run, "--out", str(out), "--num", "4", "--label", "3"]) == 0
        assert out.stat().st_size > 0


def test_a_label_of_a_model_with_latent_classes_is_the_number_of_one():
    two = Mixture(jnp.zeros(2), Normal(jnp.array([[-1.0], [1.0]]), jnp.ones((2, 1))))
    vae = vj.VAE(lambda x: Normal(x, jnp.ones(1)), lambda z: Normal(z, jnp.ones(1)), two)
    of_second, left = in_class(vae, "1")
    assert (of_second.prior.loc.tolist(), left) == ([1.0], None)
    assert in_class(vae, None) == (vae, None)
    for label in ("2", "-1", "two"):
        with pytest.raises(UsageError, match=f"number of a latent class, 0 to 1, for --label; got '{label}'"):
            in_class(vae, label)
