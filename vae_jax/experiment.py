"""An experiment: everything that a run is made of, wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax

from vae_jax.data import Dataset, Transform
from vae_jax.data.feed import Feed, make_feed
from vae_jax.data.transforms import chain
from vae_jax.evaluation.fitted import Fitted
from vae_jax.keys import key_of
from vae_jax.objectives import elbo
from vae_jax.training import Budget, Trainer
from vae_jax.types import Key, Objective, Params
from vae_jax.vae import Model


class Experiment(NamedTuple):
    """The parts of an experiment, as `experiment(config, data)` in an experiment file returns them."""

    model: Model
    trainer: Trainer
    dataset: Dataset
    transform: Transform
    """The map from a stored example to what the model sees."""
    budget: Budget
    seed: int = 0
    augmentation: Transform | None = None
    """A change of a stored example before `transform`, in training and not in evaluation: a random flip, say."""
    bound: Objective = elbo
    """The objective of one example that is validated, selects the best checkpoint, and is reported;
    `objectives.autoencoder` where the posterior is a point mass."""
    measures: Callable[[Params], Mapping[str, float]] | None = None
    """Trained parameters -> this experiment's measures of them beyond the standard evaluation, name -> number."""
    num_samples: int = 100
    """K of the importance-sampled NLL in the report that training ends with; `vae-jax evaluate` takes more."""

    @property
    def training_transform(self) -> Transform:
        """Augmentation and transform in one."""
        return self.transform if self.augmentation is None else chain(self.augmentation, self.transform)

    def fitted(self, params: Params) -> Fitted:
        """The model with these parameters, its bound and its transform, for evaluation."""
        return Fitted(self.model.bind(params), self.bound, self.transform.apply, self.transform.log_det)

    def key_and_feed(self) -> tuple[Key, Feed]:
        """The key of a run, and the feed of its batches: both are functions of the seed."""
        run_key, data_key = jax.random.split(key_of(self.seed))
        return run_key, make_feed(
            self.dataset.train.examples,
            self.training_transform.apply,
            self.budget.batch_size,
            data_key,
            is_streamed=self.dataset.is_streamed,
            num_workers=self.dataset.num_workers,
        )
