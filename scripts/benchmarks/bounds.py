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
SHORT = Plan("bounds", ROWS, {"num_epochs": 2, "batch_size": 20}, num_samples=5_000)
# Flow and pseudo-inputs are more to learn than two epochs are enough for.
LONGER = Plan(
    "bounds_longer",
    [row for row in ROWS if row.title in ("ELBO", "ELBO, IAF posterior", "ELBO, VampPrior")],
    {"num_epochs": 10, "batch_size": 100},
    num_samples=5_000,
)


def tables(settings: Settings) -> Iterator[Table]:
    """All rows for a short budget, and some of them for a longer one."""
    for plan in (SHORT, LONGER):
        num_epochs, batch_size = plan.budget["num_epochs"], plan.budget["batch_size"]
        note = (
            f"NLL with {plan.num_samples:,} importance samples on {NUM_TEST_IMAGES:,} test images, nats; "
            f"batches of {batch_size}."
        )
        title = f"bounds: dynamically binarised MNIST, 784-200-200-50, {num_epochs} epochs of 50,000 images"
        yield Table(title, list(lines_of(plan, settings)), (note,))
