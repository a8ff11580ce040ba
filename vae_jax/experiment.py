"""An experiment: everything that a run is made of, wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax

from vae_jax.data import Dataset, Transform
from vae_jax.data.feed import Feed, check_batch_size, make_feed
from vae_jax.data.transforms import chain
from vae_jax.distributions import has_density
from vae_jax.evaluation.fitted import Fitted
from vae_jax.messages import UsageError
from vae_jax.objectives import elbo
from vae_jax.training import Budget, Trainer
from vae_jax.types import Key, Objective, Params
from vae_jax.vae import Model


class Experiment(NamedTuple):
    """What `experiment(config)` in an experiment file returns."""

    model: Model
    trainer: Trainer
    dataset: Dataset
    transform: Transform
    """From a stored example to what the model sees."""
    budget: Budget
    seed: int = 0
    augmentation: Transform | None = None
    """What is done to a stored example before that in training, and not in evaluation: a random flip, say."""
    bound: Objective = elbo
    """What is validated, keeps the best, and is reported, for one example; `objectives.autoencoder` where the
    posterior is a point mass."""
    measures: Callable[[Params], Mapping[str, float]] | None = None
    """What this experiment measures of trained parameters beyond the standard evaluation: name -> number."""
    num_samples: int = 100
    """K of the importance-sampled NLL in the report that training ends with; `vae-jax evaluate` takes more."""

    @property
    def training_transform(self) -> Transform:
        """Augmentation and transform in one."""
        return self.transform if self.augmentation is None else chain(self.augmentation, self.transform)

    def fitted(self, params: Params) -> Fitted:
        """Parameters as they are evaluated."""
        return Fitted(self.model.bind(params), self.bound, self.transform.apply, self.transform.log_det)

    def key_and_feed(self) -> tuple[Key, Feed]:
        """The key of a run, and where its batches come from: both functions of the seed."""
        run_key, data_key = jax.random.split(jax.random.key(self.seed))
        return run_key, make_feed(
            self.dataset.train.examples,
            self.training_transform.apply,
            self.budget.batch_size,
            data_key,
            is_streamed=self.dataset.is_streamed,
            num_workers=self.dataset.num_workers,
        )


def check(experiment: Experiment) -> None:
    """Trace a training step and the bound without computing anything, so that what cannot work is said at once.

    Raises:
        UsageError: With the reason: sizes that do not fit, or an estimator that a family cannot support.
    """
    budget = experiment.budget
    if budget.num_steps < 0 or min(budget.validate_every, budget.log_every) < 1:
        raise UsageError(f"expected steps of at least 0, and periods of at least 1; got {budget}")

    def step_and_bound(key: jax.Array, example: jax.Array) -> object:
        x = experiment.transform.apply(key, example)
        seen = experiment.training_transform.apply(key, example)
        batch = jax.numpy.broadcast_to(seen, (budget.batch_size, *seen.shape))
        state = experiment.trainer.init(key)
        _check_holds_numbers(state.params)
        vae = experiment.model.bind(state.params)
        has_density(vae.posterior(x))  # it says so, which evaluation will ask
        return experiment.trainer.step(state, batch), experiment.bound(key, vae, x)

    try:
        jax.random.key(experiment.seed)
    except OverflowError:
        raise UsageError(f"expected a seed of 64 bits; got {experiment.seed}; give a smaller one") from None
    examples = experiment.dataset.train.examples
    try:
        check_batch_size(budget.batch_size, len(examples))
        jax.eval_shape(step_and_bound, jax.random.key(0), jax.ShapeDtypeStruct(examples.shape[1:], examples.dtype))
    except (TypeError, ValueError) as error:
        raise UsageError(str(error).strip().partition("\n")[0]) from error
    except ArithmeticError as error:
        raise UsageError(
            f"expected an experiment that can be trained; its step fails: {error}; give other sizes"
        ) from None


def _check_holds_numbers(params: Params) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if leaf.size == 0:
            raise ValueError(
                f"expected parameters that hold numbers; params{jax.tree_util.keystr(path)} has shape {leaf.shape}; "
                "give sizes of at least 1"
            )
