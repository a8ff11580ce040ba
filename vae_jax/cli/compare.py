"""`vae-jax compare`: runs in a table, the best first."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vae_jax.cli.compare_lines import comparison_lines, row_as_json
from vae_jax.cli.run_directory import check_at_least
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.ranking import RunRecord, caveats, default_metric, metric_names, rank, swept_fields
from vae_jax.runs.records import records_in


@dataclass(frozen=True)
class Compare:
    """Rank runs by a metric, the best first, with standard errors over seeds."""

    paths: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="DIR|RUN...")]
    """Runs, sweeps, and folders with runs in them."""
    metric: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """A number of evaluation.json, or of the best validation. Default: nll where all have it, else elbo, else value."""
    top: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Number of rows. Default: all."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Split of the evaluations that count. Default: that of the evaluation that a run ended with."""
    num_samples: Annotated[int | None, tyro.conf.arg(metavar="K")] = None
    """Number of importance samples of the evaluations that count. Default: as a run ended with."""
    json: bool = False
    """Print each row as a JSON object on a line, in place of the table."""

    def run(self) -> int:
        """Print the table."""
        if not self.paths:
            raise UsageError("expected runs, a sweep, or a folder with runs behind 'compare'; got none")
        check_at_least(1, "--top", self.top)
        check_at_least(1, "--num-samples", self.num_samples)
        records = records_in(*self.paths, split=self.split, num_samples=self.num_samples)
        if (self.split or self.num_samples) and not any(record.evaluation for record in records):
            raise UsageError(
                "expected an evaluation of that split and number of samples in one of these runs; none has one; make "
                "it by 'vae-jax evaluate'"
            )
        metric = _metric(self.metric, records)
        rows = rank(records, metric)
        swept = [name for name in swept_fields(records) if name != "seed"]
        notes = [f"not comparable: {line}" for line in caveats(records, metric)]
        if self.json:
            for number, row in enumerate(rows[: self.top], start=1):
                print(json.dumps(row_as_json(number, row, swept, metric), ensure_ascii=False))
            for note in notes:
                print(f"vae-jax: {note}", file=sys.stderr)
        else:
            print("\n".join([*comparison_lines(rows, swept, metric, self.top), *notes]))
        return 0


def _metric(name: str | None, records: list[RunRecord]) -> str:
    """The metric that was asked for, or the default."""
    if name is None:
        return default_metric(records)
    known = metric_names(records)
    if name not in known:
        raise UsageError(
            f"expected a metric of these runs ({', '.join(known) or 'they have none yet'}); got '{name}'"
            f"{did_you_mean(name, known)}"
        )
    return name
