"""What every bijection must do: constructors x laws. A new one enters by one line in `BIJECTIONS`."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from vae_jax import flows
from vae_jax.distributions import Normal, standard_normal
from vae_jax.flows import AffineTransformer, SplineTransformer, Transformed

LEVEL = 1e-4
GRID = 400
NUM_SAMPLES = 20_000
CONTEXT_SIZE = 2
HIDDEN = (9,)


class Case(NamedTuple):
    """A family for vectors of a size, and which way it goes."""

    flow: Callable[[int], flows.Flow]
    has_inverse: bool = True
    starts_as_identity: bool = True
    inverts: bool = False
    """Whether `flows.inverse` is taken of it."""


def spline(num_bins: int = 5) -> SplineTransformer:
    return SplineTransformer(num_bins=num_bins, bound=3.0)


AFFINE = AffineTransformer()
BIJECTIONS = {
    "affine": Case(lambda size: flows.elementwise(size, AFFINE)),
    "spline": Case(lambda size: flows.elementwise(size, spline())),
    "spline, two bins": Case(lambda size: flows.elementwise(size, spline(2))),
    "householder": Case(lambda size: flows.householder(size, 2)),
    "radial": Case(lambda size: flows.radial(size, 2)),
    "planar": Case(lambda size: flows.planar(size, 2), has_inverse=False),
    "sylvester, orthogonal": Case(lambda size: flows.sylvester(size, 2, 2), has_inverse=False),
    "sylvester, householder": Case(
        lambda size: flows.sylvester(size, 2, size, num_reflections=size), has_inverse=False
    ),
    "coupling, affine": Case(lambda size: flows.coupling(size, 2, HIDDEN)),
    "coupling, spline, context": Case(
        lambda size: flows.coupling(size, 2, HIDDEN, context_size=CONTEXT_SIZE, transformer=spline())
    ),
    "maf": Case(lambda size: flows.masked_autoregressive(size, 2, HIDDEN)),
    "maf, spline": Case(lambda size: flows.masked_autoregressive(size, 2, HIDDEN, transformer=spline())),
    "inverse of maf": Case(lambda size: flows.masked_autoregressive(size, 2, HIDDEN), inverts=True),
    "iaf": Case(lambda size: flows.inverse_autoregressive(size, 2, HIDDEN), has_inverse=False),
    "iaf, spline, context": Case(
        lambda size: flows.inverse_autoregressive(size, 2, HIDDEN, context_size=CONTEXT_SIZE, transformer=spline()),
        has_inverse=False,
    ),
    "own parameters": Case(lambda size: flows.with_own_parameters(flows.radial(size, 2)), starts_as_identity=False),
}
cases = pytest.mark.parametrize("name", BIJECTIONS)
invertible = pytest.mark.parametrize("name", [name for name, case in BIJECTIONS.items() if case.has_inverse])
forward_only = pytest.mark.parametrize("name", [name for name, case in BIJECTIONS.items() if not case.has_inverse])


def make(name: str, size: int = 3, scale: float = 0.7, seed: int = 0) -> Any:
    """The bijection with random parameters and context, every one of them away from where it begins.

    Networks multiply their parameters, so theirs are moved by less for maps of a like steepness.
    """
    case, rng = BIJECTIONS[name], np.random.default_rng(seed)
    flow = case.flow(size)

    def moved(leaf, by):
        return jnp.asarray(leaf + by * rng.normal(size=leaf.shape), jnp.float32)

    params = jax.tree.map(lambda leaf: moved(leaf, 0.4 * scale), flow.init(jax.random.key(seed)))
    bijection = flow.bind(params, moved(jnp.zeros(flow.context_size), scale))
    return flows.inverse(bijection) if case.inverts else bijection


def to_dtype(tree: Any, dtype: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf, float), dtype), tree)


def values_of(size: int, num: int = 6) -> np.ndarray:
    """In the bulk, and the last one far out, where a spline has its tails."""
    values = np.random.default_rng(1).normal(size=(num, size))
    values[-1] *= 5
    return values


def both_ways(bijection: Any, value: Any, has_inverse: bool) -> dict[str, Any]:
    image, log_det = bijection.forward_and_log_det(value)
    result = {"image": image, "log_det": log_det}
    if has_inverse:
        result["back"], result["back_log_det"] = bijection.inverse_and_log_det(image)
    return result


both_ways_compiled = jax.jit(
    jax.vmap(both_ways, in_axes=(None, 0, None)),
    static_argnums=2,
)


@functools.cache
def exact(name: str) -> dict[str, np.ndarray]:
    """Everything in float64, with the Jacobian by automatic differentiation."""
    bijection = make(name)
    with jax.enable_x64(True):
        bijection = to_dtype(bijection, jnp.float64)

        @jax.jit
        @jax.vmap
        def compute(value):
            jacobian = jax.jacfwd(lambda value: bijection.forward_and_log_det(value)[0])(value)
            return both_ways(bijection, value, BIJECTIONS[name].has_inverse) | {"jacobian": jacobian}

        return jax.tree.map(np.asarray, compute(jnp.asarray(values_of(3))))


@cases
def test_the_log_determinant_is_that_of_the_autodiff_jacobian(name):
    result = exact(name)
    sign, expected = np.linalg.slogdet(result["jacobian"])
    np.testing.assert_allclose(result["log_det"], expected, rtol=1e-9, atol=1e-9)
    if name != "householder":  # a reflection turns space round
        assert (np.unique(sign) == np.unique(sign)[:1]).all()
        assert np.abs(expected).max() > 0.05
    assert np.abs(result["image"] - values_of(3)).max() > 0.1


@invertible
def test_the_inverse_undoes_it(name):
    result = exact(name)
    np.testing.assert_allclose(result["back"], values_of(3), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(result["back_log_det"], -result["log_det"], rtol=1e-8, atol=1e-8)


@cases
def test_float32_keeps_its_digits(name):
    """Against float64, forwards; and there and back."""
    result = both_ways_compiled(make(name), jnp.asarray(values_of(3), jnp.float32), BIJECTIONS[name].has_inverse)
    expected = exact(name)
    for key, value in result.items():
        assert value.dtype == jnp.float32
        # A steep layer between magnifies the rounding of what comes before it.
        np.testing.assert_allclose(value, expected[key], rtol=2e-4, atol=2e-4, err_msg=key)


@cases
def test_jit_equals_eager_and_vmap_equals_a_loop(name):
    """Over bijections and values together: there are no batch axes inside."""
    has_inverse = BIJECTIONS[name].has_inverse
    several = [make(name, seed=seed) for seed in (0, 1)]
    values = jnp.asarray(values_of(3, 2), jnp.float32)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(jnp.broadcast_arrays(*map(jnp.asarray, leaves))), *several)
    batch = jax.jit(jax.vmap(lambda bijection, value: both_ways(bijection, value, has_inverse)))(stacked, values)
    loop = [both_ways(bijection, value, has_inverse) for bijection, value in zip(several, values, strict=True)]
    for key in batch:
        expected = np.stack([np.asarray(one[key]) for one in loop])
        np.testing.assert_allclose(batch[key], expected, rtol=2e-4, atol=2e-5, err_msg=key)


@cases
def test_is_a_pytree(name):
    """Rebuilt from its leaves, whatever the leaves are: JAX puts placeholders there; and equal ones are the same."""
    bijection = make(name)
    leaves, structure = jax.tree.flatten(bijection)
    placeholders = jax.tree.unflatten(structure, [object()] * len(leaves))
    assert jax.tree.structure(placeholders) == structure == jax.tree.structure(make(name, seed=1))
    assert jax.tree.structure(jax.jit(lambda argument: argument)(bijection)) == structure


@cases
def test_begins_as_the_identity(name):
    """With its first parameters and a context of zeros, if it has one."""
    case = BIJECTIONS[name]
    flow = case.flow(3)
    context = jnp.ones if name == "iaf, spline, context" else jnp.zeros
    bijection = flow.bind(flow.init(jax.random.key(0)), context(flow.context_size))
    value = jnp.asarray(values_of(3)[0], jnp.float32)
    image, log_det = bijection.forward_and_log_det(value)
    is_identity = bool(np.abs(image - value).max() < 1e-5 and abs(log_det) < 1e-5)
    # An even number of reflections of no vector, and every flow whose networks end in zeros.
    assert is_identity == case.starts_as_identity


@cases
@pytest.mark.parametrize("scale", [30.0, 1e4])
def test_extremes_are_finite_with_finite_gradients(name, scale):
    """Parameters and values of this size, in float32: forwards with every gradient."""
    bijection = make(name, scale=scale)
    if BIJECTIONS[name].inverts:
        bijection = flows.inverse(bijection)
    if "maf" in name:
        # Forwards it multiplies up to e⁵ per element and layer into its own network: its density is what must hold.
        bijection = flows.inverse(bijection)

    @jax.jit
    def value_and_gradients(bijection, value):
        def total(bijection, value):
            image, log_det = bijection.forward_and_log_det(value)
            return jnp.sum(jnp.tanh(image)) + log_det, (image, log_det)

        return jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(bijection, value)

    for value in (jnp.zeros(3), jnp.asarray(values_of(3)[0], jnp.float32), jnp.full(3, 1e4)):
        for leaf in jax.tree.leaves(value_and_gradients(bijection, value)):
            assert np.isfinite(leaf).all()


@forward_only
def test_an_inverse_without_a_formula_is_refused_at_once(name):
    """With the reason, and when a program is traced: before anything runs."""
    kind = {"planar": "Planar", "sylvester": "Sylvester", "iaf": "InverseAutoregressive"}[name.partition(",")[0]]
    distribution = Transformed(standard_normal(3), make(name))
    message = rf"expected a bijection with an inverse in closed form.*; got {kind}, whose inverse .*; use kl=sampled_kl"
    with pytest.raises(TypeError, match=message):
        jax.eval_shape(distribution.log_prob, jnp.zeros(3))


# Transformed distributions


def base() -> Normal:
    return Normal(jnp.array([0.3, -0.2]), jnp.array([0.8, 1.1]))


@functools.cache
def draws_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    distribution = Transformed(base(), make(name, size=2, scale=0.5))
    keys = jax.random.split(jax.random.key(0), NUM_SAMPLES)
    values, log_probs = jax.jit(jax.vmap(lambda d, key: d.sample_and_log_prob(key), in_axes=(None, 0)))(
        distribution, keys
    )
    return np.asarray(values, float), np.asarray(log_probs, float)


@invertible
def test_the_density_integrates_to_one_and_samples_follow_it(name):
    """On a grid of two dimensions; Kolmogorov-Smirnov against its marginals, at a level of 1e-4 over both."""
    distribution = Transformed(base(), make(name, size=2, scale=0.5))
    draws, log_probs = draws_of(name)
    low, high = draws.min(axis=0) - 2, draws.max(axis=0) + 2
    axes = [np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    log_prob = jax.jit(jax.vmap(lambda d, value: d.log_prob(value), in_axes=(None, 0)))
    density = np.exp(np.asarray(log_prob(distribution, points), float)).reshape(GRID, GRID)
    steps = [axis[1] - axis[0] for axis in axes]
    np.testing.assert_allclose(density.sum() * np.prod(steps), 1.0, rtol=2e-3)
    for index in (0, 1):
        marginal = density.sum(axis=1 - index) * steps[1 - index]
        # Each grid value stands for the cell around it.
        cdf = np.cumsum(marginal) * steps[index] - 0.5 * marginal * steps[index]
        p_value = stats.kstest(draws[:, index], lambda value, i=index, c=cdf: np.interp(value, axes[i], c)).pvalue
        assert p_value > LEVEL / 2
    # A draw's own density, forwards, is what the inverse says of it.
    np.testing.assert_allclose(log_prob(distribution, draws.astype(np.float32)), log_probs, rtol=1e-3, atol=2e-3)


@cases
def test_draws_have_the_density_that_comes_with_them(name):
    """E_q[r(z)/q(z)] = 1 for a density r well inside of q: within 4.5 standard errors, which are below 2 %.

    It needs no inverse, so it holds the flows that have none.
    """
    draws, log_probs = draws_of(name)
    centre, spread = draws.mean(axis=0), np.cov(draws.T)
    ratios = np.exp(stats.multivariate_normal(centre, 0.25 * spread).logpdf(draws) - log_probs)
    standard_error = ratios.std() / np.sqrt(NUM_SAMPLES)
    assert abs(ratios.mean() - 1) < 4.5 * standard_error
    assert standard_error < 0.02


@cases
def test_bfloat16_parameters_do_not_lose_the_density(name):
    """A draw is rounded to bfloat16, its log-density is computed in float32 from the parameters as they are."""
    low = to_dtype(Transformed(standard_normal(3), make(name)), jnp.bfloat16)
    key = jax.random.key(1)
    value, log_prob = jax.jit(lambda d: d.sample_and_log_prob(key))(low)
    assert value.dtype == jnp.bfloat16
    assert log_prob.dtype == jnp.float32
    noise = low.base.sample(key)
    _, log_det = to_dtype(low.bijection, jnp.float32).forward_and_log_det(noise.astype(jnp.float32))
    expected = stats.norm.logpdf(np.asarray(noise, float)).sum() - log_det
    np.testing.assert_allclose(log_prob, expected, rtol=1e-4, atol=1e-4)


@cases
def test_every_method_of_the_distribution_agrees(name):
    """The image of the base's mean is what `mean` is; a gradient flows through a draw to every parameter."""
    distribution, key = Transformed(standard_normal(3), make(name)), jax.random.key(2)
    value, log_prob = distribution.sample_and_log_prob(key)
    np.testing.assert_allclose(distribution.sample(key), value)
    assert distribution.mean().shape == (3,)
    assert distribution.is_reparametrised
    assert log_prob.shape == ()
    if BIJECTIONS[name].has_inverse:
        np.testing.assert_allclose(distribution.log_prob(value), log_prob, rtol=1e-4, atol=1e-4)
