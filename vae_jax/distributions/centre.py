"""The one value that stands for a distribution where something is decoded."""

from __future__ import annotations

from typing import Any

from vae_jax.types import Distribution


def centre(distribution: Distribution) -> Any:
    """The value that stands for a distribution: its mean, or on a sphere, within which the mean lies, its direction.

    A family whose mean is not one of its values has a method `centre`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import VonMisesFisher
        >>> q = VonMisesFisher(jnp.array([1.0, 0.0, 0.0]), 2.0)
        >>> round(float(q.mean()[0]), 4), float(centre(q)[0])
        (0.5373, 1.0)
    """
    return getattr(distribution, "centre", distribution.mean)()


def is_on_sphere(distribution: Distribution) -> bool:
    """Whether values are unit vectors (the path between two is an arc), as a family states by `is_on_sphere = True`."""
    return getattr(distribution, "is_on_sphere", False)
