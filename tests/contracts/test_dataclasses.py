"""Every class that is a pytree is itself: its structure, and the programs compiled for it, serve no other class."""

import dataclasses
import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import keystr, tree_flatten_with_path
from scipy import stats

import vae_jax
from vae_jax.distributions import Laplace, Normal, StudentT
from vae_jax.flows.affine import Affine
from vae_jax.pytree import register_dataclass

SHAPES = [(rows, columns) for rows in (1, 2, 3, 5) for columns in range(1, 11)]


def classes_of_the_package() -> Iterator[type]:
    """All classes that vae_jax defines, whether they are public or not."""
    for module_info in pkgutil.walk_packages(vae_jax.__path__, "vae_jax."):
        if module_info.name.endswith("__main__"):
            continue
        module = importlib.import_module(module_info.name)
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__:
                yield found


def filled(node_type: type) -> Any:
    """An instance whose every field is None if it is static, else a leaf; a constructor with opinions is not asked."""
    if not dataclasses.is_dataclass(node_type):
        return node_type(**dict.fromkeys(node_type._fields, 0.0))
    made = object.__new__(node_type)
    for one in dataclasses.fields(node_type):
        object.__setattr__(made, one.name, None if one.metadata.get("static") else 0.0)
    return made


def nodes_of_the_package() -> dict[type, Any]:
    """The classes that are pytree nodes, each with a structure; a dataclass that is none is a leaf."""
    nodes = {}
    for found in classes_of_the_package():
        if dataclasses.is_dataclass(found) or hasattr(found, "_fields"):
            structure = jax.tree.structure(filled(found))
            if structure != jax.tree.structure(0.0):
                nodes[found] = structure
    return nodes


