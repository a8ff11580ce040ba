#!/usr/bin/env bash
# jax 0.10.2 (Python 3.11 to 3.13, CPU): the tree structures of two different classes registered with
# jax.tree_util.register_dataclass compare equal when they have as many fields, whatever classes and fields are called.
#
# An expert would expect what register_pytree_node gives: structures of different classes differ, a program compiled
# ahead of time refuses another class, and lax.cond refuses branches that return two classes. Seen instead, below: the
# structures are equal (their hashes are not), the compiled program adds where the class that it is given would multiply,
# and lax.cond returns the class of one branch for both. flax.struct.dataclass registers the same way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 2>/dev/null
JAX_PLATFORMS=cpu "$folder/env/bin/python" - <<'PYTHON'
from dataclasses import dataclass

import flax
import jax
import jax.numpy as jnp


@jax.tree_util.register_dataclass
@dataclass
class Sum:
    left: jax.Array
    right: jax.Array

    def value(self):
        return self.left + self.right


@jax.tree_util.register_dataclass
@dataclass
class Product:
    first: jax.Array
    second: jax.Array

    def value(self):
        return self.first * self.second


@flax.struct.dataclass
class Other:
    a: jax.Array
    b: jax.Array


three, four = jnp.float32(3), jnp.float32(4)
structures = [jax.tree.structure(kind(three, four)) for kind in (Sum, Product, Other)]
compiled = jax.jit(lambda node: node.value()).lower(Sum(three, four)).compile()
answer = float(compiled(Product(three, four)))
chosen = type(jax.lax.cond(False, lambda: Sum(three, four), lambda: Product(three, four))).__name__
print("jax", jax.__version__, "flax", flax.__version__)
print("structures equal:", structures[0] == structures[1] == structures[2])
print("hashes equal:", len(set(map(hash, structures))) == 1)
print("3 * 4 by a program compiled for 3 + 4:", answer)
print("lax.cond whose taken branch returns a Product gives a", chosen)
assert structures[0] == structures[1] == structures[2] and len(set(map(hash, structures))) == 3
assert answer == 7.0
assert chosen == "Sum"
PYTHON
