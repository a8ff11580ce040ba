"""The command `vae-jax sweep`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vae_jax.cli.exit_codes import INTERRUPTED
from vae_jax.cli.sweep_options import WorkOptions, check_options
from vae_jax.cli.sweep_words import Words, config_and_axes

if TYPE_CHECKING:
    from vae_jax.sweeps import sweep as sweeps


@dataclass(frozen=True)
class Sweep:
    """Train many variants of an experiment side by side, or search among them."""

    words: Words

    def run(self) -> int:
        """Begin the sweep, or go on with it."""
        file, fields, options, work, _ = self.words
        config, axes = config_and_axes(file, fields, may_repeat=options.zip)
        check_options(options, work.lanes)
        from vae_jax.cli.train import check_data
        from vae_jax.sweeps.sweep import begin

        check_data(config)
        sweep = begin(
            file,
            config,
            axes,
            run_dir=options.run_dir,
            num_steps=options.num_steps,
            is_zipped=options.zip,
            search=options.search_config,
            evolution=options.evolve,
            parallel=None if options.slurm.workers else work.parallel,
        )
        if options.slurm.workers:
            return self._submit(sweep.directory.path, options.storage)
        return work_on(sweep, work)

    def _submit(self, directory: Path, storage: str | None) -> int:
        """Let jobs of a cluster work on the sweep, each by the same command."""
        from vae_jax.sweeps.clusters.submit import submit

        words = [sys.executable, "-m", "vae_jax", "sweep", *_without_secret(_without_slurm(self.words.argv), storage)]
        if self.words.options.run_dir is None:
            words += ["--run-dir", str(directory)]
        jobs = submit(words, self.words.options.slurm, directory / "jobs")
        print(f"sweep directory: {directory}")
        print(f"jobs: {', '.join(jobs)}; what they say is in {directory / 'jobs'}")
        return 0


def _without_secret(words: Sequence[str], storage: str | None) -> list[str]:
    """The words without the password of a storage: jobs get it by their environment, since words are kept and shown."""
    if storage is None:
        return list(words)
    from vae_jax.sweeps.search.storage import HIDDEN, VARIABLE, without_password

    shown = without_password(storage)
    if HIDDEN in shown and HIDDEN not in storage:
        os.environ[VARIABLE] = storage
    return [word.replace(storage, shown) for word in words]


def _without_slurm(argv: Sequence[str]) -> list[str]:
    """The words of a command without its --slurm options."""
    kept, is_ours = [], False
    for word in argv:
        if word.startswith("--"):
            is_ours = word.startswith("--slurm.")
        if not is_ours:
            kept.append(word)
    return kept


def work_on(sweep: sweeps.Sweep, options: WorkOptions, *, accept_data: bool = False) -> int:
    """Work on a sweep until nothing is left, and print how it ended."""
    from vae_jax.sweeps.outcome import outcome_in_words

    is_quiet = options.show == "json"  # only its lines may be on stdout
    if not is_quiet:
        print(f"sweep directory: {sweep.directory.path}", flush=True)
    show = None if options.show == "auto" else options.show
    is_done = sweep.work(lanes=options.lanes, parallel=options.parallel, show=show, accept_data=accept_data)
    if not is_quiet:
        print("\n".join(outcome_in_words(sweep, is_done=is_done)), flush=True)
    return 0 if is_done else INTERRUPTED
