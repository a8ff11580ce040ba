"""The version, the changelog, and what a hosted service checks, agree with each other."""

import re
import tomllib
from pathlib import Path

import pytest

from vae_jax.version import __version__

ROOT = Path(__file__).parent.parent
HEADINGS = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)


def test_every_section_of_the_changelog_is_a_dated_release_in_order():
    releases = [heading for heading in HEADINGS if heading != "Unreleased"]
    assert releases, HEADINGS
    versions = []
    for heading in releases:
        match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \(\d{4}-\d\d-\d\d\)", heading)
        assert match, heading
        versions.append(tuple(map(int, match.groups())))
    assert versions == sorted(versions, reverse=True)
    assert ".".join(map(str, versions[0])) == __version__


def test_the_workflow_runs_the_script_on_the_supported_pythons():
    workflow = (ROOT / ".github/workflows/check.yml").read_text("utf-8")
    assert "./scripts/check --python python${{ matrix.python }}" in workflow
    pythons = re.findall(r'"(3\.\d+)"', workflow)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    supported = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: Python :: 3." in line]
    assert pythons == supported
    assert project["requires-python"] == f">={supported[0]}"


@pytest.mark.parametrize("option", ["--fast", "--long"])
def test_the_script_explains_its_options(option):
    assert f"./scripts/check {option} " in (ROOT / "scripts/check").read_text("utf-8")
