"""Writing examples as TFDS does, without TensorFlow: array_record files that any TFDS reads by name."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vae_jax.prepare.recipe import Example, Recipe, Source


def write(
    recipe: Recipe,
    source: Source,
    examples: Mapping[str, Iterable[Example]],
    data_dir: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write examples in TFDS's layout.

    Args:
        recipe: Recipe of the data set.
        source: Source of the examples.
        examples: Examples in order, by split. TFDS shuffles by their place in the split, as for the official sets.
        data_dir: Folder of prepared data sets.
        progress: Called with the number of examples that are written, and the number of all.

    Returns:
        The folder of the version.

    Raises:
        ValueError: If the images are not the expected ones.
    """
    digest, stdout, total = hashlib.sha256(), sys.stdout, sum(source.splits.values())
    done = 0

    def encoded(split: str) -> Iterator[tuple[int, Example]]:
        nonlocal done
        for place, example in enumerate(examples[split]):
            digest.update(example["image"].tobytes())
            yield place, {**example, "image": png(example["image"])}
            done += 1
            with contextlib.redirect_stdout(stdout):
                progress(done, total)
        if split == list(examples)[-1] and source.pixels_sha256 not in ("", digest.hexdigest()):
            raise ValueError(
                f"expected the images of {recipe.name} to have SHA-256 {source.pixels_sha256}; "
                f"got {digest.hexdigest()}; the file holds other images, or in another order"
            )

    builder = _builder(recipe, source.config, list(examples), encoded, data_dir)
    # TFDS reports on both streams what it does; the caller reports it in a line.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        builder.download_and_prepare()
    return Path(builder.data_dir)


def png(image: np.ndarray) -> bytes:
    """An image as a PNG file: TFDS would need TensorFlow to encode it."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _builder(
    recipe: Recipe,
    config: str,
    splits: list[str],
    encoded: Callable[[str], Iterator[tuple[int, Example]]],
    data_dir: Path,
) -> Any:
    """TFDS's builder of a recipe; `encoded` yields the pairs (place, example) of a split."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import registered

    class Info(tfds.core.DatasetInfo):
        def initialize_from_bucket(self) -> None:
            """Do nothing: TFDS would make a temporary folder for what it does not find, and leave it behind."""

    # An official builder of that name stays the one that is registered.
    with registered.skip_registration():

        class Builder(tfds.core.GeneratorBasedBuilder):
            name = recipe.name
            VERSION = tfds.core.Version(recipe.version)
            BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=config, description=recipe.description)] if config else []

            def _info(self) -> Any:
                return Info(
                    builder=self,
                    description=recipe.description,
                    features=tfds.features.FeaturesDict(dict(recipe.features(tfds.features))),
                    homepage=recipe.homepage,
                )

            def _split_generators(self, dl_manager: Any) -> Any:
                return {split: self._generate_examples(split) for split in splits}

            def _generate_examples(self, split: str) -> Any:
                return encoded(split)

    return Builder(data_dir=str(data_dir), file_format="array_record")
