"""A repeated group is the same groups written one by one, for everything that a hierarchy does."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tables import long_but, named_long_but

from vae_jax import generation
from vae_jax.distributions import Normal, Product, VonMisesFisher, kl_divergence, kl_per_dimension, kl_per_part
from vae_jax.hierarchy import Group, Repeated, at_temperature, informed_by, top_down, top_of, with_top
from vae_jax.objectives import (
    analytic_kl,
    doubly_reparametrised,
    elbo,
    iwae,
    leave_one_out,
    pathwise,
    sampled_kl,
    sticking_the_landing,
)
from vae_jax.vae import VAE, draw

SIZE, NUM_HIGH, NUM_LOW = 3, 3, 2
KEY, X = jax.random.key(1), np.array([0.7, -1.2, 0.4])
NAMES = {"high": [f"high.{i}" for i in range(NUM_HIGH)], "low": [f"low.{i}" for i in range(NUM_LOW)]}


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


def scaled(loc, scale):
    return Normal(loc, jax.nn.softplus(scale))


def entered(block, state):
    """What prior, posterior and the state below have in common."""
    return state, jnp.tanh(block["prior"] @ state)


BLOCK = Group(
    prior=lambda block, inside: scaled(inside[1], block["scale"]),
    posterior=lambda block, inside, h: scaled(inside[1] + block["posterior"] @ (inside[0] + h), 0.5 * block["scale"]),
    down=lambda block, inside, z: jnp.tanh(inside[0] + 0.3 * inside[1] + block["down"] @ z),
    enter=entered,
)
TOP = Group(
    prior=lambda params, state: Normal(state, jnp.ones(SIZE)),
    posterior=lambda params, state, h: Normal(params["top"] @ h, jnp.full(SIZE, 0.4)),
    down=lambda params, state, z: z,
)


def narrow(params, state):
    """A change of size between the high groups and the low ones."""
    return params["narrow"] @ state


def of_block(name, place, change=None):
    """One of the repeated groups, written by itself."""
    own = lambda params: jax.tree.map(lambda leaf: leaf[place], params[name])
    changed = lambda params, state: state if change is None else change(params, state)
    return Group(
        prior=lambda params, inside: BLOCK.prior(own(params), inside),
        posterior=lambda params, inside, h: BLOCK.posterior(own(params), inside, h),
        down=lambda params, inside, z: BLOCK.down(own(params), inside, z),
        enter=lambda params, state: entered(own(params), changed(params, state)),
    )


def bind_of(groups):
    return top_down(
        groups,
        start=lambda params: params["start"],
        features=lambda params, x: jnp.tanh(params["up"] @ x),
        read=lambda params, state: Normal(params["out"] @ state, jnp.full(SIZE, 0.3)),
    )


def repeated(rematerialise=False):
    high = Repeated(BLOCK, NUM_HIGH, lambda params: params["high"], rematerialise=rematerialise)
    low = Repeated(BLOCK, NUM_LOW, lambda params: params["low"], narrow, rematerialise)
    return bind_of({"top": TOP, "high": high, "low": low})


ONE_BY_ONE = bind_of(
    {"top": TOP}
    | {name: of_block("high", place) for place, name in enumerate(NAMES["high"])}
    | {name: of_block("low", place, narrow if place == 0 else None) for place, name in enumerate(NAMES["low"])}
)
REPEATED = {"kept": repeated(), "rematerialised": repeated(rematerialise=True)}


@functools.cache
def params():
    with jax.enable_x64(True):
        keys = iter(jax.random.split(jax.random.key(7), 20))
        matrix = lambda *shape: 0.6 * jax.random.normal(next(keys), (*shape, SIZE, SIZE))
        blocks = lambda num: {
            "prior": matrix(num), "posterior": matrix(num), "down": matrix(num), "scale": matrix(num)[..., 0]
        }  # fmt: skip
        return {
            "top": matrix(), "up": matrix(), "out": matrix(), "narrow": matrix(), "start": matrix()[0],
            "high": blocks(NUM_HIGH), "low": blocks(NUM_LOW),
        }  # fmt: skip


def together(value):
    """The event of groups written one by one as that of repeated groups."""
    return {"top": value["top"]} | {name: jnp.stack([value[one] for one in ones]) for name, ones in NAMES.items()}


def assert_close(some, other, tolerance=1e-13):
    assert jax.tree.structure(some) == jax.tree.structure(other)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), some, other)


@pytest.fixture(params=long_but(REPEATED, "kept"))
def both(request):
    """The model with repeated groups, and with the same written one by one."""
    return REPEATED[request.param](params()), ONE_BY_ONE(params())


DISTRIBUTIONS = {
    "prior": lambda vae: vae.prior,
    "posterior": lambda vae: vae.posterior(X),
    "informed of all high groups": lambda vae: informed_by(vae, X, 4).prior,
    "colder and informed of some": lambda vae: informed_by(at_temperature(vae, 0.7), X, 2).prior,
}


@jax.jit
def drawn(bound):
    """Everything that a distribution of latents is asked for."""
    z, log_prob = bound.sample_and_log_prob(KEY)
    return z, log_prob, bound.sample(KEY), bound.mean(), bound.centre(), bound.log_prob(z), bound.factors(z).parts


@pytest.mark.parametrize("of", named_long_but(DISTRIBUTIONS, "colder and informed of some"))
def test_draws_means_and_densities_are_the_same(both, of):
    many, one = map(of, both)
    (*some, log_prob, factors), (*other, expected, others) = drawn(many), drawn(one)
    assert_close(some, [together(value) if isinstance(value, dict) else value for value in other])
    assert_close(log_prob, expected)
    assert many.is_reparametrised
    assert many.has_density
    stacked = {name: jax.tree.map(lambda *leaves: jnp.stack(leaves), *(others[one] for one in NAMES[name]))
               for name in NAMES}  # fmt: skip
    assert_close({name: factors[name].parts for name in NAMES}, stacked)


def test_the_groups_of_the_prior_and_of_the_posterior_are_counted_one_by_one(both):
    many, one = both
    assert many.prior.num_groups == one.prior.num_groups == 6
    with pytest.raises(ValueError, match="expected between 0 and 6 groups; got 7; take fewer"):
        informed_by(many, X, 7)


def assert_same_draws(some, other):
    """Two draws, of repeated groups and of the same one by one."""
    assert_close(some.z, together(other.z))
    assert_close(some.log_posterior, other.log_posterior)
    assert_close(some.likelihood, other.likelihood)
    for of in ("posterior", "prior"):
        assert_close(getattr(some, of).log_prob(some.z), getattr(other, of).log_prob(other.z))
    assert_close(kl_divergence(some.posterior, some.prior), kl_divergence(other.posterior, other.prior))


@pytest.mark.parametrize("num_informed", long_but([0, 3, 5]))
def test_a_draw_is_the_same(both, num_informed):
    """Beside a prior that has its own parameters and knows a part of the groups."""
    warmer = jax.tree.map(lambda leaf: 1.1 * leaf, params())
    priors = [informed_by(bind(warmer), 2 * X, num_informed).prior for bind in (REPEATED["kept"], ONE_BY_ONE)]
    many, one = (vae._replace(prior=prior) for vae, prior in zip(both, priors, strict=True))
    assert_same_draws(draw(KEY, many, X), draw(KEY, one, X))


@pytest.mark.parametrize("name", ["top", "high"])
def test_a_draw_at_given_latents_is_the_same(both, name):
    many, one = both
    z = one.prior.sample(jax.random.key(3))
    assert_same_draws(many.posterior(X).draw_at(together(z), many), one.posterior(X).draw_at(z, one))
    known = {each: z[each] for each in NAMES.get(name, [name])}
    given = many.posterior(X).draw_given(KEY, {name: together(z)[name]}, many)
    assert_same_draws(given, one.posterior(X).draw_given(KEY, known, one))
    np.testing.assert_array_equal(given.z[name], together(z)[name])


@pytest.mark.parametrize("bind", named_long_but({"one by one": ONE_BY_ONE, "repeated": REPEATED["kept"]}, "repeated"))
def test_a_draw_is_completed_as_by_a_prior_that_is_informed(bind):
    """For a number of groups that is traced, also in the middle of a repeated group."""
    vae = bind(params())
    z = vae.posterior(X).sample(KEY)
    completed = jax.jit(lambda num: vae.prior.complete(KEY, z, num))
    assert_close(completed(0), vae.prior.sample(KEY))
    assert_close(completed(3), informed_by(vae, X, 3).prior.sample(KEY))
    assert_close(completed(6), z, 0)


@pytest.mark.long
def test_the_likelihood_and_what_is_made_of_it_are_the_same(both):
    many, one = both
    z = one.prior.sample(KEY)
    assert_close(many.likelihood(together(z)), one.likelihood(z))
    assert_close(generation.reconstruct(many, X[None]), generation.reconstruct(one, X[None]))
    assert_close(generation.sample(KEY, many, 3), generation.sample(KEY, one, 3))
    assert_close(top_of(many.posterior(X)), top_of(one.posterior(X)))


OBJECTIVES = {
    "elbo": functools.partial(elbo, num_samples=2),
    "sampled": functools.partial(elbo, kl=sampled_kl, estimator=sticking_the_landing),
    "doubly": functools.partial(iwae, num_samples=3, estimator=doubly_reparametrised),
    "scored": functools.partial(elbo, num_samples=2, kl=sampled_kl, estimator=leave_one_out),
    "pathwise": functools.partial(iwae, num_samples=3, estimator=pathwise),
}


CASES = [(kind, name) for kind in REPEATED for name in OBJECTIVES]


@pytest.mark.parametrize(("kind", "name"), long_but(CASES, ("rematerialised", "elbo")))
def test_values_and_gradients_are_the_same(kind, name):
    bind, objective = REPEATED[kind], OBJECTIVES[name]

    def value(bind, params):
        return objective(KEY, bind(params), X)[0]

    (some, gradient), (other, expected) = (
        jax.jit(jax.value_and_grad(functools.partial(value, each)))(params()) for each in (bind, ONE_BY_ONE)
    )
    assert_close(some, other)
    assert_close(gradient, expected, 1e-11)
    assert all(np.abs(leaf).max() > 1e-4 for leaf in jax.tree.leaves(expected))


def test_the_kl_is_told_for_each_group():
    many, one = (draw(KEY, bind(params()), X) for bind in (REPEATED["kept"], ONE_BY_ONE))
    some, other = kl_per_part(many.posterior, many.prior), kl_per_part(one.posterior, one.prior)
    assert list(some) == list(other) == ["top", *NAMES["high"], *NAMES["low"]]
    assert_close(some, other)
    per_dimension = kl_per_dimension(many.posterior, many.prior)
    assert_close(per_dimension, kl_per_dimension(one.posterior, one.prior))
    np.testing.assert_allclose(per_dimension.sum(), analytic_kl(many))


def test_a_program_does_not_grow_with_the_number_of_groups():
    def num_equations(num):
        bind = bind_of({"walk": Repeated(BLOCK, num, lambda params: params["walk"])})
        walk = jax.tree.map(lambda leaf: jnp.repeat(leaf[:1], num, axis=0), params()["high"])
        value = lambda params: elbo(KEY, bind(params), X)[0]
        return str(jax.make_jaxpr(jax.grad(value))(params() | {"walk": walk})).count("\n")

    assert num_equations(3) == num_equations(30)


def test_a_distribution_that_is_entered_is_computed_once():
    """The network that prior, posterior and state share is traced once in a pass, not once for each."""
    calls = []

    def counted(block, state):
        calls.append(1)
        return entered(block, state)

    bind = bind_of({"walk": Repeated(BLOCK._replace(enter=counted), 3, lambda params: params["high"])})
    jax.make_jaxpr(lambda: draw(KEY, bind(params()), X).z)()
    assert len(calls) == 1


def test_a_top_group_that_is_repeated_has_a_first_one():
    bind = bind_of({"high": Repeated(BLOCK, NUM_HIGH, lambda params: params["high"])})
    prior = bind(params()).prior
    first = jax.tree.map(lambda leaf: leaf[0], params()["high"])
    assert_close(top_of(prior), BLOCK.prior(first, entered(first, params()["start"])))
    with pytest.raises(TypeError, match="top group is a group of its own; got high, 3 groups in a loop; put a Group"):
        with_top(prior, Normal(jnp.zeros(SIZE), jnp.ones(SIZE)))


def test_what_cannot_be_repeated_is_refused():
    with pytest.raises(ValueError, match="expected walk once or more; got 0 times; leave it out for none"):
        bind_of({"walk": Repeated(BLOCK, 0, lambda params: params["high"])})
    growing = BLOCK._replace(down=lambda block, inside, z: jnp.concatenate([inside[0], z]))
    bind = bind_of({"walk": Repeated(growing, NUM_HIGH, lambda params: params["high"])})
    with pytest.raises(ValueError, match=r"state below is like the state above, .*\(3,\).*; got .*\(6,\).* in walk"):
        bind(params()).prior.sample(KEY)


def test_a_part_of_a_repeated_group_needs_one_family():
    on_sphere = lambda vector: VonMisesFisher(vector / jnp.linalg.norm(vector), jnp.asarray(2.0))
    mixed = BLOCK._replace(posterior=lambda block, inside, h: on_sphere(inside[0] + h))
    vae: VAE = bind_of({"walk": Repeated(mixed, NUM_HIGH, lambda params: params["high"])})(params())
    assert isinstance(vae.posterior(X).factors(vae.prior.sample(KEY)), Product)
    with pytest.raises(TypeError, match="one family in the repeated group walk, of which a part is informed"):
        informed_by(vae, X, 2).prior.sample_and_log_prob(KEY)
