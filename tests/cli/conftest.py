"""Running `vae-jax` in this process, and a run that is trained once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from vae_jax.cli.main import main

TINY = Path(__file__).parent.parent / "tiny_experiment.py"


class Result(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def vae_jax(capsys) -> Callable[..., Result]:
    """`vae_jax("train", "vae")`; nothing that it says is ever a traceback."""

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ending:
            code = ending.code
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Result(code, out, err)

    return run


@pytest.fixture
def refusal(vae_jax) -> Callable[..., str]:
    """The one line that a usage error says, without the program's name."""

    def run(*arguments: object, code: int = 2) -> str:
        result = vae_jax(*arguments)
        assert (result.code, result.out) == (code, ""), result
        (line,) = result.err.splitlines()
        assert line.startswith("vae-jax: ")
        return line.removeprefix("vae-jax: ")

    return run


@pytest.fixture(scope="session")
def tiny() -> Path:
    """The file of an experiment that trains within a second."""
    return TINY


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """A run of it, to look at."""
    path = tmp_path_factory.mktemp("trained") / "run"
    assert main(["train", str(TINY), "--run-dir", str(path)]) == 0
    return path


@pytest.fixture
def run(trained, tmp_path) -> Path:
    """A copy of it, to change."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Everything in a folder, but the lock, which is empty and comes and goes."""

    def files(folder: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"(folder)"
            for path in folder.rglob("*")
            if path.name != ".lock"
        }

    return files


@pytest.fixture
def experiment_file(tmp_path) -> Callable[..., Path]:
    """The tiny experiment with something replaced, as a file of the user's own."""

    def write(*replacements: tuple[str, str], name: str = "mine.py") -> Path:
        source = TINY.read_text()
        for old, new in replacements:
            assert source.count(old) == 1, old
            source = source.replace(old, new)
        path = tmp_path / name
        path.write_text(source)
        return path

    return write
