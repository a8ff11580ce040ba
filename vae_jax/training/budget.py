"""The number of steps of a run, and its intervals between logs and validations."""

from __future__ import annotations

from typing import NamedTuple

from vae_jax.data.feed import check_batch_size


class Budget(NamedTuple):
    """The steps of a run. Everything is counted in steps, so that a resumed run does the same at the same places."""

    batch_size: int
    num_steps: int
    """Number of training steps; 0 for a model that `init` solves."""
    validate_every: int
    """Steps from one validation, and one checkpoint, to the next. The last step is always validated."""
    log_every: int
    """Steps from one line of training metrics to the next."""
    patience: int | None = None
    """Stop early after this many validations in a row without a new best; None to train all steps."""
    max_skipped: int = 50
    """Give up after this many steps in a row whose value or gradient was not finite, or the gradient too long."""


def budget_of_epochs(
    num_epochs: int, num_examples: int, batch_size: int, *, patience: int | None = None, num_validations: int = 20
) -> Budget:
    """A budget counted in passes through the data.

    Args:
        num_epochs: Passes through the data, ≥ 0.
        num_examples: Number of examples in the training split.
        batch_size: Examples a step. What is left over at the end of an epoch is not seen in it.
        patience: As in `Budget`.
        num_validations: Largest number of validations, each with a save, whole epochs apart.

    Raises:
        ValueError: If the batch size is not between 1 and the number of examples, or the number of epochs negative.

    Example:
        >>> budget_of_epochs(10, num_examples=1_000, batch_size=100, num_validations=5)
        Budget(batch_size=100, num_steps=100, validate_every=20, log_every=10, patience=None, max_skipped=50)
    """
    check_batch_size(batch_size, num_examples)
    if num_epochs < 0:
        raise ValueError(f"expected a number of epochs of at least 0; got {num_epochs}")
    epoch = num_examples // batch_size
    epochs_apart = max(1, -(-num_epochs // num_validations))
    return Budget(batch_size, num_epochs * epoch, epochs_apart * epoch, min(epoch, 100), patience)
