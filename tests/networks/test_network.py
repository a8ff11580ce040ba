"""Flax Linen, Flax NNX and Equinox modules, and bare functions, as a `Network`."""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from flax import nnx as flax_nnx
from tables import long_but

from vae_jax.models import gaussian, likelihoods
from vae_jax.networks import Network, equinox, in_precision, in_sequence, linen, nnx, repeated, residual_mlp
from vae_jax.objectives import elbo, over_batch
from vae_jax.training import trainer
from vae_jax.untrained import trained_part

KEY = jax.random.key(0)
X = jnp.array([0.5, -1.0, 2.0])


class NNXPerceptron(flax_nnx.Module):
    def __init__(self, in_size, out_size, rngs):
        self.first = flax_nnx.Linear(in_size, 4, rngs=rngs)
        self.second = flax_nnx.Linear(4, out_size, rngs=rngs)

    def __call__(self, x):
        return self.second(jax.nn.tanh(self.first(x)))


def linen_perceptron(in_size, out_size):
    return linen(nn.Sequential([nn.Dense(4), nn.tanh, nn.Dense(out_size)]), (in_size,))


def nnx_perceptron(in_size, out_size):
    return nnx(lambda rngs: NNXPerceptron(in_size, out_size, rngs))


def equinox_perceptron(in_size, out_size):
    return equinox(lambda key: eqx.nn.MLP(in_size, out_size, 4, 1, activation=jax.nn.tanh, key=key))


def bare_perceptron(in_size, out_size):
    def init(key):
        first, second = jax.random.split(key)
        return jax.random.normal(first, (4, in_size)), jax.random.normal(second, (out_size, 4))

    return Network(init, lambda params, x: params[1] @ jnp.tanh(params[0] @ x))


def repeated_perceptron(in_size, out_size):
    block = equinox_perceptron(in_size, in_size)
    return in_sequence(blocks=repeated(block, 2), output=bare_perceptron(in_size, out_size))


KINDS = {
    "linen": linen_perceptron,
    "nnx": nnx_perceptron,
    "equinox": equinox_perceptron,
    "bare": bare_perceptron,
    "repeated": repeated_perceptron,
    "residual": lambda in_size, out_size: residual_mlp((in_size,), (out_size,), 4, 2),
    "nnx in bfloat16": lambda in_size, out_size: in_precision(nnx_perceptron(in_size, out_size), jnp.bfloat16),
    "equinox in bfloat16": lambda in_size, out_size: in_precision(equinox_perceptron(in_size, out_size), jnp.bfloat16),
}


def test_linen_gives_the_module_s_own_output():
    module = nn.Sequential([nn.Dense(4), nn.tanh, nn.Dense(2)])
    variables = module.init(KEY, X)
    network = linen(module, (3,))
    jax.tree.map(np.testing.assert_array_equal, network.init(KEY), variables["params"])
    np.testing.assert_array_equal(network.apply(network.init(KEY), X), module.apply(variables, X))


def test_nnx_gives_the_module_s_own_output():
    network = nnx_perceptron(3, 2)
    module = NNXPerceptron(3, 2, flax_nnx.Rngs(params=KEY))
    np.testing.assert_allclose(network.apply(network.init(KEY), X), module(X), rtol=1e-6)


def test_equinox_gives_the_module_s_own_output():
    network = equinox_perceptron(3, 2)
    module = eqx.nn.MLP(3, 2, 4, 1, activation=jax.nn.tanh, key=KEY)
    np.testing.assert_allclose(network.apply(network.init(KEY), X), module(X), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_a_pytree_of_float_arrays_that_depend_on_the_key(kind):
    network = KINDS[kind](3, 2)
    leaves, others = (jax.tree.leaves(network.init(key)) for key in (KEY, jax.random.key(1)))
    assert all(isinstance(leaf, jax.Array) and leaf.dtype == jnp.float32 for leaf in leaves)
    assert any((leaf != other).any() for leaf, other in zip(leaves, others, strict=True))


@pytest.mark.parametrize("kind", long_but(KINDS, "linen", "nnx", "equinox in bfloat16", "residual"))
def test_a_vae_of_them_trains(kind):
    """Under jit, each parameter gets a gradient, and the bound rises."""
    model = gaussian(KINDS[kind](3, 4), KINDS[kind](2, 3), likelihoods.gaussian(), latent_size=2)
    ascent = trainer(model, over_batch(elbo), optax.adam(3e-2))
    step, state, batch = jax.jit(ascent.step), jax.jit(ascent.init)(KEY), jnp.tile(X, (16, 1))
    before, values = state.params, []
    for _ in range(30):
        state, metrics = step(state, batch)
        values.append(float(metrics["value"]))
    assert np.mean(values[-5:]) > np.mean(values[:5]) + 0.5
    for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(state.params), strict=True):
        assert (old != new).any()


def test_batch_norm_in_linen_is_refused():
    network = linen(nn.Sequential([nn.Dense(4), nn.BatchNorm(use_running_average=False)]), (3,))
    message = (
        "expected a module whose only variables are parameters; got Sequential with the mutable collection "
        "'batch_stats'; use LayerNorm or GroupNorm where it has BatchNorm"
    )
    with pytest.raises(ValueError, match=message):
        network.init(KEY)


def test_batch_norm_in_nnx_is_refused():
    message = (
        "expected an NNX module whose only variables are nnx.Param; got other state beside them; use layers without"
    )
    with pytest.raises(ValueError, match=message):
        nnx(lambda rngs: flax_nnx.BatchNorm(3, rngs=rngs))


def test_layer_norm_is_not_refused():
    network = linen(nn.Sequential([nn.Dense(4), nn.LayerNorm()]), (3,))
    np.testing.assert_allclose(network.apply(network.init(KEY), X).mean(), 0, atol=1e-5)


def test_integer_arrays_of_a_module_follow_the_seed_and_no_gradient_trains_them():
    """An order that is drawn from the key, like a weight, but is none."""

    class Reordered(eqx.Module):
        order: jax.Array
        linear: eqx.nn.Linear

        def __init__(self, key):
            order_key, linear_key = jax.random.split(key)
            self.order, self.linear = jax.random.permutation(order_key, 8), eqx.nn.Linear(8, 2, key=linear_key)

        def __call__(self, x):
            return self.linear(x[self.order])

    network, x = equinox(Reordered), jnp.arange(8.0)
    for seed in (0, 1, 2):
        key = jax.random.key(seed)
        np.testing.assert_array_equal(network.apply(network.init(key), x), Reordered(key)(x))
    params = network.init(jax.random.key(1))
    assert sorted(leaf.shape for leaf in jax.tree.leaves(trained_part(params))) == [(2,), (2, 8)]


def test_without_equinox_the_message_is_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "equinox", None)
    message = "expected equinox for a network written in it; it is not installed; pip install 'vae-jax[equinox]'"
    with pytest.raises(ModuleNotFoundError) as raised:
        equinox(lambda key: lambda x: x)
    assert str(raised.value) == message