def taken_for_one_another(structures: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return [
        (one, other) for one, other in itertools.combinations(structures, 2) if structures[one] == structures[other]
    ]


def test_every_class_of_the_package_has_a_structure_of_its_own():
    nodes = nodes_of_the_package()
    assert sum(map(dataclasses.is_dataclass, nodes)) >= 44
    assert taken_for_one_another(nodes) == []


def test_classes_that_are_taken_for_one_another_are_found():
    same = jax.tree.structure(Normal(0.0, 1.0))
    assert taken_for_one_another({"a": same, "b": jax.tree.structure(Affine(0.0, 1.0)), "c": same}) == [("a", "c")]


def test_a_program_compiled_ahead_of_time_refuses_another_family():
    value = jnp.ones(2)
    compiled = jax.jit(lambda family, value: family.log_prob(value)).lower(Normal(value, value), value).compile()
    np.testing.assert_allclose(compiled(Normal(value, value), value), -np.log(2 * np.pi), rtol=1e-6)
    with pytest.raises(TypeError):
        compiled(Laplace(value, value), value)


def test_a_branch_that_returns_another_family_is_refused():
    value = jnp.ones(2)
    with pytest.raises(TypeError):
        jax.lax.cond(True, lambda: Normal(value, value), lambda: Laplace(value, value))
    with pytest.raises(TypeError):
        jax.lax.while_loop(lambda _: False, lambda family: Laplace(family.loc, family.scale), Normal(value, value))


def test_one_jitted_function_serves_each_class_its_own_program():
    """All dataclasses of two leaves in forty shapes: the program tells which class it was compiled for."""
    nodes = nodes_of_the_package()
    of_two_leaves = [node for node in nodes if nodes[node].num_leaves == 2 and dataclasses.is_dataclass(node)]
    assert {Normal, Laplace, Affine} < set(of_two_leaves)
    number_of = jax.jit(lambda node: of_two_leaves.index(type(node)))
    for shape in SHAPES:
        for number, node in enumerate(of_two_leaves):
            leaves = np.ones(shape, np.float32), np.ones(shape, np.float32)
            made = jax.tree.unflatten(jax.tree.structure(filled(node)), leaves)
            assert number_of(made) == number, (node, shape)


def test_one_jitted_function_of_several_families_computes_each_ones_density():
    log_prob_of = jax.jit(lambda family, value: family.log_prob(value))
    for size in (1, 7, 26):
        value, scale = np.linspace(-1.0, 2.0, size), np.linspace(0.5, 1.5, size)
        for family, oracle in ((Normal, stats.norm), (Laplace, stats.laplace)):
            made = family(jnp.zeros(size), jnp.asarray(scale, float))
            expected = oracle(0.0, scale).logpdf(value).sum()
            np.testing.assert_allclose(log_prob_of(made, value), expected, rtol=2e-6)


def as_fields(*, static_first: bool, kw_only: bool) -> Any:
    """Two classes of the same fields: one registered by this package's decorator, one by JAX's."""

    def make(decorator):
        @decorator
        @dataclass(frozen=True, kw_only=kw_only)
        class Node:
            if static_first:
                kind: str = field(default="a", metadata={"static": True})
            loc: Any = 0.0
            scale: Any = 1.0
            if not static_first:
                kind: str = field(default="a", metadata={"static": True})
            label = "no field"

        return Node

    return make(register_dataclass), make(jax.tree_util.register_dataclass)  # noqa: TID251


@pytest.mark.parametrize("static_first", [False, True])
@pytest.mark.parametrize("kw_only", [False, True])
def test_leaves_paths_and_static_values_are_those_of_jax(static_first, kw_only):
    ours, theirs = as_fields(static_first=static_first, kw_only=kw_only)
    nodes = [node(loc={"b": 2.0, "a": 1.0}, scale=[3.0], kind="b") for node in (ours, theirs)]
    paths = [[(keystr(path), leaf) for path, leaf in tree_flatten_with_path(node)[0]] for node in nodes]
    assert paths[0] == paths[1] == [(".loc['a']", 1.0), (".loc['b']", 2.0), (".scale[0]", 3.0)]
    doubled = [jax.tree.map(lambda leaf: 2 * leaf, node) for node in nodes]
    assert [type(node) for node in doubled] == [ours, theirs]
    for node in doubled:
        assert (node.loc, node.scale, node.kind) == ({"a": 2.0, "b": 4.0}, [6.0], "b")
    assert jax.tree.structure(ours(loc=1, scale=2, kind="a")) != jax.tree.structure(ours(loc=1, scale=2, kind="b"))
    assert jax.tree.structure(ours(loc=1, scale=2)) == jax.tree.structure(ours(loc=3, scale=4))
    assert hash(jax.tree.structure(ours(loc=1, scale=2))) == hash(jax.tree.structure(ours(loc=3, scale=4)))


def test_nodes_of_one_field_and_of_none():
    @register_dataclass
    @dataclass(frozen=True)
    class One:
        params: Any

    @register_dataclass
    @dataclass(frozen=True)
    class Static:
        size: int = field(metadata={"static": True})

    assert jax.tree.map(lambda leaf: -leaf, One((1, 2))) == One((-1, -2))
    assert jax.tree.leaves(Static(3)) == []
    assert jax.tree.map(lambda leaf: leaf, Static(3)) == Static(3)


def test_it_holds_tracers_and_placeholders():
    seen = []

    def look(family):
        seen.append(family)
        return family

    result = jax.jit(look)(StudentT(jnp.zeros(2), jnp.ones(2), jnp.full(2, 3.0)))
    assert isinstance(seen[0].loc, jax.core.Tracer)
    assert type(result) is type(seen[0]) is StudentT
    structure = jax.tree.structure(result)
    assert jax.tree.unflatten(structure, [None, object(), jax.ShapeDtypeStruct((), float)]).degrees_of_freedom is None


def test_what_cannot_be_registered_is_refused():
    with pytest.raises(TypeError, match=r"expected a dataclass; got .*; put @dataclass"):

        @register_dataclass
        class Plain:
            pass

    with pytest.raises(TypeError, match=r"Derived\.twice has init=False; make it a property"):

        @register_dataclass
        @dataclass
        class Derived:
            once: float
            twice: float = field(init=False)
