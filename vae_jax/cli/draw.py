"""The commands that write what a trained run makes: samples, reconstructions, codes, and itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from vae_jax.cli.run_directory import RunDirectoryArgument, Selection, check_at_least, opened
from vae_jax.messages import UsageError

_KINDS = (".png", ".csv", ".parquet")


@dataclass(frozen=True)
class Sample:
    """Draw new examples: images as one PNG, rows of a table as CSV or Parquet, either as arrays."""

    run_dir: RunDirectoryArgument
    """The run's directory."""
    out: Path
    """The file: .png for images, .csv or .parquet for rows of a table, .npz for arrays as the data are stored."""
    num: int = 64
    """Number of samples."""
    seed: int = 0
    """Seed of the draw."""
    label: str | None = None
    """Class to draw: from a conditional model by its number or name, by default a row of each; from a model with latent
    classes by its number, by default from all of them."""
    sampler: Literal["prior", "gaussian_mixture", "flow", "two_stage"] = "prior"
    """The density that codes are drawn from: the prior, or one that is fitted to the codes of training examples."""
    temperature: float | None = None
    """A factor above 0 that the scale of a normal prior is multiplied by: below 1, samples nearer the modes."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""

    def run(self) -> int:
        """Draw, and write the file."""
        check_output(self.out, self.num, (*_KINDS, ".npz"))
        run = opened(self.run_dir, accept_data=self.accept_data)
        from vae_jax.runs.drawn import write_samples
        from vae_jax.runs.trained import trained_of

        with run.lock_to_read():
            write_samples(
                trained_of(run, self.select),
                self.num,
                self.seed,
                self.out,
                label=self.label,
                sampler=self.sampler,
                temperature=self.temperature,
            )
        print(self.out)
        return 0


@dataclass(frozen=True)
class Reconstruct:
    """Encode and decode examples of a split: images as one PNG, each above its reconstruction, rows as a table."""

    run_dir: RunDirectoryArgument
    """The run's directory."""
    out: Path
    """The file: .png for images; .csv or .parquet for rows, with a column of reconstructions beside each."""
    num: int = 32
    """Number of examples."""
    split: str = "test"
    """train, validation or test."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""

    def run(self) -> int:
        """Reconstruct, and write the picture."""
        check_output(self.out, self.num, _KINDS)
        run = opened(self.run_dir, accept_data=self.accept_data)
        from vae_jax.runs.report import write_reconstructions

        with run.lock_to_read():
            write_reconstructions(run.experiment, run.vae(self.select), self.num, self.split, self.out)
        print(self.out)
        return 0


@dataclass(frozen=True)
class Encode:
    """Write the codes of a split: mean, standard deviation and a draw of q(z|x), the scores and the label of each."""

    run_dir: RunDirectoryArgument
    """The run's directory."""
    out: Path
    """The file: .npz for arrays; .csv or .parquet with a row for each example."""
    split: str = "test"
    """train, validation or test."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""

    def run(self) -> int:
        """Encode, and write the file."""
        check_output(self.out, kinds=(".npz", ".csv", ".parquet"))
        run = opened(self.run_dir, accept_data=self.accept_data)
        from vae_jax.runs.codes import codes_of, write_codes
        from vae_jax.runs.trained import trained_of

        with run.lock_to_read():
            write_codes(self.out, codes_of(trained_of(run, self.select), self.split))
        print(self.out)
        return 0


@dataclass(frozen=True)
class Export:
    """Write a trained model as files that need nothing of this package: weights, programs, and a card."""

    run_dir: RunDirectoryArgument
    """The run's directory."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """The folder to make: weights.safetensors, encoder.bin, decoder.bin and bound.bin for jax.export, README.md."""
    select: Selection = "best"
    """The best checkpoint by the validation bound, or the latest one."""
    accept_data: bool = False
    """Take other data than the run was begun with; the run records it."""

    def run(self) -> int:
        """Export, and name the files."""
        run = opened(self.run_dir, accept_data=self.accept_data)
        from vae_jax.runs.export import export_run

        with run.lock_to_read():
            for path in export_run(run, self.out, select=self.select):
                print(path)
        return 0


def check_output(path: Path, num: int = 1, kinds: tuple[str, ...] = (".png",)) -> None:
    """Refuse a file that cannot be written, before time is spent on it.

    Raises:
        UsageError: If the file is of another kind, its folder does not exist, or `num` is below one.
    """
    if path.suffix.lower() not in kinds:
        raise UsageError(f"expected a {' or '.join(', '.join(kinds).rsplit(', ', 1))} file to write to; got {path}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"expected a folder that exists; {path.absolute().parent} does not; make it first")
    check_at_least(1, "--num", num)
