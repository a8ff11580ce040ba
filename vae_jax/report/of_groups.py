"""Pictures of a hierarchy: samples at several temperatures, and draws whose top groups know an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from vae_jax.grids import image_grid
from vae_jax.hierarchy import TopDown, at_temperature
from vae_jax.report import captions
from vae_jax.types import Key, Keys, Params
from vae_jax.vae import VAE, Model

TEMPERATURES = (0.4, 0.6, 0.8, 1.0)
NUM_COLUMNS = 10
MOST_ROWS = 6
"""The number of rows of draws that know some of the groups."""


def of_groups(
    key: Key,
    model: Model,
    params: Params,
    x: Any,
    originals: np.ndarray,
    show: Callable[[Any, Any], np.ndarray],
) -> dict[str, tuple[np.ndarray, str, str]]:
    """The pictures of a model whose latents come in groups; none for another, or one with conditions.

    Args:
        key: A random key.
        model: The model.
        params: Its parameters.
        x: Examples as the model sees them, along the first axis.
        originals: The same examples as pictures.
        show: Decodes codes to pictures: (codes, conditions) -> pictures.

    Returns:
        Name -> grid of pictures, title, caption; `groups`, and `temperatures` where all priors are normal.
    """
    vae = model.bind(params)
    if not (isinstance(vae, VAE) and isinstance(vae.prior, TopDown)):
        return {}
    keys = jax.random.split(key, NUM_COLUMNS)
    found = {"groups": _groups(keys, model, params, x, originals, show, vae.prior.num_groups)}

    @jax.jit
    def draws(params: Params, temperature: Any) -> Any:
        return jax.vmap(at_temperature(model.bind(params), temperature).prior.sample)(keys)

    try:
        rows = [show(draws(params, temperature), None) for temperature in TEMPERATURES]
    except TypeError:  # a group whose prior is not normal has no scale
        return found
    caption = captions.TEMPERATURES.format(rows=_listed(TEMPERATURES))
    grid = image_grid(np.concatenate(rows), num_columns=NUM_COLUMNS)
    return {"temperatures": (grid, "Samples at lower temperatures", caption)} | found


def _groups(
    keys: Keys, model: Model, params: Params, x: Any, originals: np.ndarray, show: Any, num_groups: int
) -> tuple[np.ndarray, str, str]:
    num = min(NUM_COLUMNS, len(originals))
    x = jax.tree.map(lambda array: array[:num], x)

    @jax.jit
    def draws(params: Params, num_given: Any) -> Any:
        vae = model.bind(params)

        def one(key: Key, x: Any) -> Any:
            return vae.prior.complete(key, vae.posterior(x).sample(key), num_given)

        return jax.vmap(one)(keys[:num], x)

    counts = np.unique(np.linspace(0, num_groups, MOST_ROWS).round().astype(int))
    rows = [originals[:num], *(show(draws(params, count), None) for count in counts)]
    caption = captions.GROUPS.format(rows=_listed(counts))
    return image_grid(np.concatenate(rows), num_columns=num), "The groups from the top", caption


def _listed(numbers: Any) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
