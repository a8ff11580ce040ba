"""Training: a pure step, and the loop that runs it."""

from vae_jax.training.adversarial import adversarial_trainer
from vae_jax.training.budget import Budget, budget_of_epochs
from vae_jax.training.state import TrainState, params_to_evaluate
from vae_jax.training.trainer import Trainer, trainer

__all__ = [
    "Budget",
    "TrainState",
    "Trainer",
    "adversarial_trainer",
    "budget_of_epochs",
    "params_to_evaluate",
    "trainer",
]
