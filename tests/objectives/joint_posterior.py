"""A posterior that is asked for the three distributions at once, as that of a hierarchy is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vae_jax.pytree import register_dataclass
from vae_jax.vae import Draw


@register_dataclass
@dataclass(frozen=True)
class Joint:
    """Draws as the model of three distributions would that it is made of."""

    alone: Any
    likelihood: Callable[[Any], Any] = field(metadata={"static": True})

    has_density = True

    @property
    def is_reparametrised(self):
        return self.alone.is_reparametrised

    def sample(self, key):
        return self.alone.sample(key)

    def log_prob(self, z):
        return self.alone.log_prob(z)

    def sample_and_log_prob(self, key):
        return self.alone.sample_and_log_prob(key)

    def mean(self):
        return self.alone.mean()

    def draw(self, key, vae):
        return self.draw_at(self.sample(key), vae)

    def draw_at(self, z, vae):
        return Draw(z, self.log_prob(z), self.alone, vae.prior, self.likelihood(z))
