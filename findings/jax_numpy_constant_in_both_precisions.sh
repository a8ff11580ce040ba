#!/usr/bin/env bash
# jax 0.10.2 (CPU): a function that closes over a float64 NumPy array, as quadrature nodes or a table of means are, can be
# jitted in one precision only. Called in 32 bits and then under `with jax.enable_x64(True):`, or the other way round, it
# raises ValueError from the MLIR verifier ("requires compatible types"), and goes on working in the first precision.
#
# An expert would expect a second trace, as for an array argument, or the array converted anew: the constant's type is
# canonicalised in each mode, and jit is keyed by the mode. Seen instead, below: with the same function and the same array
# the second mode fails for arithmetic, `jnp.sin` and `jnp.where`. A float32 array passes, and so does `jnp.asarray(array)`
# within the function. jax 0.12.0.1 does the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.3.5 2>/dev/null
JAX_PLATFORMS=cpu "$folder/env/bin/python" -W ignore - <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np

nodes = np.linspace(0.0, 1.0, 3)
narrow = nodes.astype(np.float32)
functions = {
    "array * x": lambda x: nodes * x,
    "sin(array) * x": lambda x: jnp.sin(nodes) * x,
    "where(x > 0, array, 0)": lambda x: jnp.where(x > 0, nodes, 0.0),
    "float32 array * x": lambda x: narrow * x,
    "asarray(array) * x": lambda x: jnp.asarray(nodes) * x,
}


def outcome(function, x64):
    try:
        with jax.enable_x64(x64):
            jax.jit(function)(jnp.asarray(3.0))
    except ValueError as error:
        assert "requires compatible" in str(error) or "verifier" in str(error), error
        return "ValueError"
    return "passes"


print("jax", jax.__version__)
seen = {}
for name, function in functions.items():
    seen[name] = [outcome(function, x64) for x64 in (False, True, False)]
    print(f"{name:24} in 32 bits, in 64, in 32 again: {', '.join(seen[name])}")
fails = ["passes", "ValueError", "passes"]
assert seen == {name: fails if number < 3 else ["passes"] * 3 for number, name in enumerate(functions)}
PYTHON
