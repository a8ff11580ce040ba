"""The commands that look at a trained run: its numbers, and its page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from vae_jax.cli.run_directory import RunDirectoryArgument, Selection, check_at_least, is_sweep, opened
from vae_jax.evaluation.evidence.settings import Annealing
from vae_jax.messages import UsageError

if TYPE_CHECKING:
    from vae_jax.runs.run import Run


@dataclass(frozen=True)
class Evaluate:
    """Estimate bound and likelihood on a split, in nats and bits per dimension.

    The evaluation that a run ends with is evaluation.json. Each other one has a file of its own beside it, such as
    evaluation-validation-5000.json.
    """

    run_dir: RunDirectoryArgument
    """The run's directory."""
    num_samples: Annotated[int | None, tyro.conf.arg(metavar="K")] = None
    """K of the importance-sampled NLL. Default: the experiment's own; 1,000 to certify."""
    proposal: Literal["encoder", "fitted"] = "encoder"
    """The distribution of these samples: the encoder's q(z|x), or a normal that is fitted to each example alone, which
    takes longer and whose estimate is nearer to log p(x)."""
    split: str = "test"
    """train, validation or test."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Directory for the files, made if there is none. Default: the run's own."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""
    json: bool = False
    """One JSON object, that of the file, in place of the lines."""
    certify: bool = False
    """Say how far the likelihood can be trusted, in place of the usual numbers: several estimates for some examples,
    also by annealing, bounds from both sides for examples that the model draws, and the gap of the ELBO taken apart.
    The file is certificate.json."""
    num_examples: int | None = None
    """Number of examples to certify. Default: 50."""
    annealing: Annealing = field(default_factory=Annealing)

    def run(self) -> int:
        """Evaluate, and print the numbers."""
        check_at_least(1, "--num-samples", self.num_samples)
        check_at_least(1, "--num-examples", self.num_examples)
        if not self.certify and (self.num_examples is not None or self.annealing != Annealing()):
            raise UsageError("expected --certify with --num-examples and --annealing; give it, or leave them out")
        run = opened(self.run_dir, accept_data=self.accept_data)
        if self.certify:
            return self._certify(run)
        with run.lock_to_read():
            result = run.evaluate(
                num_samples=self.num_samples,
                proposal=self.proposal,
                split=self.split,
                select=self.select,
                out=self.out,
            )
            if self.json:
                print(json.dumps(result, ensure_ascii=False))
            else:
                print_evaluation(result, (self.out or self.run_dir) / run.directory.report.name)
        return 0

    def _certify(self, run: Run) -> int:
        with run.lock_to_read():
            nums = {"num_examples": self.num_examples, "num_samples": self.num_samples}
            found = run.certify(
                **{name: num for name, num in nums.items() if num is not None},
                annealing=self.annealing,
                split=self.split,
                select=self.select,
                out=self.out,
            )
        if self.json:
            print(json.dumps(found, ensure_ascii=False))
        else:
            print_certificate(found)
        return 0


@dataclass(frozen=True)
class Report:
    """Write the pictures and the report page of a run or a sweep anew."""

    run_dir: RunDirectoryArgument
    """The directory of the run, or of the sweep."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Directory for the page and pictures of a run, made if there is none. Default: the run's own."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""

    def run(self) -> int:
        """Write the report, and print where it is."""
        if is_sweep(self.run_dir):
            if self.out is not None:
                raise UsageError("expected no --out for a sweep, whose page links to those of its lanes; leave it out")
            from vae_jax.sweeps.sweep import Sweep
            from vae_jax.sweeps.work.directory import SweepDirectory

            print(Sweep(SweepDirectory(self.run_dir)).report(accept_data=self.accept_data))
            return 0
        run = opened(self.run_dir, accept_data=self.accept_data)
        with run.lock_to_read():
            print(run.report(out=self.out))
        return 0


def print_certificate(found: dict[str, Any]) -> None:
    """Print the numbers of a `certificate.json`."""
    from vae_jax.report.certificate import rows, sentences

    of = {
        "real": f"{found['num_examples']} of the {found['num_examples_of_split']:,} examples of the split",
        "simulated": f"{found['num_examples']} examples that the model drew",
    }
    print(f"{found['data']}, {found['split']} split, log p(x) in nats per example")
    for kind, words in of.items():
        if found[kind] is not None:
            print(f"{words}:")
            for row in rows(found, kind):
                print(f"  {row.value:>17}  {row.name}: {row.remark}")
    for sentence in sentences(found):
        print(sentence)


def print_evaluation(result: dict[str, Any], report: Path) -> None:
    """Print the numbers of an `evaluation.json`, and where the report is."""
    rows = {
        "ELBO": ("elbo", "nats"),
        "log p(x|z)": ("log_likelihood", "nats"),
        "KL": ("kl", "nats"),
        "squared error": ("squared_error", "an example"),
        "codes in use": ("code_usage", "of them"),
        "perplexity": ("code_perplexity", "of the codes"),
        "rate": ("rate_in_bits", "bits an example"),
    }
    print(f"{result['data']}, {result['split']} split ({result['num_examples']} examples, {result['transform']}):")
    for label, (name, unit) in rows.items():
        if result.get(name) is not None:
            print(f"  {label:16} {result[name]:10.3f} {unit}")
    if result.get("nll") is not None:
        error = f"± {result['nll_standard_error']:.3f}"
        print(f"  {'NLL':16} {result['nll']:10.3f} {error} nats ({_worth(result)})")
    if result.get("bits_per_dim") is not None:
        print(f"  {'bits per dim':16} {result['bits_per_dim']:10.4f}")
    print(f"  {'active units':16} {result['active_units']:10d} of {result['latent_size']}")
    for name, value in result["measures"].items():
        print(f"  {name}: {value:.6g}")
    for note in result["notes"]:
        print(f"  note: {note}")
    print(f"report: {report}")


def _worth(result: dict[str, Any]) -> str:
    """Words on whether an NLL can be trusted."""
    said = f"{result['num_samples']} importance samples, worth {result['effective_sample_size']:.0f}"
    heavy = result["share_of_heavy_tails"]
    return said if not heavy else f"{said}; too high where weights have heavy tails, {heavy:.0%} of the examples"
