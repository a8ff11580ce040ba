"""Shapes in signatures are checked in the tests, and a false one is found."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Scalar, TypeCheckError, jaxtyped
from shapes import checked

import vae_jax
from vae_jax import formulas
from vae_jax.distributions import Concrete, MultivariateNormal, Normal
from vae_jax.pytree import register_dataclass

ZERO, TWO, THREE = jnp.zeros(()), jnp.zeros(2), jnp.zeros(3)


@jaxtyped(typechecker=checked)
def total(x: Float[Array, " size"], weight: float | Float[Array, "#size"], *, result: Any) -> Float[Array, ""]:
    return result


@jaxtyped(typechecker=checked)
def same(x: Float[Array, "*shape"], y: Float[Array, "*#shape"], result: Any) -> Float[Array, "*shape"]:
    return result


@jaxtyped(typechecker=checked)
def pair(result: Any) -> tuple[Float[Array, " size"], Scalar | None]:
    return result


@register_dataclass
@jaxtyped(typechecker=checked)
@dataclass
class Box:
    low: Float[Array, " size"]
    name: Any = None

    @jaxtyped(typechecker=checked)
    def contains(self, value: Float[Array, " size"], result: Any = ZERO) -> Scalar:
        return result


TRUE = {
    "an array": lambda: total(THREE, THREE, result=ZERO),
    "a float": lambda: total(THREE, 1.0, result=ZERO),
    "an int for a float": lambda: total(THREE, 1, result=ZERO),
    "a scalar that is broadcast": lambda: same(THREE, ZERO, THREE),
    "a tuple": lambda: pair((THREE, ZERO)),
    "a tuple with what may be None": lambda: pair((THREE, None)),
    "a method": lambda: Box(THREE).contains(THREE),
    "tracing": lambda: jax.jit(jax.grad(lambda x: total(x, 1.0, result=x.sum())))(THREE),
    "batching": lambda: jax.vmap(lambda low: Box(low).contains(low))(jnp.zeros((5, 3))),
    "an array of NumPy": lambda: total(np.zeros(3), 1.0, result=ZERO),
    "a field of NumPy": lambda: Box(np.zeros(3)).contains(THREE),
    "a batch of objects": lambda: jax.vmap(lambda box: box.contains(THREE))(jax.vmap(Box)(jnp.zeros((5, 3)))),
    "placeholders in a tree": lambda: jax.tree.map(lambda leaf: object(), Box(THREE)),
    "shapes in a tree": lambda: jax.eval_shape(Box, THREE),
}

FALSE = {
    "an array of another rank": lambda: total(jnp.zeros((3, 3)), 1.0, result=ZERO),
    "an array of another type": lambda: total(jnp.zeros(3, int), 1.0, result=ZERO),
    "no array": lambda: total([0.0, 0.0], 1.0, result=ZERO),
    "dimensions that do not agree": lambda: total(THREE, TWO, result=ZERO),
    "a word for a number": lambda: total(THREE, "1", result=ZERO),
    "shapes that do not broadcast": lambda: same(THREE, TWO, THREE),
    "a result of another shape": lambda: total(THREE, 1.0, result=THREE),
    "a result that is not broadcast": lambda: same(THREE, THREE, ZERO),
    "a result of NumPy": lambda: total(THREE, 1.0, result=np.zeros(())),
    "an array of NumPy of another rank": lambda: total(np.zeros((3, 3)), 1.0, result=ZERO),
    "a tuple's element": lambda: pair((THREE, THREE)),
    "a tuple's length": lambda: pair((THREE, ZERO, ZERO)),
    "a field": lambda: Box(ZERO).contains(THREE),
    "an argument and a field": lambda: Box(TWO).contains(THREE),
    "the result of a method": lambda: Box(THREE).contains(THREE, THREE),
    "a traced array": lambda: jax.jit(lambda x: total(x, 1.0, result=x))(THREE),
}

OF_THE_PACKAGE = {
    "a function": lambda: formulas.categorical_log_prob(ZERO, THREE),
    "shapes of a function": lambda: formulas.gaussian_kl(TWO, THREE),
    "a method's argument": lambda: Normal(THREE, jnp.ones(3)).log_prob(TWO),
    "a method's key": lambda: Normal(THREE, jnp.ones(3)).sample(jax.random.split(jax.random.key(0))),
    "fields that do not agree": lambda: MultivariateNormal(THREE, jnp.eye(2)).mean(),
    "a field of another rank": lambda: Concrete(THREE, jnp.ones(1)).sample(jax.random.key(0)),
}


@pytest.mark.parametrize("call", TRUE.values(), ids=TRUE)
def test_what_a_signature_says_passes(call):
    call()


@pytest.mark.parametrize("call", FALSE.values(), ids=FALSE)
def test_what_a_signature_does_not_say_is_refused(call):
    with pytest.raises(TypeCheckError):
        call()


@pytest.mark.parametrize("call", OF_THE_PACKAGE.values(), ids=OF_THE_PACKAGE)
def test_signatures_of_the_package_are_checked(call):
    with pytest.raises(TypeCheckError):
        call()


def annotations(tree: ast.AST) -> Iterator[ast.expr]:
    """All annotations of a module: of arguments, results and fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns:
            yield node.returns


def test_every_annotation_of_an_array_has_a_meaning():
    """jaxtyping takes an annotation that it cannot read for one that allows everything."""
    package = Path(vae_jax.__file__).parent
    num = 0
    for path in package.rglob("*.py"):
        source = path.read_text()
        if "from jaxtyping import" not in source:
            continue
        module = importlib.import_module(".".join(path.relative_to(package.parent).with_suffix("").parts))
        for annotation in annotations(ast.parse(source)):
            text = ast.unparse(annotation)
            if re.search(r"\w\[\w*\.?(Array|ArrayLike|ndarray), ", text):
                eval(text, dict(vars(module)))
                num += 1
    assert num > 500
