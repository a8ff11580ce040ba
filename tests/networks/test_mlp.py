"""The multi-layer perceptron against its matrix products."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.networks import activation, mlp

KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (2, 3))
FORMULAS = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "relu": lambda x: np.maximum(x, 0),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


def dense(params, layer):
    entry = params[f"Dense_{layer}"]
    return np.asarray(entry["kernel"], float), np.asarray(entry["bias"], float)


@pytest.mark.parametrize("name", FORMULAS)
def test_it_is_dense_layers_with_an_activation_between_them(name):
    network = mlp((2, 3), (2, 2), (5, 4), name)
    params = network.init(KEY)
    x = np.asarray(X, float).reshape(-1)
    for layer in range(3):
        kernel, bias = dense(params, layer)
        x = x @ kernel + bias
        if layer < 2:
            x = FORMULAS[name](x)
    output = network.apply(params, X)
    assert output.shape == (2, 2)
    np.testing.assert_allclose(output.reshape(-1), x, rtol=1e-4, atol=1e-5)


def test_without_hidden_layers_it_is_linear():
    network = mlp((2, 3), (4,), ())
    params = network.init(KEY)
    assert list(params) == ["Dense_0"]
    np.testing.assert_allclose(network.apply(params, 2 * X), 2 * network.apply(params, X), rtol=1e-5)


def test_the_output_bias_starts_the_last_bias_and_no_other():
    bias = np.arange(4, dtype=np.float32).reshape(2, 2)
    params = mlp((3,), (2, 2), (5,), output_bias=bias).init(KEY)
    np.testing.assert_array_equal(params["Dense_1"]["bias"], bias.reshape(-1))
    np.testing.assert_array_equal(params["Dense_0"]["bias"], np.zeros(5))


def test_weights_are_glorot_uniform():
    """Within ±√(6 / (in + out)), and of that distribution's variance: 3 % are 5 standard errors of 30,000 weights."""
    kernel, _ = dense(mlp((300,), (1,), (100,)).init(KEY), 0)
    limit = np.sqrt(6 / 400)
    assert np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.var(), limit**2 / 3, rtol=0.03)


def test_a_batch_is_a_vmap_outside():
    network = mlp((2, 3), (4,), (5,))
    params, batch = network.init(KEY), jnp.stack([X, -X])
    together = jax.vmap(network.apply, (None, 0))(params, batch)
    np.testing.assert_allclose(together[1], network.apply(params, -X), rtol=1e-5, atol=1e-6)


def test_an_unknown_activation_is_refused_with_the_nearest():
    message = "expected an activation out of elu, gelu, leaky_relu, relu, swish, tanh; got 'tahn'; did you mean 'tanh'"
    with pytest.raises(ValueError, match=message):
        mlp((3,), (2,), (4,), "tahn").init(KEY)
    with pytest.raises(ValueError, match=message):
        activation("tahn")
