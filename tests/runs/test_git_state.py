"""The state of the code's repository: asked of git without running what the repository's configuration names."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from vae_jax.runs.environment import git_state

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git")


def git(folder, *arguments):
    subprocess.run(
        ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path):
    """A repository with a committed file."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    (folder / "mine.py").write_text("NUMBER = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    return folder


@pytest.fixture
def program(tmp_path):
    """A harmless program that leaves a file behind when it is run."""
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\ntouch {tmp_path / 'was_run'}\ncat\n")
    path.chmod(0o755)
    return path


def touch_again(path):
    """Let git read a file once more: as long, and of another time."""
    os.utime(path, (1, 1))


def fsmonitor(folder, program):
    git(folder, "config", "core.fsmonitor", program)


def filtering(folder, program, key="clean"):
    git(folder, "config", f"filter.any.{key}", program)
    git(folder, "config", "filter.any.required", "true")
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "attributes").write_text("* filter=any\n")
    touch_again(folder / "mine.py")


def process(folder, program):
    filtering(folder, program, "process")


def hooks(folder, program):
    shutil.copy(program, folder / ".git" / "hooks" / "post-index-change")
    touch_again(folder / "mine.py")


@pytest.mark.parametrize("configure", [fsmonitor, filtering, process, hooks])
def test_nothing_that_a_configuration_names_is_run(repository, program, tmp_path, configure):
    configure(repository, program)
    assert (git_state(repository) or {}).get("has_changes") is False
    assert not (tmp_path / "was_run").exists()
    subprocess.run(["git", "-C", repository, "status"], capture_output=True, check=False)
    assert (tmp_path / "was_run").exists()  # by git as it is


def test_the_commit_and_changes(repository, tmp_path):
    head = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert git_state(repository) == {"commit": head.stdout.strip(), "has_changes": False}
    (repository / "mine.py").write_text("NUMBER = 2\n")
    assert git_state(repository) == {"commit": head.stdout.strip(), "has_changes": True}
    git(repository, "checkout", "mine.py")
    (repository / "new.py").touch()
    assert git_state(repository) == {"commit": head.stdout.strip(), "has_changes": True}


def test_a_filter_that_cannot_be_left_out_is_not_asked_about(repository, program, tmp_path):
    filtering(repository, program)
    git(repository, "config", "filter.a=b.clean", program)
    assert git_state(repository) is None
    assert not (tmp_path / "was_run").exists()


def test_no_repository_is_no_state(tmp_path):
    assert git_state(tmp_path) is None
    assert git_state(Path("/nowhere")) is None
