"""A run: training, resuming, evaluating and explaining it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from vae_jax.admissible import outside_in_steps
from vae_jax.catalogue import ExperimentFile
from vae_jax.doctor.checks import findings
from vae_jax.doctor.evidence import evidence
from vae_jax.doctor.finding import Finding
from vae_jax.evaluation import Annealing, evaluator, validator
from vae_jax.evaluation.reported import Proposal
from vae_jax.experiment import Experiment
from vae_jax.files import read_json, write_json
from vae_jax.machine.profile import ProfiledSteps
from vae_jax.messages import RunError, UsageError
from vae_jax.outline import outline
from vae_jax.parallel import hosts
from vae_jax.parallel.mesh import own_mesh, spread
from vae_jax.parallel.placement import Placement, on_one_device
from vae_jax.runs import display as displays
from vae_jax.runs.certificate import certificate, why_not_real
from vae_jax.runs.certificate import file_name as certificate_name
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.environment import IN_64_BITS, environment, precision
from vae_jax.runs.evaluation import evaluation, file_name, num_steps
from vae_jax.runs.report import write_run_report
from vae_jax.runs.shown import run_html
from vae_jax.runs.work import work
from vae_jax.training import params_to_evaluate
from vae_jax.training.advance import abstract_start
from vae_jax.training.checkpoint import Checkpoints, Record
from vae_jax.training.loop import Outcome, fit
from vae_jax.training.metrics import MetricsFile, NoMetricsFile, read_metrics
from vae_jax.training.saved import read_for_a_look, read_step, steps_in
from vae_jax.training.tracer import Tracer
from vae_jax.types import Params
from vae_jax.vae import VAE, Conditional

Selection = Literal["best", "latest"]


class Run:
    """A run directory with its experiment, ready to be trained further, evaluated, sampled from or reported on.

    Args:
        directory: The run directory.
        record: Its `config.json`: the experiment's name, its config, and the number of steps if that was given.
        file: The experiment's file.
        config: Its `Config`.
        experiment: The experiment that the file makes of the config.
        placement: The devices that it is trained over.
        profile: Steps that are profiled when they are trained.
    """

    def __init__(
        self,
        directory: RunDirectory,
        record: dict[str, Any],
        file: ExperimentFile,
        config: Any,
        experiment: Experiment,
        placement: Placement,
        profile: ProfiledSteps | None = None,
    ) -> None:
        self.directory = directory
        self.record = record
        self.file = file
        self.config = config
        self.experiment = experiment
        self.placement = placement
        self.profile = profile

    def __repr__(self) -> str:
        return f"Run({str(self.directory.path)!r}, {self.file.name}, {self.num_steps:,} steps)"

    def _repr_html_(self) -> str:
        return run_html(self.directory, self.file.name, self.config, self.num_steps)

    @property
    def num_steps(self) -> int:
        """Number of steps of the whole training."""
        return self.experiment.budget.num_steps

    def lock(self) -> AbstractContextManager[None]:
        """Be the only run at work in the directory: the run's process 0 takes the lock for all of its processes.

        Raises:
            UsageError: If another run is at work in it.
        """
        return self.directory.lock() if hosts.is_first() else nullcontext()

    def lock_to_read(self) -> AbstractContextManager[None]:
        """Be sure that nobody trains the run, also where nothing can be written.

        Raises:
            UsageError: If another process is at work in it.
        """
        return self.directory.lock_to_read() if hosts.is_first() else nullcontext()

    @own_mesh()
    def train(self) -> Outcome:
        """Train to the end, from the latest checkpoint if there is one; then evaluate, and write the report.

        With several hosts, all of them call it, and process 0 writes.
        """
        with self.lock(), hosts.losing_a_host_ends(f"vae-jax resume {self.directory.path}"):
            outcome = self._fit()
            if outcome.is_finished and not hosts.any_of(self._is_explained()):
                self.evaluate()
        return outcome

    def _fit(self) -> Outcome:
        experiment, directory = self.experiment, self.directory
        self._check_precision()
        if hosts.is_first() and self.record != directory.read_config():  # resumed for more steps
            write_json(directory.config, self.record)
        self._say_other_versions()
        self._check_history()
        run_key, feed = experiment.key_and_feed()
        validate = validator(experiment.fitted)
        cost = work(experiment, self._made_on.get("flops_per_step"), self.placement.mesh.devices.ravel().tolist())
        with displays.display(experiment.budget.num_steps, cost, is_shown=hosts.is_first()) as display:
            display.say(f"data: {experiment.dataset.description}")
            if line := spread(self.placement.mesh):
                display.say(line)
            if assumed := experiment.dataset.values:
                display.say(f"values of {experiment.dataset.name}: {assumed}")
            checkpoints = Checkpoints(directory.checkpoints, say=display.say)
            try:
                return fit(
                    experiment.trainer,
                    feed,
                    experiment.budget,
                    run_key,
                    validate=lambda params: validate(params, experiment.dataset.split("validation").examples),
                    checkpoints=checkpoints,
                    open_metrics=lambda num_bytes: (
                        MetricsFile(directory.metrics, num_bytes) if hosts.is_first() else NoMetricsFile()
                    ),
                    display=display,
                    placement=self.placement,
                    tracer=Tracer(self.profile, directory.profile),
                    explain=lambda first, last: outside_in_steps(experiment, outline(experiment), first, last),
                )
            finally:
                checkpoints.close()

    @own_mesh()
    def params(self, select: Selection = "best") -> tuple[Params, dict[str, Any]]:
        """Trained parameters, and the step and the rule by which they were selected.

        The parameters are in the precision that is set now, whatever they were trained in.

        Args:
            select: "best" by the validation bound, or "latest".

        Raises:
            RunError: If there is no checkpoint that can be read.
            UsageError: If another process is training the run.
        """
        trained_in = self._made_on.get("precision", precision())
        if trained_in == precision():
            return self._saved_params(select)
        with jax.enable_x64(trained_in == IN_64_BITS):
            params, selection = self._saved_params(select, keeps_types=True)
        return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), params), selection

    def _saved_params(self, select: Selection, *, keeps_types: bool = False) -> tuple[Params, dict[str, Any]]:
        run_key, feed = self.experiment.key_and_feed()
        # One device is enough to evaluate on. But what several hosts have saved they read together.
        placement = self.placement if jax.process_count() > 1 else on_one_device()
        target = abstract_start(self.experiment.trainer, feed, run_key, placement)
        checkpoints, kind = self.directory.checkpoints, {"record_type": Record, "keeps_types": keeps_types}
        # Under the lock, since a run in training removes the checkpoints that it needs no longer.
        with self.lock_to_read():
            restored = read_for_a_look(checkpoints, target, **kind)
            if restored is None:
                raise RunError(f"expected a checkpoint in {checkpoints}; there is none; train first")
            progress, record = restored
            step, rule = int(progress.state.step), "the last checkpoint"
            if select == "best" and record.best is not None:
                step, rule = record.best.step, "the best bound on the validation split"
                progress, _ = read_step(checkpoints, step, target, **kind)
        params = placement.whole(params_to_evaluate(progress.state))
        return params, {"checkpoint_step": step, "selection": rule}

    @own_mesh()
    def vae(self, select: Selection = "best") -> VAE | Conditional:
        """The trained model, parameters bound."""
        return self.experiment.model.bind(self.params(select)[0])

    @own_mesh()
    def evaluate(
        self,
        *,
        num_samples: int | None = None,
        proposal: Proposal = "encoder",
        split: str = "test",
        select: Selection = "best",
        out: str | Path | None = None,
    ) -> dict[str, Any]:
        """Evaluate on a split, write the evaluation, the pictures and the report, and return the evaluation.

        The evaluation that a run ends with is `evaluation.json`; those of other splits, numbers of samples or
        checkpoints have files of their own beside it, as `evaluation-validation-5000.json`.

        With several hosts, all of them call it, and process 0 evaluates; the others return nothing.

        Args:
            num_samples: K of the importance-sampled NLL; None for the experiment's own.
            proposal: The distribution of its samples, as of `vae_jax.evaluation.evaluate`.
            split: Name of the split of the data.
            select: The checkpoint: "best" or "latest".
            out: A directory for the files, made if there is none; None for the run's own.

        Raises:
            UsageError: If there is no such split, or the files cannot be written.
            RunError: If there is no checkpoint that can be read.
        """
        experiment = self.experiment
        examples = experiment.dataset.split(split).examples
        target = self._target(out)
        num_samples = experiment.num_samples if num_samples is None else num_samples
        name = file_name(split, num_samples, select, usual_samples=experiment.num_samples, proposal=proposal)
        # Read before anything is written: it may be damaged.
        first = None if name == self.directory.evaluation.name else read_json(self.directory.evaluation)
        lines = read_metrics(self.directory.metrics)
        params, selection = self.params(select)
        if proposal == "fitted" and (reason := why_not_real(experiment, params, examples)):
            raise UsageError(f"no proposal can be fitted: {reason}")
        if not hosts.is_first():
            return {}
        evaluate = evaluator(experiment.fitted, num_samples=num_samples, proposal=proposal)
        result = evaluated = evaluation(experiment, evaluate(params, examples), params, split, selection, lines)
        write_json(target.path / name, result)
        if first is not None:
            with suppress(RunError):  # a best checkpoint that is damaged, where the latest one was asked for
                (params, _), result = self.params(), first
        self._explain(params, result, target)
        return evaluated

    @own_mesh()
    def certify(
        self,
        *,
        num_examples: int = 50,
        num_samples: int = 1_000,
        annealing: Annealing | None = None,
        split: str = "test",
        select: Selection = "best",
        out: str | Path | None = None,
    ) -> dict[str, Any]:
        """Estimate log p(x) in several ways, write `certificate.json`, and the page anew where there is one.

        Args:
            num_examples: Number of examples of the split, and of those that the model draws itself.
            num_samples: K of importance sampling.
            annealing: How chains are led.
            split: Name of the split of the data.
            select: The checkpoint: "best" or "latest".
            out: A directory for the files, made if there is none; None for the run's own.

        Returns:
            As `runs.certificate.certificate`, and the checkpoint.

        Raises:
            UsageError: If there is no such split, too few examples, no likelihood to certify, or the files cannot be
                written.
            RunError: If there is no checkpoint that can be read.
        """
        experiment, target = self.experiment, self._target(out)
        params, selection = self.params(select)
        found = selection | certificate(
            experiment,
            params,
            split,
            num_examples=num_examples,
            num_samples=num_samples,
            annealing=annealing or Annealing(),
        )
        write_json(target.path / certificate_name(split, select), found)
        if (result := read_json(self.directory.evaluation)) is not None:
            self._explain(self.params()[0], result, target)
        return found

    @own_mesh()
    def diagnose(self, *, select: Selection = "best") -> list[Finding]:
        """Look for what is wrong with the run; nothing is written.

        Args:
            select: The checkpoint: "best" or "latest".

        Returns:
            What was found, faults first; nothing if all is well.

        Raises:
            RunError: If there is no checkpoint that can be read.
        """
        params, _ = self.params(select)
        evaluation = read_json(self.directory.evaluation) or {}  # none of a run that failed, whose start is looked at
        return findings(evidence(self.experiment, params, evaluation, read_metrics(self.directory.metrics)))

    @own_mesh()
    def report(self, *, out: str | Path | None = None) -> Path:
        """Write the pictures and the report from what is there, and return the report's path.

        Args:
            out: A directory for the files, made if there is none; None for the run's own.
        """
        target, result = self._target(out), read_json(self.directory.evaluation)
        if result is None:
            self.evaluate(out=out)
        else:
            params, _ = self.params()
            self._explain(params, result, target)
        return target.report

    def _explain(self, params: Params, evaluation: dict[str, Any], target: RunDirectory) -> None:
        write_run_report(
            self.directory, self.file, self.record, self.config, self.experiment, params, evaluation, target
        )

    def _target(self, out: str | Path | None) -> RunDirectory:
        """The directory that results are written to."""
        if out is not None:
            Path(out).mkdir(parents=True, exist_ok=True)
            return RunDirectory(Path(out))
        if not os.access(self.directory.path, os.W_OK):
            raise UsageError(
                f"expected to write to {self.directory.path}, which can only be read; give another directory by --out"
            )
        return self.directory

    def _is_explained(self) -> bool:
        """Whether the evaluation and the page are those of all the steps that were trained."""
        if not hosts.is_first():
            return False
        done = read_json(self.directory.evaluation) or {}
        steps = num_steps(read_metrics(self.directory.metrics))
        return done.get("num_steps") == steps and self.directory.report.is_file()

    @property
    def _made_on(self) -> dict[str, Any]:
        """The environment that the run was started in; empty where it is not known."""
        return read_json(self.directory.environment) or {}

    def _check_history(self) -> None:
        """Check that a run that has been trained has checkpoints: it would begin anew, and its history would be cut."""
        steps = num_steps(read_metrics(self.directory.metrics))
        has_some = bool(steps_in(self.directory.checkpoints)) or (self.directory.path / "damaged").is_dir()
        is_in_a_stack = (read_json(self.directory.path / "lane.json") or {}).get("state") == "running"
        if steps and not has_some and not is_in_a_stack:
            raise RunError(
                f"expected the checkpoints of a run that has done {steps} steps in {self.directory.checkpoints}; "
                "there are none; bring them back, or train anew with --overwrite"
            )

    def _check_precision(self) -> None:
        if (started_in := self._made_on.get("precision", precision())) != precision():
            raise UsageError(
                f"expected {started_in}, in which this run was started; got {precision()}; "
                f"set jax_enable_x64 to {started_in == IN_64_BITS}, or train anew with --overwrite"
            )

    def _say_other_versions(self) -> None:
        then, now = self._made_on, environment(self.directory.experiment)
        told = [name for name in ("jax", "jaxlib", "device", "random_bits") if name in then]
        changed = [name for name in told if then[name] != now[name]]
        if changed and hosts.is_first():
            was = ", ".join(f"{name} {then.get(name)}, now {now[name]}" for name in changed)
            print(f"this run was started with {was}: its end may differ in the last bits")
