"""Who may import whom. The tables below are the plan of the house; the tests read every file's imports and hold it.

A room is a folder or a file directly in vae_jax/. Imports run downwards: a room may import what is named behind it,
the rooms at the bottom (`BOTTOM`), and its own files.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

# Words and helpers without opinions: open to every room, and importing none but each other.
BOTTOM = {
    "version",
    "types",
    "pytree",
    "untrained",
    "arithmetic",
    "formulas",
    "messages",
    "origin",
    "ranges",
    "html",
    "extras",
    "files",
    "lazy",
    "precision",
    "axis",
    "stated",
    "keys",
}

ROOMS = {
    # The mathematics: pure functions, one example, nats.
    "distributions": "",
    "flows": "distributions",
    "grids": "",
    "data": "grids",
    "vae": "distributions",
    "hierarchy": "distributions vae",
    # Classes among the latents: components of a mixture prior, or the top group of a hierarchy.
    "latent_classes": "distributions vae hierarchy",
    "objectives": "distributions vae hierarchy",
    "hamiltonian": "",
    "pca": "",
    "probabilistic_pca": "pca",
    "generation": "distributions vae",
    "evaluation": "hamiltonian distributions vae hierarchy latent_classes objectives generation data",
    # Models: networks know nothing of VAEs; models join networks and distributions.
    "networks": "",
    "models": "distributions flows vae hierarchy hamiltonian networks pca probabilistic_pca",
    # Densities of codes, fitted after training.
    "aggregate": "distributions flows vae hierarchy objectives networks models",
    # Devices and hosts.
    "parallel": "",
    # What the machine has and does; reads no model.
    "machine": "",
    # Training takes a model and an objective as arguments, and imports neither room.
    "training": "vae data parallel machine",
    "prepare": "data",
    # Numbers of finished runs, side by side.
    "ranking": "",
    # A run: everything wired.
    "report": "grids distributions vae hierarchy latent_classes data generation evaluation ranking",
    "experiment": "distributions vae objectives data training evaluation",
    "outline": "distributions vae data training evaluation experiment",
    # Looks for what is wrong with a trained model.
    "doctor": "distributions vae data evaluation experiment",
    # Whether a likelihood can take the data of an experiment.
    "admissible": "distributions data evaluation experiment outline",
    # The run that most experiments have, from a config of theirs.
    "standard": "distributions vae data networks models objectives training evaluation experiment",
    "beside": "",
    "catalogue": "beside data experiment",
    # A config: its fields, its JSON, its words.
    "config": "catalogue",
    "runs": "distributions flows vae hierarchy latent_classes aggregate networks data parallel generation evaluation "
    "machine training report experiment outline admissible doctor catalogue config ranking",
    "sweeps": "grids vae data parallel generation evaluation machine training report experiment outline admissible "
    "catalogue config runs ranking",
    "cli": "grids data parallel machine prepare evaluation doctor report experiment sweeps catalogue config runs "
    "ranking",
    "__main__": "cli",
}

# Packages from outside, and the rooms that may import them. The standard library and `ANYWHERE` are free.
ANYWHERE = {"jax", "jaxtyping", "numpy"}
PACKAGES = {
    "flax": "networks",
    "equinox": "networks",
    "optax": "evaluation training aggregate standard",
    "orbax": "training",
    "sklearn": "aggregate evaluation report",
    "skimage": "data",
    "pyarrow": "data",
    "tensorflow_datasets": "data prepare",
    "array_record": "data",
    "grain": "data",
    "absl": "data",
    "requests": "prepare",
    "scipy": "doctor evaluation prepare sweeps",
    "h5py": "prepare",
    "matplotlib": "report",
    "PIL": "grids data report prepare",
    "jinja2": "report",
    "filelock": "runs prepare sweeps",
    "flatbuffers": "runs",
    "rich": "runs sweeps",
    "IPython": "runs",
    "tyro": "cli",
    "optuna": "sweeps",
    "sqlalchemy": "sweeps",
    "submitit": "sweeps",
}
# Optional packages: imported inside the function that needs them, never when a file is read.
INSIDE_FUNCTIONS = {"IPython", "equinox", "flatbuffers", "h5py", "optuna", "sqlalchemy", "submitit"}
# A shipped experiment uses public names, the optimizers, and jax.numpy for its own measures: nothing else. It imports
# the last two inside the function that uses them, so that its help does not wait for them.
EXPERIMENTS = {"vae_jax", "optax", "jax"}
# Read before a command line is understood, which must not wait seconds for JAX.
WITHOUT_JAX = (
    "vae_jax",
    "vae_jax.messages",
    "vae_jax.ranking",
    "vae_jax.data.config",
    "vae_jax.evaluation.evidence.settings",
    "vae_jax.data.source",
    "vae_jax.parallel.config",
    "vae_jax.standard",
    "vae_jax.standard.config",
    "vae_jax.catalogue",
    "vae_jax.config.command",
    "vae_jax.machine.cache",
    "vae_jax.machine.profile",
    "vae_jax.runs.directory",
    "vae_jax.runs.records",
    "vae_jax.sweeps.search.study",
    "vae_jax.sweeps.clusters.submit",
    "vae_jax.cli",
)
SLOW = {
    "jax",
    "flax",
    "optax",
    "orbax",
    "sklearn",
    "skimage",
    "pyarrow",
    "matplotlib",
    "jaxtyping",
    "tensorflow_datasets",
    "grain",
}


class Import(NamedTuple):
    """One imported name, in full."""

    name: str
    line: int
    inside_function: bool
    for_types_only: bool

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def when_read(self) -> bool:
        """Whether it happens when the file is imported."""
        return not (self.inside_function or self.for_types_only)


def imports_of(source: str) -> Iterator[Import]:
    """All imports of a file; `from a import b` is `a.b`."""

    def visit(node: ast.AST, inside_function: bool, for_types_only: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            names = []
        for name in names:
            yield Import(name, node.lineno, inside_function, for_types_only)  # type: ignore[attr-defined]
        inside_function |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                yield from visit(child, inside_function, True)
            for child in node.orelse:
                yield from visit(child, inside_function, for_types_only)
            return
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside_function, for_types_only)

    yield from visit(ast.parse(source), False, False)


def sources_of(folder: Path) -> dict[str, str]:
    """Dotted module name -> source, for a package's folder."""
    sources = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text("utf-8")
    return sources


