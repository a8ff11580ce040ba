"""Flows at points where the answer is known; what every bijection must do is in contracts/test_flows.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax import flows
from vae_jax.flows import SplineTransformer
from vae_jax.flows.made import init_made, made


def test_masked_layers_see_what_is_before_them_only():
    """The Jacobian of MADE's numbers for each element is strictly lower triangular, and full below the diagonal.

    With a context every element sees it, the first one, too; there is one for each size of vector, also 1.
    """
    rng = np.random.default_rng(0)
    sizes = ((4, 0), (4, 2), (1, 2), (1, 0))
    inputs = []
    for size, context_size in sizes:
        layers = init_made(jax.random.key(0), size, context_size, (13, 11), 2)
        layers = jax.tree.map(lambda leaf: leaf + rng.normal(size=leaf.shape).astype(np.float32), layers)
        inputs.append((layers, jnp.asarray(rng.normal(size=size)), jnp.asarray(rng.normal(size=context_size))))
    jacobians = jax.jit(lambda inputs: [jax.jacobian(made, (1, 2))(*one) for one in inputs])(inputs)
    for (size, _), jacobian in zip(sizes, jacobians, strict=True):
        of_value, of_context = (np.asarray(part) != 0 for part in jacobian)
        allowed = np.tril(np.ones((size, size), bool), -1)
        np.testing.assert_array_equal(of_value.all(axis=1), allowed)
        np.testing.assert_array_equal(of_value.any(axis=1), allowed)
        assert of_context.all()


def test_hyper_parameters_may_be_traced():
    """One program for several bounds of a spline, equal to one bound at a time."""
    parameters = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8)), jnp.float32)
    value, bounds = jnp.array([0.4, -2.5]), np.array([2.0, 5.0], np.float32)

    def image(bound):
        return SplineTransformer(num_bins=3, bound=bound)(parameters).forward_and_log_det(value)[0]

    images = jax.jit(jax.vmap(image))(bounds)
    for bound, lane in zip(bounds, images, strict=True):
        np.testing.assert_allclose(lane, image(float(bound)), rtol=1e-5)
    assert images[0, 1] == value[1]  # outside of the narrow one
    assert images[1, 1] != value[1]


def test_planar_flow_at_a_known_point():
    """w = (1, 0), u so that û = (1, 0): z₁ + tanh z₁, with the derivative 1 + 1/cosh² z₁."""
    raw = np.log(np.expm1(2.0 - 1e-3)) - np.log(np.expm1(1 - 1e-3))  # positive(raw) − 1 = 1
    planar = flows.Planar(jnp.array([1.0, 0.0]), jnp.array([raw, 0.0], jnp.float32), jnp.zeros(()))
    image, log_det = planar.forward_and_log_det(jnp.array([0.7, -2.0]))
    np.testing.assert_allclose(image, [0.7 + np.tanh(0.7), -2.0], rtol=1e-6)
    np.testing.assert_allclose(log_det, np.log1p(1 / np.cosh(0.7) ** 2), rtol=1e-6)


def test_a_spline_is_monotone_smooth_and_the_identity_outside():
    """Through the knots given by hand, with slopes that agree from both sides of each of them."""
    rng = np.random.default_rng(3)
    widths, heights, slopes = (rng.normal(size=(1, size)).astype(np.float32) for size in (4, 4, 3))
    with jax.enable_x64(True):
        splined = flows.RationalQuadraticSpline(*(jnp.asarray(a, float) for a in (widths, heights, slopes)), bound=2.0)

        def knots(raw):
            shares = 1e-3 + (1 - 4e-3) * np.exp(raw[0]) / np.exp(raw[0]).sum()
            return -2 + 4 * np.cumsum([0, *shares])

        at = jax.jit(jax.vmap(lambda value: splined.forward_and_log_det(value[None])))
        inner, (x, y) = slice(1, -1), (knots(widths.astype(float)), knots(heights.astype(float)))
        np.testing.assert_allclose(at(x[inner])[0][:, 0], y[inner], rtol=1e-6)
        for side in (-1e-12, 1e-12):  # its slope's logarithm changes by up to 4,000 a unit
            expected = np.log(1e-3 + np.logaddexp(0, slopes[0] + np.log(np.expm1(1 - 1e-3))))
            np.testing.assert_allclose(at(x[inner] + side)[1], expected, atol=1e-8)
        values = np.linspace(-3, 3, 2_001)
        images, log_dets = at(values)
        assert (np.diff(images[:, 0]) > 0).all()
        outside = np.abs(values) >= 2
        np.testing.assert_array_equal(images[outside, 0], values[outside])
        np.testing.assert_array_equal(log_dets[outside], 0)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: flows.coupling(1, 2), "expected a vector of two halves; got one of size 1"),
        (lambda: flows.sylvester(3, 1, 4), "expected between 1 and 3 columns, the size of a vector; got 4; use fewer"),
        (
            lambda: flows.without_context(flows.planar(2, 1), ()),
            "got one with a context of 5 numbers; use flows.with_own_parameters",
        ),
    ],
)
def test_what_cannot_be_is_refused(make_it, message):
    with pytest.raises(ValueError, match=message):
        make_it()
