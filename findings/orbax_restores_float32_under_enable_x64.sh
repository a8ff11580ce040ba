#!/usr/bin/env bash
# orbax-checkpoint 0.12.8 (its v1 interface) with jax 0.10.2 (CPU): inside `with jax.enable_x64(True):` float64 arrays are
# saved as float64 and come back as float32, without an error, although the target says float64.
#
# An expert would expect the array that was saved, or an error, since a target with its type was given. Seen instead,
# below: the context manager holds for one thread, orbax makes the arrays in others, and there JAX truncates them. With
# jax.config.update("jax_enable_x64", True), which holds for all threads, the same file gives float64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
    jax==0.10.2 jaxlib==0.10.2 "orbax-checkpoint==0.12.8" 2>/dev/null
JAX_PLATFORMS=cpu "$folder/env/bin/python" -W ignore - "$folder/saved" <<'PYTHON'
import importlib.metadata
import sys

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

path = sys.argv[1]


def restored():
    target = {"third": jax.ShapeDtypeStruct((2,), jnp.float64, sharding=jax.sharding.SingleDeviceSharding(jax.devices()[0]))}
    return ocp.load_checkpointables(path, {"state": target})["state"]["third"]


with jax.enable_x64(True):
    third = jnp.full(2, 1 / 3, jnp.float64)
    ocp.save_checkpointables(path, {"state": {"third": third}})
    on_disk = str(ocp.checkpointables_metadata(path).metadata["state"]["third"].dtype)
    within = restored()
jax.config.update("jax_enable_x64", True)
globally = restored()
print("jax", jax.__version__, "orbax-checkpoint", importlib.metadata.version("orbax-checkpoint"))
print("saved", third.dtype, "on disk", on_disk, "restored by a context manager", within.dtype, "globally", globally.dtype)
print("difference:", float(abs(jnp.float64(within[0]) - third[0])))
assert (str(third.dtype), on_disk) == ("float64", "float64")
assert (str(within.dtype), str(globally.dtype)) == ("float32", "float64")
PYTHON
