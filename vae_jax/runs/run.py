"""A run: training, resuming, evaluating and explaining it."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from vae_jax.admissible import outside_in_steps
from vae_jax.catalogue import ExperimentFile
from vae_jax.evaluation import evaluator, validator
from vae_jax.experiment import Experiment
from vae_jax.files import write_json
from vae_jax.machine.profile import ProfiledSteps
from vae_jax.messages import RunError, UsageError
from vae_jax.outline import outline
from vae_jax.parallel import hosts
from vae_jax.parallel.mesh import own_mesh, spread
from vae_jax.parallel.placement import Placement, on_one_device
from vae_jax.runs import display as displays
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.environment import IN_64_BITS, environment, precision
from vae_jax.runs.report import write_run_report
from vae_jax.runs.work import work
from vae_jax.training import params_to_evaluate
from vae_jax.training.advance import abstract_start
from vae_jax.training.checkpoint import Checkpoints
from vae_jax.training.loop import Outcome, fit
from vae_jax.training.metrics import MetricsFile, NoMetricsFile, plain
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

    def lock(self) -> AbstractContextManager[None]:
        """Be the only run at work in the directory: the run's process 0 takes the lock for all of its processes.

        Raises:
            UsageError: If another run is at work in it.
        """
        return self.directory.lock() if hosts.is_first() else nullcontext()

    @own_mesh()
    def train(self) -> Outcome:
        """Train to the end, from the latest checkpoint if there is one; then evaluate, and write the report.

        With several hosts, all of them call it, and process 0 writes.
        """
        with self.lock(), hosts.losing_a_host_ends(f"vae-jax resume {self.directory.path}"):
            outcome = self._fit()
            if outcome.is_finished:
                self.evaluate()
        return outcome

    def _fit(self) -> Outcome:
        experiment, directory = self.experiment, self.directory
        self._check_precision()
        if hosts.is_first() and self.record != directory.read_config():  # resumed for more steps
            write_json(directory.config, self.record)
        self._say_other_versions()
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
        # Under the lock, since opening checkpoints clears away what looks like a save that did not end.
        with self.lock(), closing(Checkpoints(self.directory.checkpoints, keeps_types=keeps_types)) as checkpoints:
            restored = checkpoints.restore_latest(target)
            if restored is None:
                raise RunError(f"expected a checkpoint in {self.directory.checkpoints}; there is none; train first")
            progress, record = restored
            step, rule = int(progress.state.step), "the last checkpoint"
            if select == "best" and record.best is not None:
                step, rule = record.best.step, "the best bound on the validation split"
                progress, _ = checkpoints.restore(step, target)
        params = placement.whole(params_to_evaluate(progress.state))
        return params, {"checkpoint_step": step, "selection": rule}

    @own_mesh()
    def vae(self, select: Selection = "best") -> VAE | Conditional:
        """The trained model, parameters bound."""
        return self.experiment.model.bind(self.params(select)[0])

    @own_mesh()
    def evaluate(
        self, *, num_samples: int | None = None, split: str = "test", select: Selection = "best"
    ) -> dict[str, Any]:
        """Evaluate on a split, write `evaluation.json`, the pictures and the report, and return the evaluation.

        With several hosts, all of them call it, and process 0 evaluates; the others return nothing.

        Args:
            num_samples: K of the importance-sampled NLL; None for the experiment's own.
            split: Name of the split of the data.
            select: The checkpoint: "best" or "latest".

        Raises:
            UsageError: If there is no such split.
            RunError: If there is no checkpoint that can be read.
        """
        experiment = self.experiment
        examples = experiment.dataset.split(split).examples
        params, selection = self.params(select)
        if not hosts.is_first():
            return {}
        evaluate = evaluator(
            experiment.fitted, num_samples=experiment.num_samples if num_samples is None else num_samples
        )
        result = evaluation(experiment, evaluate(params, examples), params, split, selection)
        write_json(self.directory.evaluation, result)
        write_run_report(self.directory, self.file, self.record, self.config, experiment, params, result)
        return result

    @own_mesh()
    def report(self) -> Path:
        """Write the pictures and the report from what is there, and return the report's path."""
        result = self.directory.read_json(self.directory.evaluation)
        if result is None:
            self.evaluate()
        else:
            params, _ = self.params()
            write_run_report(self.directory, self.file, self.record, self.config, self.experiment, params, result)
        return self.directory.report

    @property
    def _made_on(self) -> dict[str, Any]:
        """The environment that the run was started in; empty where it is not known."""
        return self.directory.read_json(self.directory.environment) or {}

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


def evaluation(
    experiment: Experiment, result: dict[str, Any], params: Params, split: str, selection: dict[str, Any]
) -> dict[str, Any]:
    """The contents of `evaluation.json`.

    Args:
        experiment: The experiment that was evaluated.
        result: The result of `vae_jax.evaluation.evaluate`.
        params: The parameters that were evaluated.
        split: The split that they were evaluated on.
        selection: The checkpoint that they are from, and the rule that selected it.
    """
    about = {"data": experiment.dataset.name, "split": split, "transform": experiment.transform.name}
    measures = dict(experiment.measures(params)) if experiment.measures else {}
    return plain(about | selection | result | {"measures": measures})
