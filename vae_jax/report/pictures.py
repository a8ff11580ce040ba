"""Which pictures a model gets, and the drawing of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from vae_jax import generation
from vae_jax.report import captions
from vae_jax.report.encoded import Encoded, encode, in_chunks
from vae_jax.report.grids import enlarge, image_grid, pair_grid, png_bytes
from vae_jax.report.picture import Picture
from vae_jax.report.scatter import latent_scatter
from vae_jax.report.theme import DARK, LIGHT
from vae_jax.types import Key, Params
from vae_jax.vae import Model

NUM_DEVIATIONS = 2.5
"""How far a traversal goes to each side, in standard deviations of the codes."""
ENOUGH_PIXELS = 1_000
"""The width to which small images are enlarged by a whole factor, so that a screen shows their pixels crisply."""


def pictures(
    key: Key,
    model: Model,
    params: Params,
    examples: Any,
    labels: Any = None,
    *,
    to_unit: Callable[[Array], Array] = lambda x: x,
    num_per_side: int = 20,
    max_points: int = 2_000,
) -> dict[str, Picture]:
    """The pictures that fit a model: images for image data, a manifold for two latent dimensions, a scatter of codes.

    Args:
        key: A random key; the same key gives the same bytes.
        model: The model.
        params: Its parameters.
        examples: (num, *event), examples that were not trained on, as the model sees them. An event of shape
            (height, width) or (height, width, 1 or 3) is an image; any other gets the scatter of codes only.
        labels: (num,), their classes, or None.
        to_unit: From one example as the model sees it to what is shown: 0 is black and 1 is white.
        num_per_side: Tiles along each side of the manifold.
        max_points: Examples in the scatter, the first ones.

    Returns:
        Some of `manifold`, `samples`, `latent`, `reconstructions`, `traversals`, `interpolations`, the most telling
        first.
    """
    examples = np.asarray(examples[:max_points])
    labels = None if labels is None else np.asarray(labels[:max_points])
    encoded = encode(model, params, examples)
    found: dict[str, Picture] = {}
    if _is_image(examples.shape[1:]):
        show_all = jax.vmap(to_unit)
        decode_chunk = jax.jit(lambda params, codes: show_all(generation.decode(model.bind(params), codes)))

        def show(codes: Any) -> np.ndarray:
            return in_chunks(lambda chunk: decode_chunk(params, chunk), codes)

        found = _images(key, model, params, encoded, show, np.asarray(show_all(examples)), labels, num_per_side)
    if encoded.is_vector and encoded.codes.shape[1] >= 2:
        found["latent"] = _scatter(encoded, labels)
    order = ["manifold", "samples", "latent", "reconstructions", "traversals", "interpolations"]
    return {name: found[name] for name in order if name in found}


def _images(
    key: Key,
    model: Model,
    params: Params,
    encoded: Encoded,
    show: Callable[[Any], np.ndarray],
    originals: np.ndarray,
    labels: np.ndarray | None,
    num_per_side: int,
) -> dict[str, Picture]:
    draw_codes = jax.jit(lambda params, keys: jax.vmap(model.bind(params).prior.sample)(keys))
    samples = show(draw_codes(params, jax.random.split(key, 64)))
    words = captions.SAMPLES if encoded.has_kl else captions.SAMPLES_WITHOUT_PRIOR
    num_pairs = min(len(originals), 28)
    reconstructed = show(jax.tree.map(lambda codes: codes[:num_pairs], encoded.codes))
    found = {
        "samples": _picture(image_grid(samples, num_columns=8), "Samples", words),
        "reconstructions": _picture(
            pair_grid(originals[:num_pairs], reconstructed, num_columns=14), "Reconstructions", captions.RECONSTRUCTIONS
        ),
    }
    if not encoded.is_vector:
        return found
    codes, scale = encoded.codes, encoded.codes.std(axis=0)

    rows = [int(dimension) for dimension in encoded.ranking[:10]]
    walk = generation.traversal_codes(
        codes[0], 11, num_deviations=NUM_DEVIATIONS, scale=scale, dimensions=np.array(rows)
    )
    words = captions.traversals(rows, NUM_DEVIATIONS, encoded.has_kl)
    found["traversals"] = _picture(image_grid(show(_rows(walk)), num_columns=11), "One latent at a time", words)

    if pairs := _pairs(len(codes), labels):
        lines = np.stack([generation.interpolation_codes(codes[a], codes[b], 14) for a, b in pairs])
        grid = image_grid(show(_rows(lines)), num_columns=14)
        found["interpolations"] = _picture(grid, "Interpolations", captions.INTERPOLATIONS)

    if codes.shape[1] == 2:
        # An autoencoder's codes lie where they like: there the grid follows them and not a prior it never knew.
        loc, spread = (0.0, 1.0) if encoded.has_kl else (codes.mean(axis=0), scale)
        tiles = show(_rows(generation.manifold_codes(num_per_side, loc=loc, scale=spread)))
        words = captions.MANIFOLD if encoded.has_kl else captions.MANIFOLD_WITHOUT_PRIOR
        grid = image_grid(tiles, num_columns=num_per_side, padding=0)
        found["manifold"] = _picture(grid, "The latent space, decoded", words)
    return found


def _scatter(encoded: Encoded, labels: np.ndarray | None) -> Picture:
    num_latent = encoded.codes.shape[1]
    first, second = (0, 1) if num_latent == 2 else (int(dimension) for dimension in encoded.ranking[:2])
    words = captions.LATENT if labels is not None else captions.LATENT_WITHOUT_LABELS
    words += captions.PRIOR_CIRCLE if encoded.has_kl else ""
    words += captions.chosen_dimensions((first, second), num_latent) if num_latent > 2 else ""
    light, dark = (
        latent_scatter(encoded.codes, labels, dimensions=(first, second), prior_circle=encoded.has_kl, theme=theme)
        for theme in (LIGHT, DARK)
    )
    return Picture(light, "Codes of examples", words, dark)


def _picture(grid: np.ndarray, title: str, caption: str) -> Picture:
    return Picture(png_bytes(enlarge(grid, -(-ENOUGH_PIXELS // grid.shape[1]))), title, caption)


def _pairs(num: int, labels: np.ndarray | None, most: int = 5) -> list[tuple[int, int]]:
    """Which examples to walk between: of different classes if these are known."""
    chosen = np.arange(min(num, 2 * most))
    if labels is not None:
        _, first_of_each = np.unique(labels, return_index=True)
        chosen = first_of_each[: 2 * most] if len(first_of_each) >= 2 else chosen
    return [(int(a), int(b)) for a, b in zip(chosen[::2], chosen[1::2], strict=False)]


def _rows(grid: Any) -> np.ndarray:
    grid = np.asarray(grid)
    return grid.reshape(-1, grid.shape[-1])


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))
