"""Budgets counted in epochs."""

import pytest

from vae_jax.training import budget_of_epochs


def test_epochs_are_whole_batches():
    budget = budget_of_epochs(3, num_examples=25, batch_size=10)
    assert (budget.batch_size, budget.num_steps, budget.log_every, budget.validate_every) == (10, 6, 2, 2)


@pytest.mark.parametrize(("num_epochs", "num_validations"), [(1, 20), (20, 20), (21, 20), (100, 20), (7, 2)])
def test_validations_are_whole_epochs_apart_and_not_more_than_asked_for(num_epochs, num_validations):
    budget = budget_of_epochs(num_epochs, num_examples=100, batch_size=10, num_validations=num_validations)
    assert budget.validate_every % 10 == 0
    num_periods = -(-budget.num_steps // budget.validate_every)
    assert num_validations / 2 <= num_periods <= num_validations or num_periods == num_epochs


def test_a_long_epoch_logs_within_it():
    assert budget_of_epochs(1, num_examples=60_000, batch_size=100).log_every == 100


def test_no_epochs_are_no_steps():
    budget = budget_of_epochs(0, num_examples=100, batch_size=10)
    assert budget.num_steps == 0
    assert min(budget.validate_every, budget.log_every) >= 1


def test_patience_is_handed_on():
    assert budget_of_epochs(1, num_examples=10, batch_size=5, patience=3).patience == 3


@pytest.mark.parametrize("batch_size", [0, 101])
def test_a_batch_size_that_cannot_be_is_refused(batch_size):
    message = f"expected a batch size between 1 and the 100 training examples; got {batch_size}"
    with pytest.raises(ValueError, match=message):
        budget_of_epochs(1, num_examples=100, batch_size=batch_size)


def test_a_negative_number_of_epochs_is_refused():
    with pytest.raises(ValueError, match="expected a number of epochs of at least 0; got -1"):
        budget_of_epochs(-1, num_examples=100, batch_size=10)