def room_of(name: str) -> str:
    """`vae_jax.networks.mlp` lives in `networks`, `vae_jax` itself in ''."""
    return [*name.split("."), ""][1]


def room_violations(sources: dict[str, str]) -> list[str]:
    """What the files import against the tables, in words."""
    found = []
    for module, source in sources.items():
        room = room_of(module)
        if room and room not in ROOMS.keys() | BOTTOM:
            found.append(f"{module}: unknown room '{room}'; add it to the table in {Path(__file__).name}")
            continue
        for imported in imports_of(source):
            at, package = f"{module}, line {imported.line}", imported.package
            if imported.name.startswith("."):
                found.append(f"{at}: relative import; write it in full")
            elif package == "vae_jax":
                other = room_of(imported.name)
                if other not in {room_of(name) for name in sources} - {""}:
                    found.append(
                        f"{at}: no room of '{imported.name}'; inside, import a name from its room, not from vae_jax"
                    )
                elif room and other not in {room, *ROOMS.get(room, "").split()} | BOTTOM:
                    found.append(f"{at}: {room} may not import {other}")
            elif package in PACKAGES:
                if room not in PACKAGES[package].split():
                    found.append(f"{at}: {room or 'vae_jax'} may not import {package}; {PACKAGES[package]} may")
                if package in INSIDE_FUNCTIONS and imported.when_read:
                    found.append(f"{at}: {package} is optional; import it inside the function that needs it")
            elif package not in ANYWHERE | sys.stdlib_module_names:
                found.append(f"{at}: unknown package '{package}'; add it to the table in {Path(__file__).name}")
    return found


def graph_of(sources: dict[str, str]) -> dict[str, set[str]]:
    """Module -> what is imported when it is read: modules of the package, and names of packages outside."""

    def resolve(name: str) -> str:
        parts = name.split(".")
        candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((candidate for candidate in candidates if candidate in sources), parts[0])

    return {
        module: {resolve(imported.name) for imported in imports_of(source) if imported.when_read} - {module}
        for module, source in sources.items()
    }


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Everything that importing `start` imports."""
    seen, to_visit = set(), {start}
    while to_visit:
        module = to_visit.pop()
        seen.add(module)
        to_visit |= graph.get(module, set()) - seen
    return seen


def modules_on_a_cycle(graph: dict[str, set[str]]) -> set[str]:
    return {
        module for module, imported in graph.items() if any(module in reachable(graph, other) for other in imported)
    }


def experiment_violations(sources: dict[str, str]) -> list[str]:
    """What experiment files import or reach into beyond public names."""
    found = []
    for module, source in sources.items():
        for imported in imports_of(source):
            if imported.name.startswith("vae_jax."):
                found.append(f"{module}, line {imported.line}: use public names: import vae_jax as vj")
            elif imported.package not in EXPERIMENTS | sys.stdlib_module_names:
                found.append(f"{module}, line {imported.line}: an experiment may not import {imported.package}")
            elif imported.package in SLOW and imported.when_read:
                found.append(f"{module}, line {imported.line}: import {imported.package} inside the function")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and ast.unparse(node).startswith("vj."):
                found.append(f"{module}, line {node.lineno}: {ast.unparse(node)} is private")
    return found


PACKAGE = sources_of(ROOT / "vae_jax")


def test_every_import_is_in_the_plan():
    assert room_violations(PACKAGE) == []


def test_no_module_imports_itself_around_a_circle():
    assert modules_on_a_cycle(graph_of(PACKAGE)) == set()


def test_experiments_use_public_names_only():
    assert experiment_violations(sources_of(ROOT / "experiments")) == []


@pytest.mark.parametrize("module", WITHOUT_JAX)
def test_jax_is_not_imported_before_it_is_needed(module):
    """Importing a module also reads the `__init__` of the folders above it; vae_jax's own is in the list."""
    assert module in PACKAGE
    assert reachable(graph_of(PACKAGE), module) & SLOW == set()


