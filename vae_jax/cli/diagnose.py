"""The command that looks for what is wrong with a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from vae_jax.cli.run_directory import RunDirectoryArgument, Selection, opened
from vae_jax.doctor.finding import Finding


@dataclass(frozen=True)
class Diagnose:
    """Say what is wrong with a run, what shows it, and what to do.

    It looks at the training, the latents, the noise of p(x|z), the encoder, the prior and the splits. Faults come
    first; hints are to be looked at. Nothing is written.
    """

    run_dir: RunDirectoryArgument
    """The run's directory."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""
    json: bool = False
    """One JSON array of what was found, in place of the lines."""

    def run(self) -> int:
        """Diagnose, and print what was found."""
        run = opened(self.run_dir, accept_data=self.accept_data)
        with run.lock_to_read():
            found = run.diagnose(select=self.select)
        if self.json:
            print(json.dumps([finding._asdict() for finding in found], ensure_ascii=False))
            return 0
        print_findings(found)
        return 0


def print_findings(found: Sequence[Finding]) -> None:
    """Print what was found, each with its evidence and its remedy."""
    for finding in found:
        print(f"{finding.level}: {finding.name}")
        print(f"  {finding.evidence}")
        print(f"  {finding.remedy}")
    if not any(finding.level == "fault" for finding in found):
        print("no faults were found")
