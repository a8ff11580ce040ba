"""Everything that a run will compute, traced once, so that errors do not come after hours of training."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import jax
import numpy as np

from vae_jax.data.examples import abstract_example
from vae_jax.data.feed import check_batch_size, like_a_stored_batch, seen_batch
from vae_jax.distributions import has_density
from vae_jax.evaluation.bound import of_one
from vae_jax.evaluation.evidence.importance_sampling import log_weights
from vae_jax.experiment import Experiment
from vae_jax.keys import key_of
from vae_jax.messages import UsageError
from vae_jax.origin import explained, explaining, origin
from vae_jax.training import TrainState, params_to_evaluate
from vae_jax.training.guarded import changed_arrays
from vae_jax.types import Metrics, Params
from vae_jax.vae import Draw, draw


class Outline(NamedTuple):
    """The shapes, types and families of what a run computes."""

    state: TrainState
    batch: Any
    """The batch of a step, as the model sees it."""
    x: Any
    """The modelled part of one example, without its condition."""
    draw: Draw
    """A draw for one example."""
    validation: Metrics
    """The validation metrics of one example."""


def outline(experiment: Experiment) -> Outline:
    """Trace a step, the validation, the NLL and what pictures are made of, without computing anything.

    Raises:
        UsageError: If one of them cannot work, with the reason: sizes that do not fit, or an estimator that a family
            cannot support.
    """
    _check_numbers(experiment)
    try:
        check_batch_size(experiment.budget.batch_size, len(experiment.dataset.train.examples))
        return jax.eval_shape(lambda: everything(experiment))
    except (Exception, SystemExit) as error:
        if isinstance(error, TypeError | ValueError) or origin(error):
            raise UsageError(explained(error, "an experiment that can be trained")) from error
        if isinstance(error, ArithmeticError):
            raise UsageError(
                f"expected an experiment that can be trained; its step fails: {error}; give other sizes"
            ) from error
        raise


def everything(experiment: Experiment) -> Outline:
    """The computation that `outline` traces; the experiment's own numbers may be traced, too.

    Raises:
        Exception: Whatever a function of the experiment raises.
    """
    key, feed = experiment.key_and_feed()
    state = experiment.trainer.init(key)
    _check_holds_numbers(state.params)
    batch = seen_batch(feed, like_a_stored_batch(feed), 0)
    stepped, _ = experiment.trainer.step(state, batch)
    _check_alike(state, stepped)

    params, fitted = params_to_evaluate(state), experiment.fitted(params_to_evaluate(state))
    stored = jax.tree.map(lambda one: jax.numpy.zeros(one.shape, one.dtype), abstract_example(feed.examples))
    validated = of_one(experiment.fitted, key, key, params, stored)
    vae, x = fitted.at(key, stored)
    one = draw(key, vae, x)
    if has_density(vae.posterior(x)):
        log_weights(experiment.fitted, key, key, params, stored, 2)
    experiment.transform.log_det(x)
    for made in (x, vae.likelihood(vae.prior.sample(key)).mean(), one.likelihood.sample(key)):
        experiment.transform.to_stored(made)
    return Outline(state, batch, x, one, {name: value for name, value in validated.items() if name != "code"})


def check_measures(experiment: Experiment) -> None:
    """Check that an experiment's own measures are finite numbers for parameters that are not trained yet.

    Raises:
        UsageError: If a measure is not a finite number, or the measures fail.
    """
    if experiment.measures is None:
        return
    key, _ = experiment.key_and_feed()
    params: Params = jax.jit(lambda key: params_to_evaluate(experiment.trainer.init(key)))(key)
    with explaining("measures of the parameters that training starts from", "they"):
        measures = dict(experiment.measures(params))
    for name, value in measures.items():
        is_number = np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf"
        if not is_number or not np.isfinite(value):
            got = f"an array of shape {np.shape(value)}" if np.ndim(value) else repr(value)
            raise UsageError(f"expected measures that are finite numbers; got {got} as '{name}'; return a float for it")


def _check_numbers(experiment: Experiment) -> None:
    budget = experiment.budget
    counts = {
        "num_steps": (budget.num_steps, 0),
        "validate_every": (budget.validate_every, 1),
        "log_every": (budget.log_every, 1),
        "num_samples": (experiment.num_samples, 1),
    }
    for name, (value, low) in counts.items():
        if not isinstance(value, Integral) or value < low:
            raise UsageError(f"expected {name} as a whole number of at least {low}; got {value!r}")
    try:
        key_of(experiment.seed)
    except OverflowError:
        raise UsageError(f"expected a seed of 64 bits; got {experiment.seed}; give a smaller one") from None


def _check_holds_numbers(params: Params) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        name = f"params{jax.tree_util.keystr(path)}"
        if not hasattr(leaf, "dtype"):
            raise ValueError(f"expected parameters that are arrays; {name} is {leaf!r}; make it one by jnp.asarray")
        if leaf.size == 0:
            raise ValueError(
                f"expected parameters that hold numbers; {name} has shape {leaf.shape}; give sizes of at least 1"
            )


def _check_alike(state: TrainState, stepped: TrainState) -> None:
    if jax.tree.structure(state) != jax.tree.structure(stepped):
        raise ValueError("expected a step that keeps the structure of its state; got another one")
    for path, before, after in changed_arrays(state, stepped):
        raise ValueError(
            f"expected a step that keeps shapes and types; state{path} was {before.dtype} "
            f"of {before.shape} and becomes {after.dtype} of {after.shape}"
        )
