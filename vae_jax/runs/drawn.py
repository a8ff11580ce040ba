"""New examples of a trained model as a file: a picture, rows of a table, or arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from vae_jax.data.files.rows import KINDS as ROWS
from vae_jax.data.files.rows import write_rows
from vae_jax.report import image_grid, image_of, save_png
from vae_jax.runs.chosen import conditions_of, in_class
from vae_jax.runs.codes import named, write_arrays
from vae_jax.runs.report import check_images, check_table
from vae_jax.runs.samplers import Sampler
from vae_jax.runs.trained import Trained


def write_samples(
    trained: Trained,
    num: int,
    seed: int,
    path: Path,
    *,
    label: str | None = None,
    sampler: Sampler = "prior",
    temperature: float | None = None,
) -> None:
    """`num` new examples: a PNG of images, the rows of a table in their kinds and units, or arrays as they are stored.

    Images are the means of p(x|z), as is usual; rows are draws, so that they vary as the data do. Conditions are those
    of training examples: of one class, or of class after class, equally many of each. A model with latent classes draws
    from the one that a label names by its number.

    Raises:
        UsageError: As of `Trained.sample`, or the file is of the wrong kind.
    """
    experiment, suffix = trained.experiment, path.suffix.lower()
    if suffix in ROWS:
        check_table(experiment, path)
    elif suffix != ".npz":
        check_images(experiment)
    drawn = trained.sample(num, seed=seed, label=label, sampler=sampler, temperature=temperature)
    if suffix in ROWS:
        write_rows(path, drawn)
    elif suffix == ".npz":
        write_arrays(path, named(drawn) if isinstance(drawn, Mapping) else {"x": drawn})
    else:
        images = np.asarray(jax.vmap(lambda x: experiment.dataset.brightness(image_of(x)))(drawn))
        check_images(experiment, images.shape[1:])
        bound, left = in_class(trained.vae, label)
        _, columns = conditions_of(experiment, bound, num, left)
        save_png(path, image_grid(images, num_columns=columns))
