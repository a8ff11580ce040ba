"""Every family says of itself whether its samples have a gradient and whether it has a density."""

import inspect

import jax
import jax.numpy as jnp
import pytest

import vae_jax.distributions as families
from vae_jax.aggregate.two_stage import SecondStage
from vae_jax.distributions import (
    Bernoulli,
    BinaryConcrete,
    Categorical,
    Concrete,
    ExpConcrete,
    LogisticNormal,
    LogitBinaryConcrete,
    MixedColumns,
    Mixture,
    Normal,
    PointMass,
    Product,
    SphericalUniform,
    Stacked,
    StraightThrough,
    VonMisesFisher,
    has_density,
    is_reparametrised,
    standard_normal,
    support_of,
)
from vae_jax.distributions.support import Support, is_real
from vae_jax.flows import Affine, Transformed
from vae_jax.models.hamiltonian import HamiltonianPosterior

FAMILIES = [of for of in vars(families).values() if inspect.isclass(of)]
FAMILIES += [HamiltonianPosterior, SecondStage, Transformed]
POINT, BITS, NORMAL = PointMass(jnp.ones(2)), Bernoulli(jnp.zeros(2)), standard_normal(2)
AFFINE = Affine(jnp.zeros(2), jnp.zeros(2))
# Those that are made of others, and (is_reparametrised, has_density).
MADE_OF_OTHERS = {
    "product of densities": (Product({"a": NORMAL, "b": NORMAL}), (True, True)),
    "product with bits": (Product({"a": NORMAL, "b": BITS}), (False, True)),
    "product with a certain part": (Product({"a": NORMAL, "b": POINT}), (True, False)),
    "stack of densities": (Stacked(NORMAL), (True, True)),
    "product of a stack of bits": (Product({"a": Stacked(BITS)}), (False, True)),
    "product of products": (Product({"a": Product({"b": BITS}), "c": POINT}), (False, False)),
    "columns": (MixedColumns((NORMAL, NORMAL), ((0, 1), (2, 3))), (True, True)),
    "columns with bits": (MixedColumns((NORMAL, BITS), ((0, 2), (1, 3))), (False, True)),
    "columns with a certain one": (MixedColumns((NORMAL, POINT), ((0, 1), (2, 3))), (True, False)),
    "mixture": (Mixture(jnp.zeros(2), Normal(jnp.zeros((2, 3)), jnp.ones((2, 3)))), (False, True)),
    "mixture of certainties": (Mixture(jnp.zeros(2), PointMass(jnp.zeros((2, 3)))), (False, False)),
    "transformed": (Transformed(NORMAL, AFFINE), (True, True)),
    "transformed point": (Transformed(POINT, AFFINE), (True, False)),
    "straight-through": (StraightThrough(BinaryConcrete(jnp.zeros(2), 0.5)), (True, True)),
}
made_of_others = pytest.mark.parametrize(("distribution", "says"), MADE_OF_OTHERS.values(), ids=MADE_OF_OTHERS.keys())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@pytest.mark.parametrize("name", ["is_reparametrised", "has_density"])
def test_every_family_says_both_of_its_class(family, name):
    """On the class itself, and never as a field: so a stack of them, or a tracer, says it too."""
    said = inspect.getattr_static(family, name)
    assert isinstance(said, (bool, property))
    if isinstance(said, bool):
        assert said is (family is not PointMass) or name == "is_reparametrised"


@made_of_others
def test_what_is_made_of_others_says_what_they_say(distribution, says):
    assert (distribution.is_reparametrised, distribution.has_density) == says
    assert (is_reparametrised([distribution, NORMAL]), has_density([distribution, NORMAL])) == says


@made_of_others
def test_it_says_whether_a_sample_has_a_gradient_in_all_that_it_is_made_of(distribution, says):
    def of_sample(distribution):
        leaves = jax.tree.leaves(distribution.sample(jax.random.key(0)))
        return sum(jnp.sum(leaf * jnp.arange(1.0, leaf.size + 1)) for leaf in leaves)

    has_gradient = [bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(jax.grad(of_sample)(distribution))]
    assert all(has_gradient) == says[0]


@pytest.mark.parametrize("ask", [is_reparametrised, has_density])
@pytest.mark.parametrize("wrap", [lambda own: own, lambda own: Product({"own": own}), lambda own: (own, BITS)])
def test_there_is_no_default(ask, wrap):
    class Own:
        def sample(self, key):
            return jnp.zeros(())

    message = f"expected a distribution that says by {ask.__name__} whether its .*; got a Own, which does not; give"
    with pytest.raises(TypeError, match=message):
        ask(wrap(Own()))


def test_nothing_says_nothing():
    with pytest.raises(TypeError, match=r"says by is_reparametrised .*; got a NoneType, which does not"):
        is_reparametrised(None)


LATENTS = {
    "concrete": (Concrete(jnp.zeros((2, 3)), 0.5), False),
    "log concrete": (ExpConcrete(jnp.zeros((2, 3)), 0.5), False),
    "binary concrete": (BinaryConcrete(jnp.zeros(2), 0.5), False),
    "logit binary concrete": (LogitBinaryConcrete(jnp.zeros(2), 0.5), True),
    "categorical": (Categorical(jnp.zeros((2, 3))), False),
    "straight-through categories": (StraightThrough(Concrete(jnp.zeros((2, 3)), 0.5)), False),
    "straight-through bits": (StraightThrough(BinaryConcrete(jnp.zeros(2), 0.5)), False),
    "logistic-normal": (LogisticNormal(jnp.zeros(2), jnp.ones(2)), False),
    "uniform on a sphere": (SphericalUniform(3), False),
    "von Mises-Fisher": (VonMisesFisher(jnp.array([1.0, 0.0, 0.0]), 2.0), False),
    "normal": (NORMAL, True),
    "mixture": (MADE_OF_OTHERS["mixture"][0], True),
    "transformed": (MADE_OF_OTHERS["transformed"][0], True),
    "product with categories": (Product({"a": NORMAL, "b": Categorical(jnp.zeros((1, 2)))}), False),
}


@pytest.mark.parametrize(("distribution", "real"), LATENTS.values(), ids=LATENTS.keys())
def test_families_of_latents_state_a_support_that_holds_their_samples(distribution, real):
    assert is_real(distribution) is real

    def all_inside(event):
        inside = jax.tree.map(
            lambda support, value: support.contains(value).all(),
            support_of(distribution),
            event,
            is_leaf=lambda node: isinstance(node, Support),
        )
        return jnp.all(jnp.stack(jax.tree.leaves(inside)))

    samples = jax.vmap(distribution.sample)(jax.random.split(jax.random.key(0), 50))
    assert jax.vmap(all_inside)(samples).all()
    moved = jax.tree.map(lambda value: value[0] + 0.7, samples)
    assert bool(all_inside(moved)) is real
