"""Compiled programs are kept for commands, where the user lets them be, and never for the library alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vae_jax.machine.cache import default_directory, keep_compiled_programs, kept_programs


def in_a_process(code, **variables):
    """What a process of its own prints, which inherits no setting of JAX's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=inherited | variables, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2_000:]
    return result.stdout


def test_a_directory_of_the_user_s_alone_is_made_and_named(tmp_path):
    variables = {"XDG_CACHE_HOME": str(tmp_path / "caches")}
    before = os.umask(0)
    try:
        keep_compiled_programs(variables)
    finally:
        os.umask(before)
    directory = tmp_path / "caches" / "vae_jax" / "compiled"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert variables == {
        "XDG_CACHE_HOME": str(tmp_path / "caches"),
        "JAX_COMPILATION_CACHE_DIR": str(directory),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
    }


@pytest.mark.parametrize(
    "decided",
    [
        {"JAX_COMPILATION_CACHE_DIR": "/elsewhere"},
        {"JAX_COMPILATION_CACHE_DIR": ""},
        {"JAX_ENABLE_COMPILATION_CACHE": "false"},
        {"JAX_ENABLE_COMPILATION_CACHE": "true"},
    ],
)
def test_what_the_user_has_decided_is_left_alone(tmp_path, decided):
    variables = {"XDG_CACHE_HOME": str(tmp_path)} | decided
    keep_compiled_programs(variables)
    assert variables == {"XDG_CACHE_HOME": str(tmp_path)} | decided
    assert list(tmp_path.iterdir()) == []


def test_a_minimum_of_the_user_s_is_left_alone(tmp_path):
    variables = {"XDG_CACHE_HOME": str(tmp_path), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "3"}
    keep_compiled_programs(variables)
    assert variables["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "3"


@pytest.mark.parametrize("in_the_way", ["vae_jax", "vae_jax/compiled"])
def test_a_directory_that_cannot_be_made_is_no_error(tmp_path, in_the_way):
    path = tmp_path / in_the_way
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file")
    variables = {"XDG_CACHE_HOME": str(tmp_path)}
    keep_compiled_programs(variables)
    assert variables == {"XDG_CACHE_HOME": str(tmp_path)}
    assert path.read_text() == "a file"


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    def read_only(**_):
        raise OSError("read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", read_only)
    variables = {"XDG_CACHE_HOME": str(tmp_path)}
    keep_compiled_programs(variables)
    assert variables == {"XDG_CACHE_HOME": str(tmp_path)}


def test_where_it_is_by_the_customs_of_the_system(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_directory({}, "linux") == Path("/home/ada/.cache/vae_jax/compiled")
    assert default_directory({"XDG_CACHE_HOME": "relative"}, "linux") == Path("/home/ada/.cache/vae_jax/compiled")
    assert default_directory({}, "darwin") == Path("/home/ada/Library/Caches/vae_jax/compiled")


def test_a_user_without_a_home_has_none(monkeypatch):
    def no_home():
        raise RuntimeError("could not determine home directory")

    monkeypatch.setattr(Path, "home", no_home)
    variables = {}
    keep_compiled_programs(variables)
    assert variables == {}


def test_programs_are_counted(tmp_path):
    (tmp_path / "jit_step-0123-cache").write_bytes(b"1234")
    (tmp_path / "jit_step-0123-atime").write_bytes(b"1")
    assert kept_programs(tmp_path) == (1, 4)
    assert kept_programs(tmp_path / "nowhere") == (0, 0)


COMMAND_THEN_COMPILE = """
{imports}
from vae_jax.cli.main import main
main(["info"])
import jax
jax.jit(lambda x: x + 1)(1.0).block_until_ready()
main(["info"])
print(jax.config.values["jax_persistent_cache_min_compile_time_secs"])
"""


@pytest.mark.parametrize(
    "imports", ["", "import jax.numpy  # as a user's experiment file may"], ids=["before", "after"]
)
def test_a_command_keeps_what_is_compiled_whether_jax_is_imported_or_not(tmp_path, imports):
    said = in_a_process(
        COMMAND_THEN_COMPILE.format(imports=imports),
        XDG_CACHE_HOME=str(tmp_path),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
        JAX_PLATFORMS="cpu",
    ).splitlines()
    directory = tmp_path / "vae_jax" / "compiled"
    counts = [line.split()[2:5] for line in said if line.startswith("compiled programs")]
    assert [count[1:] for count in counts] == [["in", f"{directory},"]] * 2
    assert int(counts[0][0]) < int(counts[1][0]) == kept_programs(directory)[0]
    assert said[-1] == "0.0"


def test_no_program_is_kept_for_the_library_help_or_a_usage_error(tmp_path):
    code = """
from vae_jax.cli.main import main
for arguments in (["--help"], ["train", "vea"], ["train", "vae", "--help"]):
    try:
        main(arguments)
    except SystemExit:
        pass
import jax, vae_jax.training
assert jax.config.values["jax_compilation_cache_dir"] is None
"""
    in_a_process(code, XDG_CACHE_HOME=str(tmp_path), JAX_PLATFORMS="cpu")
    assert not (tmp_path / "vae_jax").exists()


def test_a_cache_that_is_switched_off_stays_off(tmp_path):
    code = "from vae_jax.cli.main import main; main(['info'])"
    said = in_a_process(code, XDG_CACHE_HOME=str(tmp_path), JAX_ENABLE_COMPILATION_CACHE="false", JAX_PLATFORMS="cpu")
    assert "\ncompiled programs  not kept\n" in said
    assert not (tmp_path / "vae_jax").exists()
