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
    MixedColumns,
    Mixture,
    Normal,
    PointMass,
    Product,
    Stacked,
    StraightThrough,
    has_density,
    is_reparametrised,
    standard_normal,
)
from vae_jax.flows import Affine, Transformed

FAMILIES = [of for of in vars(families).values() if inspect.isclass(of)] + [SecondStage, Transformed]
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
