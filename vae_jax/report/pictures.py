"""The choice of pictures that fit a model, and their drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from vae_jax import generation, latent_classes
from vae_jax.data.dataset import is_image
from vae_jax.grids import enlarge, image_grid, pair_grid, png_bytes
from vae_jax.report import captions
from vae_jax.report.encoded import Encoded, encode, in_chunks
from vae_jax.report.of_groups import of_groups
from vae_jax.report.picture import Picture
from vae_jax.report.scatter import latent_scatter
from vae_jax.report.theme import DARK, LIGHT
from vae_jax.types import Key, Params
from vae_jax.vae import Model, condition_and_x, given

NUM_DEVIATIONS = 2.5
"""Reach of a traversal to each side, in standard deviations of the codes."""
MOST_CLASSES = 20
"""The number of latent classes up to which each has a row of samples."""
ENOUGH_PIXELS = 1_000
"""The width to which small images are enlarged by a whole factor, so that a screen shows their pixels crisply."""


def pictures(
    key: Key,
    model: Model,
    params: Params,
    examples: Any,
    labels: Any = None,
    *,
    to_unit: Callable[[Any], Array] | None = None,
    num_per_side: int = 20,
    max_points: int = 2_000,
) -> dict[str, Picture]:
    """The pictures that fit a model: images for image data, a manifold for two latent dimensions, a scatter of codes.

    Args:
        key: A random key; the same key gives the same bytes.
        model: The model.
        params: Its parameters.
        examples: (num, *event), examples that were not trained on, as the model sees them; for a conditional model with
            their conditions.
        labels: (num,), their classes, or None.
        to_unit: Maps one x, as the model sees it, to the values shown: 0 is black and 1 is white. An output of shape
            (height, width) or (height, width, 1 or 3) is an image; with any other, only the scatter of codes is drawn.
            By default `image_of`, which leaves an array as it is.
        num_per_side: Tiles along each side of the manifold.
        max_points: Number of examples in the scatter, the first ones.

    Returns:
        Some of `manifold`, `samples`, `temperatures` and `groups` (for a hierarchy), `classes` (for a model with latent
        ones), `latent`, `reconstructions`, `analogies` (for a conditional model), `traversals`, `interpolations`, the
        most telling first.
    """
    to_unit = to_unit or image_of
    examples = jax.tree.map(lambda array: np.asarray(array[:max_points]), examples)
    labels = None if labels is None else np.asarray(labels[:max_points])
    encoded = encode(model, params, examples)
    conditions, x = condition_and_x(model.bind(params), examples)
    found: dict[str, Picture] = {}
    originals = np.asarray(jax.vmap(to_unit)(x))
    if is_image(originals.shape[1:]):

        def shown(params: Params, codes: Any, conditions: Any) -> Array:
            return jax.vmap(to_unit)(generation.decode(model.bind(params), codes, conditions))

        show_chunk = jax.jit(shown)
        show = lambda codes, conditions: in_chunks(lambda chunk: show_chunk(params, *chunk), (codes, conditions))
        walks = _Walks(encoded, originals, conditions, labels, show)
        found = {"samples": _samples(key, model, params, walks), **_walks(walks, num_per_side)}
        num_classes = latent_classes.num_classes(model.bind(params))
        found |= {name: _picture(*parts) for name, parts in of_groups(key, model, params, x, originals, show).items()}
        if num_classes is not None and num_classes <= MOST_CLASSES:
            found["classes"] = _classes(key, model, params, walks, num_classes)
    if encoded.is_vector and encoded.codes.shape[1] >= 2:
        found["latent"] = _scatter(encoded, labels)
    order = ["manifold", "samples", "temperatures", "groups", "classes", "latent", "reconstructions", "analogies",
             "traversals", "interpolations"]  # fmt: skip
    return {name: found[name] for name in order if name in found}


class _Walks(NamedTuple):
    """Encoded examples, and the function that turns codes into pictures."""

    encoded: Encoded
    originals: np.ndarray
    conditions: Any
    """(num, ...), one for each example; None for a VAE without conditions."""
    labels: np.ndarray | None
    show: Callable[[Any, Any], np.ndarray]
    """Decodes codes to pictures: (codes, conditions) -> pictures."""

    @property
    def is_conditional(self) -> bool:
        """Whether examples have conditions."""
        return self.conditions is not None

    def chosen(self, rows: Any, times: int = 1) -> Any:
        """The conditions of some examples, each repeated `times` times."""
        return jax.tree.map(lambda array: np.repeat(array[rows], times, axis=0), self.conditions)

    def show_near(self, example: int, codes: Any) -> np.ndarray:
        """The pictures of codes, under the condition of one example."""
        codes = _rows(codes)
        return self.show(codes, self.chosen([example], len(codes)))


# One program each: operation by operation, a report would wait for dozens.
_manifold_codes = jax.jit(generation.manifold_codes, static_argnames="num_per_side")
_traversal_codes = jax.jit(generation.traversal_codes, static_argnames=("num_values", "on_sphere"))
_interpolation_codes = jax.jit(generation.interpolation_codes, static_argnames=("num", "on_sphere"))


def _samples(key: Key, model: Model, params: Params, walks: _Walks) -> Picture:
    words = captions.SAMPLES if walks.encoded.has_kl else captions.SAMPLES_WITHOUT_PRIOR
    rows, num_columns = [0] * 8, 8
    if walks.is_conditional:
        rows, num_columns = one_of_each(walks.labels, len(walks.originals)), 10
    conditions, num = walks.chosen(rows, num_columns), len(rows) * num_columns
    draw_codes = jax.jit(
        lambda params, keys, conditions: jax.vmap(
            lambda key, condition: given(model.bind(params), condition).prior.sample(key)
        )(keys, conditions)
    )
    samples = walks.show(draw_codes(params, jax.random.split(key, num), conditions), conditions)
    words = captions.SAMPLES_GIVEN if walks.is_conditional and walks.encoded.has_kl else words
    return _picture(image_grid(samples, num_columns=num_columns), "Samples", words)


def _classes(key: Key, model: Model, params: Params, walks: _Walks, num_classes: int) -> Picture:
    """Samples of each latent class, a row for each."""
    num_columns = 10
    draw_codes = jax.jit(
        jax.vmap(
            lambda params, key, number: latent_classes.of_class(model.bind(params), number).prior.sample(key),
            in_axes=(None, 0, 0),
        )
    )
    numbers = np.repeat(np.arange(num_classes), num_columns)
    codes = draw_codes(params, jax.random.split(key, len(numbers)), numbers)
    return _picture(
        image_grid(walks.show(codes, None), num_columns=num_columns), "Samples of each class", captions.CLASSES
    )


def _walks(walks: _Walks, num_per_side: int) -> dict[str, Picture]:
    encoded, originals = walks.encoded, walks.originals
    num_pairs = min(len(originals), 28)
    first = slice(0, num_pairs)
    reconstructed = walks.show(jax.tree.map(lambda codes: codes[first], encoded.codes), walks.chosen(first))
    grid = pair_grid(originals[first], reconstructed, num_columns=14)
    found = {"reconstructions": _picture(grid, "Reconstructions", captions.RECONSTRUCTIONS)}
    if walks.is_conditional:
        found["analogies"] = _analogies(walks)
    if not encoded.is_vector:
        return found
    codes, scale = encoded.codes, encoded.codes.std(axis=0)
    under = captions.ONE_CONDITION if walks.is_conditional else ""

    rows = [int(dimension) for dimension in encoded.ranking[:10]]
    walk = _traversal_codes(
        codes[0],
        11,
        num_deviations=NUM_DEVIATIONS,
        scale=scale,
        dimensions=np.array(rows),
        on_sphere=encoded.on_sphere,
    )
    words = captions.traversals(rows, NUM_DEVIATIONS, encoded.has_kl) + under
    found["traversals"] = _picture(image_grid(walks.show_near(0, walk), num_columns=11), "One latent at a time", words)

    if not walks.is_conditional and (pairs := _pairs(len(codes), walks.labels)):
        line = partial(_interpolation_codes, num=14, on_sphere=encoded.on_sphere)
        lines = np.stack([line(codes[a], codes[b]) for a, b in pairs])
        grid = image_grid(walks.show_near(0, lines), num_columns=14)
        found["interpolations"] = _picture(grid, "Interpolations", captions.INTERPOLATIONS)

    if codes.shape[1] == 2 and not encoded.on_sphere:
        # An autoencoder's codes may lie anywhere: there the grid follows them and not a prior that it never knew.
        loc, spread = (0.0, 1.0) if encoded.has_kl else (codes.mean(axis=0), scale)
        tiles = walks.show_near(0, _manifold_codes(num_per_side, loc=loc, scale=spread))
        words = (captions.MANIFOLD if encoded.has_kl else captions.MANIFOLD_WITHOUT_PRIOR) + under
        grid = image_grid(tiles, num_columns=num_per_side, padding=0)
        found["manifold"] = _picture(grid, "The latent space, decoded", words)
    return found


def _analogies(walks: _Walks) -> Picture:
    """One code under every condition: a row for an example of each class."""
    rows = one_of_each(walks.labels, len(walks.originals))
    codes = jax.tree.map(lambda codes: np.repeat(codes[rows], len(rows), axis=0), walks.encoded.codes)
    conditions = jax.tree.map(lambda array: np.tile(array, (len(rows),) + (1,) * (array.ndim - 1)), walks.chosen(rows))
    made = walks.show(codes, conditions)
    made = made.reshape(len(rows), len(rows), *made.shape[1:])
    tiles = np.concatenate([walks.originals[rows][:, None], made], axis=1)
    grid = image_grid(tiles.reshape(-1, *tiles.shape[2:]), num_columns=len(rows) + 1)
    return _picture(grid, "One code under every condition", captions.ANALOGIES)


def one_of_each(labels: np.ndarray | None, num: int, most: int = 10) -> list[int]:
    """The first example of each of at most `most` classes; the first `most` examples if classes are not known."""
    if labels is None:
        return list(range(min(num, most)))
    return [int(row) for row in np.unique(labels, return_index=True)[1][:most]]


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
    """Pairs of examples to interpolate between, of different classes if these are known."""
    chosen = np.arange(min(num, 2 * most))
    if labels is not None:
        _, first_of_each = np.unique(labels, return_index=True)
        chosen = first_of_each[: 2 * most] if len(first_of_each) >= 2 else chosen
    return [(int(a), int(b)) for a, b in zip(chosen[::2], chosen[1::2], strict=False)]


def _rows(grid: Any) -> np.ndarray:
    grid = np.asarray(grid)
    return grid.reshape(-1, grid.shape[-1])


def image_of(x: Any) -> Any:
    """The part of an example to draw: all of it or, of several parts, `x`, `image`, or else the first image."""
    if not isinstance(x, Mapping):
        return x
    usual = [x[name] for name in ("x", "image") if name in x]
    leaves = [leaf for leaf in jax.tree.leaves((usual, x)) if is_image(leaf.shape)]
    return leaves[0] if leaves else jax.tree.leaves(x)[0]
