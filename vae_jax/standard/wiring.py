"""The wiring that most experiments share: from a model and an objective to an `Experiment`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import optax
from jaxtyping import Scalar

from vae_jax.data import Dataset, Transform, few_labels
from vae_jax.experiment import Experiment
from vae_jax.networks import mlp
from vae_jax.objectives import elbo, semi_supervised
from vae_jax.standard.config import Clipped, FewLabels, Training, TwoPlayers
from vae_jax.training import Budget, adversarial_trainer, budget_of_epochs, trainer
from vae_jax.training.adversarial import PlayerObjective
from vae_jax.types import BatchObjective, Objective, Params, StatefulObjective
from vae_jax.vae import Model


def experiment(
    config: Training,
    data: Dataset,
    model: Model,
    objective: BatchObjective | StatefulObjective,
    transform: Transform,
    *,
    optimizer: optax.GradientTransformation | None = None,
    augmentation: Transform | None = None,
    bound: Objective = elbo,
    measures: Callable[[Params], Mapping[str, float]] | None = None,
    average_decay: float | Scalar | None = None,
    skip_above: float | Scalar | None = None,
) -> Experiment:
    """Wire the standard run: Adam on an objective, for a config's number of epochs, from its seed.

    Args:
        config: The seed, and the numbers of the optimizer and of the budget.
        data: The data set.
        model: The model.
        objective: The objective of a batch that is maximised, such as `over_batch(elbo)`.
        transform: The map from a stored example to what the model sees.
        optimizer: The optimizer; None for `adam(config)`.
        augmentation: A change of a stored example in training alone, such as a random flip.
        bound: The objective of one example that is validated and reported.
        measures: The experiment's own measures of trained parameters.
        average_decay: As for `training.trainer`, like the next.
        skip_above: The norm of the gradient above which a step is skipped.

    Example:
        >>> import vae_jax as vj
        >>> config, data = vj.standard.Vae(), vj.data.load("mnist_5k")
        >>> model = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
        >>> binarise = vj.data.binarise_dynamically(data.max_value)
        >>> experiment(config, data, model, vj.objectives.over_batch(vj.objectives.elbo), binarise).budget.num_steps
        1600
    """
    return Experiment(
        model=model,
        trainer=trainer(
            model,
            objective,
            adam(config) if optimizer is None else optimizer,
            average_decay=average_decay,
            skip_above=skip_above,
        ),
        dataset=data,
        transform=transform,
        budget=budget(config, data),
        seed=config.seed,
        augmentation=augmentation,
        bound=bound,
        measures=measures,
    )


def adversarial(
    config: TwoPlayers,
    data: Dataset,
    model: Model,
    objective: PlayerObjective,
    opponent: PlayerObjective,
    transform: Transform,
    *,
    bound: Objective = elbo,
) -> Experiment:
    """Wire a run of two players: a model, and a discriminator of its codes, each with an Adam of its own.

    Args:
        config: As for `experiment`, and the discriminator's sizes and learning rate.
        data: The data set.
        model: The model.
        objective: The model's objective, such as `partial(factor_vae, gamma=10.0)`.
        opponent: The discriminator's objective, such as `factor_vae_discriminator`.
        transform: The map from a stored example to what the model sees.
        bound: The objective of one example that is validated and reported.
    """
    players = adversarial_trainer(
        model,
        objective,
        adam(config),
        discriminator=mlp((config.latent_size,), (), config.discriminator_sizes, "leaky_relu"),
        discriminator_objective=opponent,
        discriminator_optimizer=optax.adam(config.discriminator_learning_rate, b1=0.5),
    )
    return Experiment(model, players, data, transform, budget(config, data), config.seed, bound=bound)


def with_few_labels(config: FewLabels, data: Dataset, transform: Transform) -> StatefulObjective:
    """The objective `semi_supervised` with the labels of a config: their number, seed and weight."""
    return semi_supervised(
        lambda: few_labels(data, config.num_labels, config.seed),
        transform.apply,
        alpha=config.alpha,
        share=config.num_labels / len(data.train.examples),
    )


def adam(config: Training) -> optax.GradientTransformation:
    """Adam at a config's learning rate, on gradients that are cut to `max_gradient_norm` if the config is `Clipped`."""
    descent = optax.adam(config.learning_rate)
    if isinstance(config, Clipped):
        return optax.chain(optax.clip_by_global_norm(config.max_gradient_norm), descent)
    return descent


def adam_along_cosine(config: Training, data: Dataset) -> optax.GradientTransformation:
    """Adam whose learning rate falls from a config's to zero, along a cosine that is as long as the budget."""
    decay = optax.cosine_decay_schedule(1.0, max(1, budget(config, data).num_steps))
    return optax.adam(lambda step: config.learning_rate * decay(step))


def budget(config: Training, data: Dataset) -> Budget:
    """The budget of a config's epochs and batch size."""
    return budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size)
