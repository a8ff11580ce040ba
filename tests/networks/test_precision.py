"""Networks in bfloat16 inside models in float32."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.models import gaussian, likelihoods
from vae_jax.networks import Network, in_precision, mlp
from vae_jax.objectives import elbo, over_batch
from vae_jax.training import trainer

KEY = jax.random.key(0)
IMAGES = jax.random.uniform(jax.random.key(1), (64, 6, 6))
NAME = "a_network"

LIKELIHOODS = {
    "bernoulli": (likelihoods.bernoulli(), (6, 6)),
    "gaussian": (likelihoods.gaussian_with_scale_per_pixel(), (6, 6, 2)),
}
every_likelihood = pytest.mark.parametrize(("likelihood", "output_shape"), LIKELIHOODS.values(), ids=LIKELIHOODS)


def model_in(dtype, likelihood, output_shape):
    """A model whose networks are recognised in a jaxpr by their name."""

    def network(input_shape, output_shape):
        plain = in_precision(mlp(input_shape, output_shape, (32,)), dtype)

        def a_network(params, x):
            return plain.apply(params, x)

        return Network(plain.init, jax.jit(a_network))

    return gaussian(network((6, 6), (6,)), network((3,), output_shape), likelihood, latent_size=3)


def value_and_gradient(model):
    def mean(params):
        values, metrics = over_batch(elbo)(KEY, model.bind(params), IMAGES, 0)
        return values.mean(), metrics

    return jax.value_and_grad(mean, has_aux=True)


def equations(jaxpr, inside):
    """(operation, inside a network, dtypes that it reads or writes), of all that are in a jaxpr."""
    for equation in jaxpr.eqns:
        here = inside or NAME in str(equation.params.get("name", ""))
        subs = [getattr(sub, "jaxpr", sub) for sub in jax.tree.leaves(list(equation.params.values()), is_leaf=is_jaxpr)]
        subs = [sub for sub in subs if hasattr(sub, "eqns")]
        for sub in subs:
            yield from equations(sub, here)
        if not subs:
            dtypes = {str(variable.aval.dtype) for variable in (*equation.invars, *equation.outvars)}
            yield equation.primitive.name, here, dtypes


def is_jaxpr(leaf):
    return hasattr(getattr(leaf, "jaxpr", leaf), "eqns")


@every_likelihood
def test_outside_the_networks_nothing_is_bfloat16(likelihood, output_shape):
    """Neither in the bound nor in its gradient; inside, every matrix product is, with either operand."""
    model = model_in("bfloat16", likelihood, output_shape)
    params = jax.eval_shape(model.init, KEY)
    found = list(equations(jax.make_jaxpr(value_and_gradient(model))(params).jaxpr, False))
    outside = [(name, dtypes) for name, inside, dtypes in found if not inside]
    assert {"reduce_sum", "exp"} <= {name for name, _ in outside}
    assert not [name for name, dtypes in outside if "bfloat16" in dtypes]
    products = [(inside, dtypes) for name, inside, dtypes in found if name == "dot_general"]
    assert len(products) >= 8
    assert all(inside and dtypes == {"bfloat16"} for inside, dtypes in products)


@every_likelihood
def test_value_and_gradient_are_float32_and_near_those_of_float32(likelihood, output_shape):
    """The value to 0.2 %, each gradient to 3 % of its norm: bfloat16 has 8 bits."""
    full, low = (model_in(dtype, likelihood, output_shape) for dtype in ("float32", "bfloat16"))
    params = jax.jit(full.init)(KEY)
    ((expected, _), expected_gradient), ((value, metrics), gradient) = (
        jax.jit(value_and_gradient(model))(params) for model in (full, low)
    )
    assert {leaf.dtype for leaf in jax.tree.leaves((params, value, metrics, gradient))} == {jnp.dtype("float32")}
    assert value != expected
    np.testing.assert_allclose(value, expected, rtol=2e-3)
    for ours, theirs in zip(jax.tree.leaves(gradient), jax.tree.leaves(expected_gradient), strict=True):
        assert np.linalg.norm(ours - theirs) < 0.03 * np.linalg.norm(theirs)


def test_steps_too_small_for_bfloat16_are_kept():
    """Adam's first step of 1e-5 moves each weight, where bfloat16 would show few moved; no state is bfloat16."""
    ascent = trainer(model_in("bfloat16", *LIKELIHOODS["bernoulli"]), over_batch(elbo), optax.adam(1e-5))
    before = jax.jit(ascent.init)(KEY)
    after, _ = jax.jit(ascent.step)(before, IMAGES)
    dtypes = [[leaf.dtype for leaf in jax.tree.leaves(state)] for state in (before, after)]
    assert dtypes[0] == dtypes[1]
    assert jnp.bfloat16 not in dtypes[1]
    old, new = (state.params["decoder"]["Dense_1"]["kernel"] for state in (before, after))
    assert (old != new).all()
    assert (old.astype(jnp.bfloat16) != new.astype(jnp.bfloat16)).mean() < 0.1


def test_the_gradient_of_a_bias_does_not_end_at_256_equal_terms():
    """One after another in bfloat16, their sum would: 257 is none of its numbers. The compiler sums as a tree."""
    network = in_precision(mlp((3,), (2,), ()), jnp.bfloat16)

    @jax.jit
    @jax.grad
    def gradient(params, x, weights):  # an argument: sums of constants are folded, one after another
        return (weights * jax.vmap(network.apply, (None, 0))(params, x)).sum()

    params = jax.jit(network.init)(KEY)
    bias = gradient(params, jnp.zeros((20_000, 3)), jnp.ones((20_000, 2)))["Dense_0"]["bias"]
    np.testing.assert_allclose(bias, 20_000, rtol=0.01)


def test_whole_numbers_are_not_rounded():
    """A label or a position is exact beyond 256, where bfloat16 is not."""
    network = in_precision(Network(lambda key: {}, lambda params, position: position), jnp.bfloat16)
    assert network.apply({}, jnp.asarray(257)) == 257


def test_large_inputs_stay_finite():
    """1e30 is infinite in float16, so that a network in it gives no number."""
    network = mlp((3,), (2,), (4,))
    params, x = jax.jit(network.init)(KEY), jnp.full(3, 1e30)
    in_float16 = jax.jit(network.apply)(*jax.tree.map(lambda leaf: leaf.astype(jnp.float16), (params, x)))
    assert not np.isfinite(in_float16).any()
    low = in_precision(network, jnp.bfloat16)
    np.testing.assert_allclose(jax.jit(low.apply)(params, x), jax.jit(network.apply)(params, x), rtol=0.05)
    gradient = jax.jit(jax.grad(lambda params: low.apply(params, x).sum()))(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_float16_is_refused():
    with pytest.raises(
        ValueError, match="expected bfloat16 or float32; got float16; its range would need a scaled loss"
    ):
        in_precision(mlp((3,), (2,)), jnp.float16)
