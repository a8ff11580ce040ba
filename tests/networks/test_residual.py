"""Blocks in a loop against the same blocks one by one, and the residual perceptron against its formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.networks import Network, in_sequence, mlp, repeated, residual_mlp

KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (64, 8))
BLOCK = mlp((8,), (8,), (5,), "tanh")


def one_by_one(block, num):
    """What `repeated` does, written without a loop for the compiler."""

    def apply(params, x):
        for layer in range(num):
            x = block.apply(jax.tree.map(lambda leaf, layer=layer: leaf[layer], params), x)
        return x

    return Network(repeated(block, num).init, apply)


def loss(network):
    return lambda params, x: jnp.mean(jnp.sin(jax.vmap(network.apply, (None, 0))(params, x)))


@pytest.mark.parametrize("rematerialise", [False, True])
def test_value_and_gradient_are_those_of_the_blocks_one_by_one(rematerialise):
    looped, unrolled = repeated(BLOCK, 3, rematerialise=rematerialise), one_by_one(BLOCK, 3)
    params = jax.jit(looped.init)(KEY)
    value, gradient = (
        jax.jit(jax.value_and_grad(loss(network), argnums=(0, 1)))(params, X) for network in (looped, unrolled)
    )
    jax.tree.map(lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-8), value, gradient)


def test_each_block_begins_with_a_key_of_its_own():
    params = repeated(BLOCK, 3).init(KEY)
    for layer, key in enumerate(jax.random.split(KEY, 3)):
        alone = BLOCK.init(key)
        jax.tree.map(lambda stacked, own, i=layer: np.testing.assert_array_equal(stacked[i], own), params, alone)


def num_equations(jaxpr):
    """Of a jaxpr and of all that are inside it."""
    inside = [
        sub for equation in jaxpr.eqns for sub in jax.tree.leaves(list(equation.params.values()), is_leaf=is_jaxpr)
    ]
    return len(jaxpr.eqns) + sum(num_equations(getattr(sub, "jaxpr", sub)) for sub in inside if is_jaxpr(sub))


def is_jaxpr(leaf):
    return hasattr(getattr(leaf, "jaxpr", leaf), "eqns")


def test_the_program_does_not_grow_with_depth():
    """Nor does its gradient; that of the blocks one by one does."""

    def size(network):
        params = jax.eval_shape(network.init, KEY)
        return num_equations(jax.make_jaxpr(jax.grad(loss(network)))(params, X).jaxpr)

    def num_lines(network):
        params = jax.eval_shape(network.init, KEY)
        return len(jax.jit(jax.grad(loss(network))).lower(params, X).as_text().splitlines())

    for rematerialise in (False, True):
        shallow, deep = (residual_mlp((8,), (3,), 16, num, rematerialise=rematerialise) for num in (4, 32))
        assert size(shallow) == size(deep)
        assert num_lines(shallow) == num_lines(deep)
    assert size(one_by_one(BLOCK, 8)) > 1.8 * size(one_by_one(BLOCK, 4))


def test_rematerialised_it_keeps_the_inputs_of_the_blocks_alone():
    """Memory of the compiled gradient: at least what is kept, 12 blocks' signals of 64 x 32, and little beside it."""
    signals = 12 * 64 * 32 * 4

    def temporary_bytes(rematerialise):
        network = residual_mlp((8,), (3,), 32, 12, rematerialise=rematerialise)
        compiled = jax.jit(jax.grad(loss(network))).lower(jax.eval_shape(network.init, KEY), X).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert signals < temporary_bytes(True) < 2.5 * signals
    assert temporary_bytes(False) > 4 * signals


def normalised(x, params):
    scale, bias = (np.asarray(params[name], float) for name in ("scale", "bias"))
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(centred.var(-1, keepdims=True) + 1e-6) * scale + bias


def dense(x, params):
    return x @ np.asarray(params["kernel"], float) + np.asarray(params["bias"], float)


def test_it_is_its_formula():
    network = residual_mlp((2, 4), (3, 2), 16, 3, "tanh", output_bias=np.arange(6.0).reshape(3, 2))
    random = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: leaf + random.normal(0, 0.1, leaf.shape).astype("f"), jax.jit(network.init)(KEY))
    image = X[0].reshape(2, 4)
    signal = dense(np.asarray(X[0], float), params["input"]["Dense_0"])
    for layer in range(3):
        block = jax.tree.map(lambda leaf, layer=layer: leaf[layer], params["blocks"])
        branch = np.tanh(dense(normalised(signal, block["LayerNorm_0"]), block["Dense_0"]))
        signal = signal + dense(branch, block["Dense_1"])
    expected = dense(normalised(signal, params["norm"]), params["output"]["Dense_0"]).reshape(3, 2)
    np.testing.assert_allclose(jax.jit(network.apply)(params, image), expected, rtol=1e-4, atol=1e-5)


def test_the_output_bias_starts_the_last_bias_and_no_other():
    bias = np.arange(4, dtype=np.float32).reshape(2, 2)
    params = jax.jit(residual_mlp((3,), (2, 2), 5, 2, output_bias=bias).init)(KEY)
    np.testing.assert_array_equal(params["output"]["Dense_0"]["bias"], bias.reshape(-1))
    np.testing.assert_array_equal(params["input"]["Dense_0"]["bias"], np.zeros(5))


@pytest.mark.parametrize("num_blocks", [2, 64])
def test_the_signal_begins_bounded_at_any_depth(num_blocks):
    """Rectified blocks add a half to its mean square together; unscaled ones would add a half each."""
    network = residual_mlp((8,), (3,), 256, num_blocks)
    params = jax.jit(network.init)(KEY)
    signal = X @ params["input"]["Dense_0"]["kernel"]

    def square_after_blocks(params):
        def once(x, block):
            mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
            branch = jax.nn.relu((x - mean) / jnp.sqrt(variance + 1e-6) @ block["Dense_0"]["kernel"])
            return x + branch @ block["Dense_1"]["kernel"], None

        return jnp.mean(jnp.square(jax.lax.scan(once, signal, params)[0]))

    added = square_after_blocks(params["blocks"]) - jnp.mean(jnp.square(signal))
    np.testing.assert_allclose(added, 0.5, atol=0.1)


def test_a_block_that_changes_the_shape_is_refused():
    message = (
        r"expected a block whose output is like its input, float32 of shape \(8,\); got float32 of shape \(4,\); "
        "change its sizes, or put networks that differ into `in_sequence`"
    )
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(repeated(mlp((8,), (4,)), 2).apply, jax.eval_shape(repeated(mlp((8,), (4,)), 2).init, KEY), X[0])


@pytest.mark.parametrize("make", [lambda num: repeated(BLOCK, num), lambda num: residual_mlp((8,), (2,), 4, num)])
@pytest.mark.parametrize("num", [0, -1])
def test_no_blocks_are_refused(make, num):
    message = f"expected a block that is applied once or more; got {num} times; leave it out for none"
    with pytest.raises(ValueError, match=message):
        make(num)


def test_in_sequence_each_takes_what_the_one_before_gives():
    """In the order in which they are named, which is not that of the alphabet."""
    shrink, grow = mlp((8,), (2,), ()), mlp((2,), (5,), ())
    network = in_sequence(shrink=shrink, grow=grow)
    params = network.init(KEY)
    expected = grow.apply(params["grow"], shrink.apply(params["shrink"], X[0]))
    np.testing.assert_array_equal(network.apply(params, X[0]), expected)
