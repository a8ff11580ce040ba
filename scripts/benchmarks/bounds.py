"""Objectives, posteriors and priors on dynamically binarised MNIST, each for the same short budget."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.experiments import NUM_TEST_IMAGES, Plan, Row, lines_of
from benchmarks.settings import Settings
from benchmarks.tables import Table

NETWORK = {"latent_size": 50, "hidden_sizes": (200, 200), "activation": "tanh"}
ROWS = (
    Row("ELBO", "vae_mnist", {}),
    Row("IWAE, K = 5", "iwae", {"num_samples": 5}),
    Row("IWAE, K = 50", "iwae", {"num_samples": 50}),
    Row("IWAE with DReG, K = 50", "dreg", {"num_samples": 50}),
    Row("MIWAE, 5 of 10", "miwae", {"num_groups": 5, "num_samples": 10}),
    Row("PIWAE, 5 of 10", "piwae", {"num_groups": 5, "num_samples": 10}),
    Row("CIWAE, β = 0.5, K = 50", "ciwae", {"beta": 0.5, "num_samples": 50}),
    Row("Rényi, α = 0.5, K = 50", "renyi", {"alpha": 0.5, "num_samples": 50}),
    Row("ELBO, IAF posterior", "vae_iaf", NETWORK),
    Row("ELBO, VampPrior", "vae_vamp", {}),
)
PLAN = Plan("bounds", ROWS, {"num_epochs": 2, "batch_size": 20}, num_samples=5_000)


def tables(settings: Settings) -> Iterator[Table]:
    """One table."""
    num_epochs, batch_size = PLAN.budget["num_epochs"], PLAN.budget["batch_size"]
    yield Table(
        f"bounds: dynamically binarised MNIST, 784-200-200-50, {num_epochs} epochs of 50,000 images",
        list(lines_of(PLAN, settings)),
        (
            f"NLL with {PLAN.num_samples:,} importance samples on {NUM_TEST_IMAGES:,} test images, nats; "
            f"batches of {batch_size}.",
        ),
    )
