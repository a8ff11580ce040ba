"""What passes before training does not fail after it: each way to be wrong gets a line before anything is written."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.catalogue import load_experiment
from vae_jax.cli.main import main
from vae_jax.distributions import Normal
from vae_jax.messages import UsageError
from vae_jax.objectives import elbo, over_batch
from vae_jax.outline import check_measures, outline
from vae_jax.training import trainer

TINY = Path(__file__).parent / "tiny_experiment.py"


@pytest.fixture(scope="module")
def tiny():
    file = load_experiment(TINY)
    return file.experiment(file.Config(), file.data(file.Config()))


def test_it_has_the_shapes_and_families_of_a_run(tiny):
    found = outline(tiny)
    assert found.batch.shape == (100, 8, 8)
    assert type(found.draw.posterior) is Normal
    assert found.draw.z.shape == (2,)
    assert {"value", "kl", "log_likelihood", "squared_error"} <= set(found.validation)
    params = jax.eval_shape(tiny.model.init, jax.random.key(0))
    assert jax.tree.map(jnp.shape, found.state.params) == jax.tree.map(jnp.shape, params)


def fails(*arguments):
    raise ValueError("expected something else; got this; do that")


def with_budget(tiny, **numbers):
    return tiny._replace(budget=tiny.budget._replace(**numbers))


def with_transform(tiny, **functions):
    return tiny._replace(transform=tiny.transform._replace(**functions))


def with_vae(tiny, **parts):
    def bind(params):
        return tiny.model.bind(params)._replace(**parts)

    return tiny._replace(model=tiny.model._replace(bind=bind))


class WithoutMean:
    """A prior that gives the sampled KL only what it needs."""

    def sample(self, key):
        return fails()

    def log_prob(self, z):
        return -(z**2).sum()


def with_wider_state(tiny):
    def step(state, batch):
        state, metrics = tiny.trainer.step(state, batch)
        return state._replace(step=state.step + jnp.zeros(2, jnp.int32)), metrics

    return tiny._replace(trainer=tiny.trainer._replace(step=step))


def with_a_number(tiny):
    """A parameter that Python holds, and not an array."""
    own = trainer(
        tiny.model._replace(init=lambda key: tiny.model.init(key) | {"scale": 1.0}), over_batch(elbo), optax.sgd(0.1)
    )
    return tiny._replace(trainer=own)


WRONG = {
    "a parameter that is no array": (
        with_a_number,
        r"expected parameters that are arrays; params\['scale'\] is 1.0; make it one by jnp.asarray",
    ),
    "half a step": (
        lambda tiny: with_budget(tiny, num_steps=4.5),
        "expected num_steps as a whole number of at least 0; got 4.5",
    ),
    "no samples": (
        lambda tiny: tiny._replace(num_samples=0),
        "expected num_samples as a whole number of at least 1; got 0",
    ),
    "no period": (
        lambda tiny: with_budget(tiny, log_every=0),
        "expected log_every as a whole number of at least 1; got 0",
    ),
    "a step that fails": (
        lambda tiny: tiny._replace(trainer=tiny.trainer._replace(step=fails)),
        "expected something else; got this; do that",
    ),
    "a step that widens": (
        with_wider_state,
        r"expected a step that keeps shapes and types; state.step was int32 of \(\) and becomes int32 of \(2,\)",
    ),
    "a bound that fails": (lambda tiny: tiny._replace(bound=fails), "expected something else"),
    "a way back that fails": (lambda tiny: with_transform(tiny, to_stored=fails), "expected something else"),
    "a volume that fails": (lambda tiny: with_transform(tiny, log_det=fails), "expected something else"),
    "samples that fail": (lambda tiny: with_vae(tiny, prior=WithoutMean()), "expected"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_work_is_said_at_once(tiny, name):
    change, message = WRONG[name]
    with pytest.raises(UsageError, match=message):
        outline(change(tiny))


@pytest.mark.parametrize(
    ("measures", "message"),
    [
        (lambda params: {"nan": float("nan")}, "expected measures that are finite numbers; got nan as 'nan'; return a"),
        (lambda params: {"word": "good"}, "expected measures that are finite numbers; got 'good' as 'word'"),
        (lambda params: {"row": np.ones(1)}, r"got an array of shape \(1,\) as 'row'"),
        (
            lambda params: 1 / 0,
            "expected measures of the parameters that training starts from; ",
        ),
    ],
)
def test_measures_are_numbers(tiny, measures, message):
    with pytest.raises(UsageError, match=message):
        check_measures(tiny._replace(measures=measures))


@pytest.mark.parametrize("value", [1, 1.5, np.float32(2), jnp.ones(()), True])
def test_numbers_of_every_kind_are_measures(tiny, value):
    check_measures(tiny._replace(measures=lambda params: {"one": value}))
    check_measures(tiny)


def test_nothing_is_written_before_that(tmp_path, capsys):
    path = tmp_path / "mine.py"
    source = TINY.read_text("utf-8")
    path.write_text(source.replace("num_samples=20", 'num_samples=20, measures=lambda params: {"word": "good"}'))
    assert main(["train", str(path), "--run-dir", str(tmp_path / "run")]) == 2
    assert "expected measures that are finite numbers; got 'good' as 'word'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
