"""Posterior collapse: latent units that die, of the objective's making or of its optimisation, and what keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.experiments import NUM_TEST_IMAGES, Plan, Row, lines_of
from benchmarks.settings import Settings
from benchmarks.tables import Table

ROWS = (
    Row("β = 1", "vae_warm_up", {"first_beta": 1.0}),
    Row("β = 4", "vae_warm_up", {"first_beta": 4.0, "beta": 4.0}),
    Row("β = 10", "vae_warm_up", {"first_beta": 10.0, "beta": 10.0}),
    Row("β from 0 to 1", "vae_warm_up", {}),
    Row("β from 0 to 4", "vae_warm_up", {"beta": 4.0}),
    Row("β = 1, free nats 0.1", "vae_warm_up", {"first_beta": 1.0, "first_free_nats": 0.1, "free_nats": 0.1}),
    Row("β = 1, free nats from 0.5 to 0", "vae_warm_up", {"first_beta": 1.0, "first_free_nats": 0.5}),
    Row("β = 1, two layers", "vae_mnist", {}),
)
PLAN = Plan("collapse", ROWS, {"num_epochs": 10, "batch_size": 100}, num_samples=1_000)


def tables(settings: Settings) -> Iterator[Table]:
    """One table."""
    num_epochs, batch_size = PLAN.budget["num_epochs"], PLAN.budget["batch_size"]
    yield Table(
        f"collapse: dynamically binarised MNIST, five tanh layers of 200 and 50 latent units, {num_epochs} epochs",
        list(lines_of(PLAN, settings)),
        (
            f"NLL with {PLAN.num_samples:,} importance samples on {NUM_TEST_IMAGES:,} test images, nats; −ELBO at "
            f"β = 1; 50,000 training images in batches of {batch_size}; 'from ... to' along a line in 5 epochs.",
        ),
    )
