"""The core runs without the packages of the extras, and a missing one is named with the extra that brings it."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vae_jax.extras import OPTIONAL, not_installed, told_if_missing

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BESIDE = {"sqlalchemy", "absl", "tensorflow", "IPython"}
"""Packages that a package of an extra brings, or that an extra of their own brings, or that every notebook has."""

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""

CORE = """
import importlib, sys
import jax, jax.numpy as jnp, optax
import vae_jax as vj

for room in {rooms}:
    module = getattr(vj, room)
    for name in getattr(module, "__all__", ()):
        getattr(module, name)
data = vj.data.load("digits")
model = vj.models.fully_connected(data.mean(), vj.models.likelihoods.bernoulli(), latent_size=2, hidden_sizes=(8,))
trainer = vj.trainer(model, vj.objectives.over_batch(vj.objectives.elbo), optax.adam(1e-3))
state = trainer.init(jax.random.key(0))
batch = jnp.asarray(data.train.examples[:4] / 16)
state, metrics = jax.jit(trainer.step)(state, batch)
print(int(state.step), bool(jnp.isfinite(metrics["value"])))
"""


ROOMS = (
    *("distributions", "flows", "hierarchy", "objectives", "formulas", "pca", "probabilistic_pca", "networks"),
    *("models", "aggregate", "data", "evaluation", "generation", "training"),
)


def extras_of(name):
    """The packages that an extra brings, with those of the extras that it names."""
    found = set()
    for requirement in PROJECT["optional-dependencies"][name]:
        package = re.match(r"[\w-]+", requirement)[0]
        if package == "vae-jax":
            for other in re.search(r"\[(.*)\]", requirement)[1].split(","):
                found |= extras_of(other)
        else:
            found.add(package)
    return found


def run(code, *, blocked):
    code = BLOCKED.format(blocked=set(blocked)) + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("module", sorted(OPTIONAL))
def test_the_extra_of_a_package_brings_it(module):
    package = OPTIONAL[module]
    assert package.name in extras_of(package.extra)
    assert package.name in extras_of("all")


def test_every_package_is_of_the_core_or_of_an_extra():
    core = {re.match(r"[\w-]+", requirement)[0].replace("-", "_") for requirement in PROJECT["dependencies"]}
    known = core | {"orbax"} | OPTIONAL.keys() | BESIDE | sys.stdlib_module_names | {"vae_jax", "jaxlib"}
    for path in (ROOT / "vae_jax").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= known, path


def test_the_core_trains_without_any_extra():
    result = run(CORE.replace("{rooms}", repr(ROOMS)), blocked=OPTIONAL)
    assert result.stdout == "1 True\n", result.stderr


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("from vae_jax.cli import main; sys.exit(main(['list']))", "tyro"),
        ("from vae_jax.cli import main; sys.exit(main(['train', 'vae', '--num-steps', '1']))", "filelock"),
        ("import vae_jax as vj; vj.train", "filelock"),
        ("import vae_jax as vj; vj.sweep", "filelock"),
        ("import vae_jax as vj; vj.data.load('people.parquet')", "pyarrow"),
        ("import vae_jax as vj; vj.data.load(vj.DataConfig('digits', train='train[:10]'))", "tensorflow_datasets"),
        ("import vae_jax as vj; vj.data.lfw_faces()", "skimage"),
        ("import vae_jax as vj; vj.aggregate.gaussian_mixture([[0.0, 1.0]])", "sklearn"),
        ("import vae_jax as vj; vj.networks.equinox(lambda key: None)", "equinox"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(code, missing, tmp_path):
    table = tmp_path / "people.parquet"
    table.write_bytes(b"PAR1")
    result = run(code.replace("people.parquet", str(table)), blocked={missing})
    line = result.stderr.splitlines()[-1]
    assert line.endswith(not_installed(missing)), result.stderr
    if "main(" in code:
        assert (result.returncode, result.stderr) == (2, f"vae-jax: {not_installed(missing)}\n")


def test_other_missing_packages_keep_their_own_message():
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_package'$"), told_if_missing():
        import no_such_package  # noqa: F401  # pyright: ignore[reportMissingImports]
