"""Names, units and formats of the numbers of a run."""

from __future__ import annotations

from typing import NamedTuple

from vae_jax.report.numbers import decimal, words


class Quantity(NamedTuple):
    """The name, unit and format of a metric."""

    name: str
    unit: str
    digits: int | None
    """Digits after the point; None for four significant digits."""

    @property
    def title(self) -> str:
        """Name and unit, as on an axis."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def show(self, value: float | None) -> str:
        """A value without its unit; a dash for None."""
        return "—" if value is None else decimal(value, self.digits)


KNOWN = {
    "nll": Quantity("−log p(x)", "nats", 2),
    "elbo": Quantity("ELBO", "nats", 2),
    "value": Quantity("Validation bound", "nats", 2),
    "bits_per_dim": Quantity("Bits per dimension", "bits", 3),
    "kl": Quantity("KL", "nats", 2),
    "log_likelihood": Quantity("Reconstruction", "nats", 2),
    "active_units": Quantity("Active units", "", None),
    "squared_error": Quantity("Squared error", "", None),
}


def quantity_of(metric: str) -> Quantity:
    """The quantity that belongs to the name of a metric.

    Example:
        >>> quantity_of("nll").title, quantity_of("mutual_information").title
        ('−log p(x) (nats)', 'Mutual information')
    """
    return KNOWN.get(metric) or Quantity(words(metric), "", None)
