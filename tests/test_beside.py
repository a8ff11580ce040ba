"""Modules beside an experiment file: whose they are, and what they win over."""

import sys
import threading
from pathlib import Path

import pytest

from vae_jax.catalogue import EXPERIMENT, MODULES, kept_in, load_experiment
from vae_jax.config.fields import own_fields
from vae_jax.files import write_files
from vae_jax.messages import UsageError

FILE = '''
"""An idea."""

from dataclasses import dataclass

{imports}


@dataclass(frozen=True)
class Config:
    number: int = 0


def data(config):
    {body}


def experiment(config, data):
    return None
'''


@pytest.fixture
def load(tmp_path):
    """Load a file with some imports, and `data(config)` of some lines, from a folder with other files."""

    def loaded(imports, files, body="return NUMBER", folder="here"):
        sources = {name: content.encode() for name, content in files.items()}
        write_files(tmp_path / folder, sources | {"mine.py": FILE.format(imports=imports, body=body).encode()})
        return load_experiment(tmp_path / folder / "mine.py")

    return loaded


def numbers(file):
    return file.data(file.Config())


@pytest.mark.parametrize(
    ("imports", "files"),
    [
        ("from helper import NUMBER", {"helper.py": "NUMBER = 7"}),
        ("import helper; NUMBER = helper.NUMBER", {"helper.py": "from other import NUMBER", "other.py": "NUMBER = 7"}),
        ("import helper as there; NUMBER = there.NUMBER", {"helper.py": "NUMBER = 7"}),
        ("from helper import *", {"helper.py": "NUMBER = 7"}),
        ("from parts import NUMBER", {"parts/__init__.py": "from .one import NUMBER", "parts/one.py": "NUMBER = 7"}),
        ("import parts.one; NUMBER = parts.one.NUMBER", {"parts/__init__.py": "", "parts/one.py": "NUMBER = 7"}),
        ("import parts.one as one; NUMBER = one.NUMBER", {"parts/__init__.py": "", "parts/one.py": "NUMBER = 7"}),
        ("from parts import one; NUMBER = one.NUMBER", {"parts/one.py": "NUMBER = 7"}),  # a folder, and no more
        (
            "from parts.deep import *",
            {"parts/deep/__init__.py": "from helper import NUMBER", "helper.py": "NUMBER = 7"},
        ),
        ("from pathlib import Path; NUMBER = int((Path(__file__).parent / 'n.txt').read_text())", {"n.txt": "7"}),
    ],
)
def test_what_lies_beside_a_file_is_imported_and_what_was_run_is_kept(load, tmp_path, imports, files):
    file = load(imports, files | {"unused.py": "1 / 0"})
    assert numbers(file) == 7
    modules = {name: content.encode() for name, content in files.items() if name.endswith(".py")}
    assert file.modules == modules
    assert file.kept == {EXPERIMENT: file.path.read_bytes()} | {f"{MODULES}/{name}": modules[name] for name in modules}
    assert not list(tmp_path.rglob("__pycache__"))


def test_what_a_run_keeps_is_enough_and_stays_kept(load, tmp_path):
    files = {"helper.py": "NUMBER = 7", "parts/late.py": "NUMBER = 8"}
    file = load("from helper import NUMBER", files, "from parts import late; return NUMBER + late.NUMBER")
    assert set(file.modules) == {"helper.py"}
    assert numbers(file) == 15
    run = tmp_path / "elsewhere" / "run"
    write_files(run, file.kept | {"environment.json": b"{}", "helper.py": b"NUMBER = 0"})
    for path in (tmp_path / "here").rglob("*.py"):
        path.unlink()
    again = load_experiment(run / EXPERIMENT)
    assert again.kept == file.kept == kept_in(run)  # also the one that is imported later
    assert numbers(again) == 15


