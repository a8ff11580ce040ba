#!/usr/bin/env bash
# jax 0.10.2 (Python 3.11 to 3.13, CPU): `jax.export` makes a program, and can neither write nor read one, without the
# package flatbuffers, which no requirement of jax or jaxlib names, not even one of an extra.
#
# An expert would expect a part of jax's public interface to work after `pip install jax`, or an extra that brings what it
# needs, or an error when jax.export is imported. Seen instead, below: importing, tracing and lowering succeed, and
# `serialize` and `deserialize` fail at the very end, with an ImportError that is no ModuleNotFoundError, so that code which
# looks for missing packages by the latter, or by the error's `name`, does not find it. With flatbuffers both work.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 2>/dev/null
cat > "$folder/try.py" <<'PYTHON'
import importlib.metadata
import sys

import jax
import jax.numpy as jnp
from jax import export

named = [line for package in ("jax", "jaxlib") for line in importlib.metadata.requires(package) if "flatbuffers" in line]
program = export.export(jax.jit(lambda x: 2 * x))(jax.ShapeDtypeStruct((3,), jnp.float32))
print("jax", jax.__version__, "requirements that name flatbuffers:", named)
assert named == []
if sys.argv[1] == "without":
    for name, attempt in {"serialize": program.serialize, "deserialize": lambda: export.deserialize(bytearray(8))}.items():
        try:
            attempt()
        except ImportError as error:
            print(f"{name}:", type(error).__name__, "of", error.name, "-", error)
            assert type(error) is ImportError and error.name is None
        else:
            raise AssertionError(f"{name} works")
else:
    again = export.deserialize(program.serialize())
    print("with flatbuffers:", again.call(jnp.arange(3.0)))
PYTHON
JAX_PLATFORMS=cpu "$folder/env/bin/python" "$folder/try.py" without
"$folder/env/bin/pip" install --quiet --disable-pip-version-check flatbuffers==25.12.19 2>/dev/null
JAX_PLATFORMS=cpu "$folder/env/bin/python" "$folder/try.py" with
