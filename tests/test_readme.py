"""The code in the README runs, from the first block to the last, as a reader would type it."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import vae_jax as vj
from vae_jax.catalogue import load_experiment
from vae_jax.data.config import DataConfig
from vae_jax.outline import outline
from vae_jax.runs.wiring import wire

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def names():
    """What the blocks define, all run in one namespace."""
    namespace = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), namespace)
    return namespace


def test_every_foreign_loop_has_the_same_objective(names):
    assert len(BLOCKS) == 8
    for gradient in (names["gradient"], names["weights"]):
        assert gradient is not None
    values = [names["loss"](names["weights"], names["jax"].random.key(1)), names["value"]]
    assert -900 < names["bound"] < -300
    assert all(jnp.isfinite(value) and 300 < value < 900 for value in values)  # 784 log 2 = 543 nats at no knowledge


def test_the_sweep_by_hand_that_the_page_on_sweeps_shows(capsys):
    page = (Path(__file__).parent.parent / "docs" / "sweeps.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    exec(compile(block, "sweeps.md", "exec"), {})
    values = [float(word) for word in capsys.readouterr().out.strip(" []\n").split()]
    assert len(set(values)) == 3
    assert all(-20 < value < -5 for value in values)


def test_the_experiment_of_your_own_works(tmp_path):
    (source,) = re.findall(r'^```python no-test\n("""The Rényi bound.*?)^```$', README, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.py").write_text(source, "utf-8")
    file = load_experiment(tmp_path / "mine.py")
    config = file.Config(data=DataConfig("digits"), hidden_sizes=(8,))
    assert config.alpha == 0.5
    assert outline(wire(file, config, num_steps=1)).batch.shape == (100, 8, 8)


def test_the_family_of_twenty_lines_bounds_what_it_should(tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "writing_a_variant.md").read_text("utf-8")
    (source,) = re.findall(r"^```python no-test\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "my_variant.py").write_text(source, "utf-8")
    file = load_experiment(tmp_path / "my_variant.py")
    config = file.Config(data=DataConfig("digits"), hidden_sizes=(8,), latent_size=5)
    experiment = wire(file, config, num_steps=1)
    assert outline(experiment).batch.shape == (100, 8, 8)
    vae = experiment.model.bind(experiment.model.init(jax.random.key(0)))
    value, metrics = vj.objectives.elbo(jax.random.key(1), vae, jnp.zeros((8, 8)))
    several = {"num_samples": 4_000, "kl": vj.objectives.sampled_kl}
    _, drawn = vj.objectives.elbo(jax.random.key(1), vae, jnp.zeros((8, 8)), **several)
    assert jnp.allclose(value, metrics["log_likelihood"] - metrics["kl"], atol=1e-4)
    assert jnp.allclose(drawn["kl"], metrics["kl"], rtol=0.05, atol=0.05)


def test_the_loops_agree_where_their_weights_do(names):
    jax, nnx, eqx = names["jax"], names["nnx"], names["eqx"]
    weights = names["weights"]
    module = names["Autoencoder"](nnx.Rngs(0))
    module.encoder.kernel[...] = weights["encoder"]
    module.encoder.bias[...] = jnp.zeros(4)
    module.decoder.kernel[...] = weights["decoder"]
    module.decoder.bias[...] = jnp.zeros(784)
    networks = tuple(
        eqx.tree_at(lambda m: (m.weight, m.bias), network, (weight.T, jnp.zeros(weight.shape[1])))
        for network, weight in zip(names["networks"], (weights["encoder"], weights["decoder"]), strict=True)
    )
    key = jax.random.key(2)
    bare = names["loss"](weights, key)
    assert jnp.allclose(names["nnx_loss"](module, key), bare, rtol=1e-6)
    assert jnp.allclose(names["eqx_loss"](networks, key), bare, rtol=1e-6)


def test_the_variant_of_twenty_lines_bounds_as_it_should(names):
    jax, vj = names["jax"], names["vj"]
    model = names["with_vamp_prior"](names["plain"], names["images"][:8])
    vae = model.bind(model.init(jax.random.key(0)))
    x, key = names["images"][0], jax.random.key(1)
    # α -> 1 is the ELBO of the same samples, α = 0 the importance-weighted bound.
    iwae, _ = vj.objectives.iwae(key, vae, x, num_samples=5)
    renyi, _ = names["renyi_bound"](key, vae, x, alpha=0.0)
    assert jnp.allclose(renyi, iwae, rtol=1e-6)
    lower, _ = names["renyi_bound"](key, vae, x, alpha=0.999)
    elbo, _ = vj.objectives.elbo(key, vae, x, num_samples=5, kl=vj.objectives.sampled_kl)
    assert jnp.allclose(lower, elbo, atol=0.1)
    assert lower < renyi
