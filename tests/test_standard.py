"""The standard run: each field of a config goes where it says, and what is given replaces what is standard."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import vae_jax as vj
from vae_jax.config.fields import check_numbers
from vae_jax.messages import UsageError
from vae_jax.standard import wiring

DATA = vj.data.load("digits")


@dataclass(frozen=True)
class Config(vj.standard.LearnedScale, vj.standard.Vae):
    latent_size: int = 2
    hidden_sizes: tuple[int, ...] = (8,)
    scale: float = 0.5


def wired(config, **options):
    model = vj.standard.fully_connected(config, DATA.mean(), vj.models.likelihoods.bernoulli())
    objective = vj.objectives.over_batch(vj.objectives.elbo)
    return vj.standard.experiment(config, DATA, model, objective, vj.data.scale(DATA.max_value), **options)


def update(optimizer, gradient):
    params = {"w": jnp.zeros(2)}
    state = optimizer.init(params)
    for step in range(2):  # Adam's first step does not depend on the length of the gradient
        updates, state = optimizer.update({"w": jnp.asarray(gradient) * 10.0**step}, state, params)
    return np.asarray(updates["w"])


def test_own_fields_come_last_and_inherited_ones_have_other_defaults():
    assert list(Config.__dataclass_fields__) == [
        *("seed", "data", "latent_size", "learning_rate", "batch_size", "num_epochs"),
        *("hidden_sizes", "activation", "max_gradient_norm", "beta", "initial_scale", "scale"),
    ]
    assert (Config().latent_size, Config(hidden_sizes=(4, 5)).hidden_sizes) == (2, (4, 5))


@pytest.mark.parametrize("learning_rate", [1e-3, 3e-2])
def test_adam_has_the_learning_rate_and_a_limit_where_the_config_has_one(learning_rate):
    unlimited = vj.standard.FullyConnected(learning_rate=learning_rate)
    limited = vj.standard.Vae(learning_rate=learning_rate, max_gradient_norm=1.0)
    adam = optax.adam(learning_rate)
    np.testing.assert_array_equal(update(vj.standard.adam(unlimited), [3.0, 4.0]), update(adam, [3.0, 4.0]))
    expected = update(optax.chain(optax.clip_by_global_norm(1.0), adam), [3.0, 4.0])
    np.testing.assert_array_equal(update(vj.standard.adam(limited), [3.0, 4.0]), expected)
    assert not np.array_equal(expected, update(adam, [3.0, 4.0]))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("learning_rate", -0.1, "expected learning_rate of at least 0; got -0.1"),
        ("max_gradient_norm", 0.0, "expected max_gradient_norm above 0; got 0.0"),
        ("beta", -1.0, "expected beta of at least 0; got -1.0"),
        ("initial_scale", 0.0, "expected initial_scale above 0; got 0.0"),
    ],
)
def test_a_number_that_leads_away_from_the_objective_is_refused(field, value, expected):
    with pytest.raises(UsageError) as caught:
        check_numbers(Config(**{field: value}))
    assert str(caught.value) == expected
    check_numbers(Config(learning_rate=0.0, beta=0.0))


def test_the_learning_rate_falls_to_zero_at_the_end_of_the_budget():
    config = vj.standard.Training(batch_size=100, num_epochs=2)
    num_steps = vj.standard.budget(config, DATA).num_steps
    optimizer = vj.standard.adam_along_cosine(config, DATA)
    params = jnp.ones(())
    state, sizes = optimizer.init(params), []
    for _ in range(num_steps + 1):
        updates, state = optimizer.update(jnp.ones(()), state, params)
        sizes.append(float(-updates))
    assert sizes[0] == pytest.approx(1e-3, rel=1e-4)
    assert sizes[num_steps // 2] == pytest.approx(5e-4, rel=1e-3)
    assert sizes[num_steps] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", ["digits", "mnist_5k"])
def test_no_posterior_collapses_at_the_scale_that_the_data_start(name):
    """In the linear VAE a dimension is active where the data's variance along a principal direction exceeds σ².

    Source: Lucas, Tucker, Grosse & Norouzi 2019, arXiv:1911.02469, section 4; it is that of probabilistic PCA.
    """
    data = vj.data.load(name)
    centred = data.matrix() - data.matrix().mean(axis=0)
    variances = np.linalg.eigvalsh(centred.T @ centred / len(centred))
    start = vj.standard.initial_scale(vj.standard.LearnedScale(), data.deviation())
    assert (variances > start**2).sum() >= vj.standard.Vae().latent_size
    assert vj.standard.initial_scale(vj.standard.LearnedScale(0.25), data.deviation()) == 0.25


@pytest.mark.long
def test_grey_digits_keep_all_latent_dimensions(tmp_path, without_a_page):
    """From σ = 1 the bits are above 8 after these steps."""
    options = {"data": "mnist_5k", "num_steps": 400, "hidden_sizes": (200,)}
    run = vj.train("vae_fashion", run_dir=tmp_path / "run", **options)
    result = run.evaluate(num_samples=10)
    assert result["active_units"] == 20
    assert result["bits_per_dim"] < 8


def test_seed_data_and_budget_are_the_configs():
    experiment = wired(Config(seed=7, batch_size=50, num_epochs=3))
    assert experiment.seed == 7
    assert experiment.dataset is DATA
    assert experiment.budget == vj.budget_of_epochs(3, len(DATA.train.examples), 50)
    assert (experiment.augmentation, experiment.bound, experiment.measures) == (None, vj.objectives.elbo, None)


def test_what_is_given_takes_the_place_of_what_is_standard():
    given = {"augmentation": vj.data.flip_horizontally(), "bound": vj.objectives.iwae, "measures": lambda params: {}}
    experiment = wired(Config(), optimizer=optax.sgd(0.0), **given)
    assert {name: getattr(experiment, name) for name in given} == given
    state = experiment.trainer.init(jax.random.key(0))
    stepped, _ = experiment.trainer.step(state, jnp.full((4, 8, 8), 0.5))
    assert all(map(np.array_equal, jax.tree.leaves(state.params), jax.tree.leaves(stepped.params)))


def test_the_discriminator_has_its_own_sizes_and_learning_rate(monkeypatch):
    rates = []
    monkeypatch.setattr(
        wiring.optax, "adam", lambda rate, **options: (rates.append((rate, options)), optax.sgd(rate))[1]
    )
    config = vj.standard.TwoPlayers(latent_size=3, discriminator_sizes=(5, 6), discriminator_learning_rate=0.25)
    model = vj.standard.fully_connected(config, DATA.mean(), vj.models.likelihoods.bernoulli())
    objectives = vj.objectives.factor_vae, vj.objectives.factor_vae_discriminator
    experiment = vj.standard.adversarial(config, DATA, model, *objectives, vj.data.scale(16), bound=vj.objectives.iwae)
    assert rates == [(1e-3, {}), (0.25, {"b1": 0.5})]
    assert experiment.bound is vj.objectives.iwae
    state = jax.eval_shape(experiment.trainer.init, jax.random.key(0))
    shapes = {leaf.shape for leaf in jax.tree.leaves(state.opt_state.discriminator)}
    assert {(3, 5), (5, 6), (6, 1)} <= shapes