def test_neighbours_of_one_name_do_not_meet(load):
    late = "import helper; return helper.NUMBER, NUMBER"
    files = [
        load("from helper import NUMBER", {"helper.py": f"NUMBER = {number}"}, late, f"folder_{number}")
        for number in range(3)
    ]
    assert [numbers(file) for file in files] == [(0, 0), (1, 1), (2, 2)]
    assert [numbers(file) for file in reversed(files)] == [(2, 2), (1, 1), (0, 0)]
    assert "helper" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        __import__("helper")


def test_an_import_in_another_thread_means_the_same(load):
    file, found = load("", {"helper.py": "NUMBER = 7"}, "from helper import NUMBER; return NUMBER"), []
    thread = threading.Thread(target=lambda: found.append(numbers(file)))
    thread.start()
    thread.join()
    assert found == [7]


def test_a_module_that_was_edited_is_run_anew(load):
    for number in (1, 2, 3):  # of one size, and within one tick of the clock of files
        assert numbers(load("from helper import NUMBER", {"helper.py": f"NUMBER = {number}"})) == number


@pytest.mark.parametrize(("name", "other"), [("random", "the standard library"), ("optax", "optax/__init__.py")])
@pytest.mark.parametrize("late", [False, True])
def test_a_name_of_a_library_is_refused_where_it_is_imported(load, name, other, late):
    files, body = {f"{name}.py": "NUMBER = 7"}, f"import {name}; return {name}"
    numbers(load("import json", files, "return 0"))  # it lies there, and nobody asks for it
    with pytest.raises(UsageError, match=rf"expected one module '{name}'; got .*/here/{name}.py, beside the .*{other}"):
        numbers(load("", files, body)) if late else load(f"import {name}", files)


def test_a_folder_without_code_stands_behind_a_library(load):
    file = load(
        "import optax, random; NUMBER = optax.adam and random.random and 7", {"optax/a.txt": "", "random/b": ""}
    )
    assert numbers(file) == 7


def test_the_package_itself_may_lie_beside_a_file(load):
    file = load("import vae_jax as vj; NUMBER = vj", {"vae_jax/__init__.py": "1 / 0"})
    assert numbers(file) is sys.modules["vae_jax"]


def test_a_config_may_inherit_from_beside(load):
    base = "from __future__ import annotations\nfrom dataclasses import dataclass\n\n@dataclass(frozen=True)\n"
    source = f"{base}class Base:\n    size: Size = 3\n\n\nSize = int\n"
    file = load("import bases", {"bases.py": source}, "return bases.Base().size")
    assert numbers(file) == 3
    assert own_fields(file.data.__globals__["bases"].Base) == {"size": int}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1 / 0", r"helper.py, line 1, in <module> \(1 / 0\) fails: ZeroDivisionError: division by zero; "),
        ("def f(:", r"helper.py, line 1 fails: SyntaxError: "),
        (
            "import absent",
            r"helper.py, line 1, in <module> \(import absent\) fails: ModuleNotFoundError: No module named",
        ),
        ("import sys; sys.exit(0)", r"helper.py, line 1, in <module> \(.*\) fails: SystemExit: 0; --traceback shows"),
        ("raise ValueError", r"helper.py, line 1, in <module> \(raise ValueError\) fails: ValueError; --traceback"),
    ],
)
def test_a_module_that_fails_is_named_with_its_line(load, tmp_path, content, said):
    with pytest.raises(UsageError, match=f"^expected an experiment file; {tmp_path}/here/{said}"):
        load("import helper", {"helper.py": content})


def test_an_experiment_at_a_relative_path_knows_where_it_is(load, tmp_path, monkeypatch):
    load("from pathlib import Path; NUMBER = Path(__file__).parent", {})
    monkeypatch.chdir(tmp_path)
    file = load_experiment("here/mine.py")
    monkeypatch.chdir("/")
    assert numbers(file) == tmp_path / "here"
    assert file.path == Path("here/mine.py")