@pytest.mark.parametrize("package", [name for name, source in PACKAGE.items() if "= names_on_first_use(" in source])
def test_a_name_on_first_use_is_not_that_of_a_module(package):
    """Importing the module anywhere would put it in the place of the name."""
    module = importlib.import_module(package)
    for name, home in module._HOMES.items():
        assert not home or f"{package}.{name}" not in PACKAGE


def test_the_plan_runs_downwards():
    """The table itself has no circle, and names no room that it does not list."""
    table = {room: set(allowed.split()) for room, allowed in ROOMS.items()}
    assert modules_on_a_cycle(table) == set()
    assert set().union(*table.values()) <= table.keys()
    assert {room for rooms in PACKAGES.values() for room in rooms.split()} <= table.keys()
    order = list(ROOMS)
    for room, allowed in table.items():
        assert all(order.index(other) < order.index(room) for other in allowed), room


# That the tests above can fail

NOWHERE = {f"vae_jax.{room}": "" for room in ("", "types", "formulas", "messages", *ROOMS)} | {"vae_jax": ""}


@pytest.mark.parametrize(
    ("module", "source", "violation"),
    [
        ("vae_jax.distributions.normal", "from vae_jax.vae import VAE", "distributions may not import vae"),
        ("vae_jax.training.loop", "from vae_jax import objectives", "training may not import objectives"),
        ("vae_jax.training.loop", "def f():\n    import vae_jax.models.linear", "training may not import models"),
        ("vae_jax.types", "from vae_jax.vae import VAE", "types may not import vae"),
        ("vae_jax.networks.mlp", "from vae_jax import distributions", "networks may not import distributions"),
        (
            "vae_jax.networks.mlp",
            "import optax",
            "networks may not import optax; evaluation training aggregate standard may",
        ),
        ("vae_jax.models.linear", "from flax import linen", "models may not import flax; networks may"),
        ("vae_jax.networks.tree", "import equinox as eqx", "equinox is optional; import it inside the function"),
        ("vae_jax.magic", "", "unknown room 'magic'; add it to the table"),
        ("vae_jax.data.cloud", "import boto3", "unknown package 'boto3'; add it to the table"),
        ("vae_jax.vae", "from . import types", "relative import; write it in full"),
        (
            "vae_jax.runs.run",
            "from vae_jax import elbo",
            "no room of 'vae_jax.elbo'; inside, import a name from its room",
        ),
        (
            "vae_jax.pca",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import vae_jax.runs.run",
            "may not import run",
        ),
    ],
)
def test_a_violation_is_found(module, source, violation):
    (found,) = room_violations(NOWHERE | {module: source})
    assert violation in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("vae_jax.networks.tree", "def adapt():\n    import equinox as eqx"),
        (
            "vae_jax.models.linear",
            "from vae_jax.networks import mlp\nfrom vae_jax import types\nimport math, jax.numpy",
        ),
        ("vae_jax.objectives.bounds.elbo", "from vae_jax.objectives.over_draws import over_draws"),
    ],
)
def test_what_is_allowed_is_not_a_violation(module, source):
    assert room_violations(NOWHERE | {module: source}) == []


def test_a_circle_is_found():
    """Unless a function or a type checker breaks it."""
    sources = {"vae_jax.a": "from vae_jax.b import x", "vae_jax.b": "import vae_jax.c", "vae_jax.d": "import vae_jax.a"}
    for closing, circle in (
        ("from vae_jax import a", {"vae_jax.a", "vae_jax.b", "vae_jax.c"}),
        ("def late():\n    from vae_jax import a", set()),
        ("import typing\nif typing.TYPE_CHECKING:\n    from vae_jax import a", set()),
    ):
        assert modules_on_a_cycle(graph_of(sources | {"vae_jax.c": closing})) == circle


@pytest.mark.parametrize(
    ("source", "violation"),
    [
        ("from vae_jax.vae import VAE", "use public names"),
        ("import flax", "may not import flax"),
        ("import optax", "import optax inside the function"),
        ("import vae_jax as vj\nvj.models._hidden()", "vj.models._hidden is private"),
    ],
)
def test_an_experiment_that_reaches_inside_is_found(source, violation):
    (found,) = experiment_violations({"experiments.mine": source})
    assert violation in found
    assert (
        experiment_violations(
            {"experiments.mine": "import math\nimport vae_jax as vj\nvj.draw\ndef f():\n    import optax"}
        )
        == []
    )


def test_a_hidden_import_of_jax_is_found():
    sources = {
        "vae_jax.cli": "import vae_jax.a",
        "vae_jax.a": "from vae_jax.b import c",
        "vae_jax.b": "import jax.numpy",
    }
    assert reachable(graph_of(sources), "vae_jax.cli") & SLOW == {"jax"}
