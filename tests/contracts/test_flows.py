"""What every bijection must do: constructors x laws. A new one enters by one line in `BIJECTIONS`."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from tables import long_but

from vae_jax import flows
from vae_jax.distributions import Normal, standard_normal
from vae_jax.flows import AffineTransformer, SplineTransformer, Transformed
from vae_jax.flows.made import made

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
some_cases = pytest.mark.parametrize(
    "name", long_but(BIJECTIONS, "radial", "planar", "sylvester, householder", "coupling, spline, context", "maf")
)
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
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)


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


def several(name: str) -> tuple[list[Any], np.ndarray]:
    """A bijection for each of `values_of(3)`: the same for all but the last value."""
    values = values_of(3)
    first, other = make(name), make(name, seed=1)
    return [*[first] * (len(values) - 1), other], values.astype(np.float32)


@functools.cache
def in_float32(name: str) -> dict[str, np.ndarray]:
    """Compiled, vmapped over bijections and values together."""
    bijections, values = several(name)
    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *bijections)
    has_inverse = BIJECTIONS[name].has_inverse
    return jax.jit(jax.vmap(lambda bijection, value: both_ways(bijection, value, has_inverse)))(stacked, values)


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
    for key, value in in_float32(name).items():
        assert value.dtype == jnp.float32
        # A steep layer between magnifies the rounding of what comes before it.
        np.testing.assert_allclose(value[:-1], exact(name)[key][:-1], rtol=2e-4, atol=2e-4, err_msg=key)


@some_cases
def test_compiled_and_vmapped_equals_an_eager_loop(name):
    """Over bijections and values together: there are no batch axes inside."""
    bijections, values = several(name)
    for index in (0, -1):
        eager = both_ways(bijections[index], jnp.asarray(values[index]), BIJECTIONS[name].has_inverse)
        for key, value in eager.items():
            np.testing.assert_allclose(in_float32(name)[key][index], value, rtol=2e-4, atol=2e-5, err_msg=key)


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


@jax.jit
def value_and_gradients(bijection, value):
    def total(bijection, value):
        image, log_det = bijection.forward_and_log_det(value)
        return jnp.sum(jnp.tanh(image)) + log_det, (image, log_det)

    return jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(bijection, value)


@some_cases
@pytest.mark.parametrize("scale", long_but([30.0, 1e4], 1e4))
def test_extremes_are_finite_with_finite_gradients(name, scale):
    """Parameters and values of this size, in float32: forwards with every gradient."""
    bijection = make(name, scale=scale)
    if BIJECTIONS[name].inverts:
        bijection = flows.inverse(bijection)
    if "maf" in name:
        # Forwards it multiplies up to e⁵ per element and layer into its own network: its density is what must hold.
        bijection = flows.inverse(bijection)

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


@jax.jit
def everything(distribution, key):
    """A draw with its log-density, and log N(u) − log |det| of the noise u that the base draws, in float32."""
    noise = distribution.base.sample(key)
    _, log_det = to_dtype(distribution.bijection, jnp.float32).forward_and_log_det(noise.astype(jnp.float32))
    log_prob = distribution.base.log_prob(noise) - log_det
    return *distribution.sample_and_log_prob(key), log_prob


@some_cases
def test_bfloat16_parameters_do_not_lose_the_density(name):
    """A draw is rounded to bfloat16, its log-density is computed in float32 from the parameters as they are."""
    low = to_dtype(Transformed(standard_normal(3), make(name)), jnp.bfloat16)
    value, log_prob, expected = everything(low, jax.random.key(1))
    assert value.dtype == jax.eval_shape(low.mean).dtype == jnp.bfloat16
    assert log_prob.dtype == jnp.float32
    np.testing.assert_allclose(log_prob, expected, rtol=1e-4, atol=1e-4)


def test_the_other_methods_of_a_transformed_distribution():
    """`sample` is the draw of `sample_and_log_prob`; the mean is exact where the map is affine."""
    distribution, key = Transformed(base(), make("householder", size=2)), jax.random.key(2)
    value, log_prob = distribution.sample_and_log_prob(key)
    np.testing.assert_array_equal(distribution.sample(key), value)
    np.testing.assert_allclose(distribution.log_prob(value), log_prob, rtol=1e-5)
    draws, _ = draws_of("householder")
    rotated = Transformed(base(), make("householder", size=2, scale=0.5))
    standard_error = draws.std(axis=0) / np.sqrt(NUM_SAMPLES)
    assert (np.abs(draws.mean(axis=0) - rotated.mean()) < 4.5 * standard_error).all()
    assert distribution.is_reparametrised


def test_an_iaf_is_the_inverse_of_a_maf_backwards():
    """The same network and the inverse transformer: MAF⁻¹ and IAF are one map (Papamakarios et al. 2017, 3.3)."""
    masked = make("maf").bijections[0]
    value = jnp.asarray(values_of(3)[0], jnp.float32)
    backwards = flows.InverseAutoregressive(masked.layers, masked.context, masked.transformer)
    noise, log_det = masked.inverse_and_log_det(value)
    parameters = made(masked.layers, value, masked.context)
    expected, expected_log_det = flows.inverse(masked.transformer(parameters)).forward_and_log_det(value)
    np.testing.assert_allclose(noise, expected, rtol=1e-6)
    np.testing.assert_allclose(log_det, expected_log_det, rtol=1e-6)
    image, _ = backwards.forward_and_log_det(value)
    np.testing.assert_allclose(image, masked.transformer(parameters).forward_and_log_det(value)[0], rtol=1e-6)
