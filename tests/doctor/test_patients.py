"""The doctor finds the fault of each run that has one, and none in those that are healthy."""

from contextlib import suppress
from pathlib import Path

import patients
import pytest
from tables import long_but

import vae_jax as vj
from vae_jax.messages import RunError
from vae_jax.runs.begin import open_run

FILE = Path(patients.__file__)


@pytest.fixture
def found(tmp_path, no_pages):
    """kind -> the names of the faults of its run."""

    def of(kind):
        seed = 1 if kind.endswith("other seed") else 0
        with no_pages(), suppress(RunError):  # a run that failed is diagnosed as any other
            vj.train(FILE, kind=kind, seed=seed, run_dir=tmp_path / "run")
        return {finding.name for finding in open_run(tmp_path / "run").diagnose() if finding.level == "fault"}

    return of


@pytest.mark.parametrize("kind", long_but(patients.FAULTS, "leaked"))
def test_a_fault_is_found(found, kind):
    assert found(kind) & patients.FAULTS[kind]


@pytest.mark.parametrize("kind", long_but(patients.HEALTHY))
def test_a_healthy_run_has_none(found, kind):
    assert found(kind) == set()
