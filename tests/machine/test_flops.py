"""Floating-point operations against counts by hand."""

from pathlib import Path

import jax
import jax.numpy as jnp
import optax
import pytest

import vae_jax as vj
from vae_jax.catalogue import load_experiment
from vae_jax.machine.flops import Work, flops, in_words, speed_in_words
from vae_jax.outline import outline
from vae_jax.runs.work import of_program, work

MATRIX = jax.ShapeDtypeStruct((100, 100), jnp.float32)
PRODUCT = 2 * 100**3


def flops_of_step(experiment):
    return of_program(experiment, outline(experiment))["flops_per_step"]


@pytest.fixture(scope="module")
def wide():
    """A VAE on 64 pixels, wide enough that matrix products are nearly all of it."""
    file = load_experiment(Path(__file__).parent.parent / "tiny_experiment.py")
    config = file.Config(latent_size=20, hidden_sizes=(400,))
    return file.experiment(config, file.data(config))


def test_a_training_step_of_an_mlp_is_its_matrix_products(wide):
    """All but the products is left out by hand: activations, densities, noise, the norm, Adam, the moving average."""
    layers = {"encoder": [(64, 400), (400, 2 * 20)], "decoder": [(20, 400), (400, 64)]}
    forward = sum(2 * num_in * num_out for sizes in layers.values() for num_in, num_out in sizes)
    # Backward there are two products a layer, for its weights and for its input; the images need no gradient.
    by_hand = wide.budget.batch_size * (3 * forward - 2 * 64 * 400)
    assert by_hand <= flops_of_step(wide) <= 1.1 * by_hand


def test_the_update_in_its_branch_counts_once(wide):
    def with_a_product(num):
        """Adam, and products beside it that cost as much as is known."""

        def update(updates, state, params=None):
            product = jnp.ones((100, 100))
            for _ in range(num):
                product = product @ product
            return jax.tree.map(lambda update: update + product[0, 0], updates), state

        costly = optax.GradientTransformation(lambda params: optax.EmptyState(), update)
        objective = vj.objectives.over_batch(vj.objectives.elbo)
        return wide._replace(trainer=vj.trainer(wide.model, objective, optax.chain(optax.adam(1e-3), costly)))

    more = flops_of_step(with_a_product(50)) - flops_of_step(with_a_product(0))
    assert more == pytest.approx(50 * PRODUCT, rel=1e-3)


def test_of_a_branch_the_dearer_side_counts():
    def branch(x):
        return jax.lax.cond(x[0, 0] > 0, lambda x: x @ x @ x, lambda x: x @ x, x)

    assert flops(branch, MATRIX) == pytest.approx(2 * PRODUCT, rel=1e-3)


def test_the_body_of_a_loop_counts_once():
    def loop(x):
        return jax.lax.fori_loop(0, 10, lambda _, x: x @ x, x)

    assert flops(loop, MATRIX) == pytest.approx(PRODUCT, rel=1e-3)


@pytest.mark.parametrize(
    "found", [None, {}, {"flops": -1.0}, NotImplementedError("no"), jax.errors.JaxRuntimeError("no")]
)
def test_a_backend_without_the_analysis_gives_none(monkeypatch, found):
    def cost_analysis(self):
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(jax.stages.Lowered, "cost_analysis", cost_analysis)
    assert flops(lambda x: x @ x, MATRIX) is None


def test_a_function_that_cannot_be_traced_still_says_so():
    with pytest.raises(TypeError):
        flops(lambda x, y: x @ y, MATRIX, jax.ShapeDtypeStruct((3, 5), jnp.float32))


def test_numbers_in_words():
    assert [in_words(count) for count in (0, 999, 999.4, 999.6, 1_000, 12_345, 4.2e18)] == [
        "0 FLOP", "999 FLOP", "999 FLOP", "1 kFLOP", "1 kFLOP", "12.3 kFLOP", "4.2e+03 PFLOP",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("images_per_second", "work", "words"),
    [
        (1_000.0, Work(), ""),
        (1_000.0, Work(None, 1e12), ""),
        (1_000.0, Work(1e6), "1 GFLOP/s"),
        (1_000.0, Work(1e6, 1e10), "1 GFLOP/s, 10 % of peak"),
        (1_000.0, Work(1e6, 1e9), "1 GFLOP/s, 100 % of peak"),
        (1_000.0, Work(1e6, 3e12), "1 GFLOP/s, 0.033 % of peak"),
    ],
)
def test_a_speed_in_words(images_per_second, work, words):
    assert speed_in_words(images_per_second, work) == words


def test_the_work_of_an_image_is_its_share_of_a_step(wide):
    """The peak is that of all devices of the mesh together."""
    card = type("Card", (), {"device_kind": "NVIDIA H200"})()
    assert work(wide, 5_000, jax.devices()) == Work(50.0, None)
    assert work(wide, None, jax.devices()) == Work(None, None)
    assert work(wide, 5_000, [card, card]) == Work(50.0, 2 * 494.5e12)
