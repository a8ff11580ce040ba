"""Data that need no download: real data that the package carries, and shapes that are drawn.

`embedded_files/README.md` tells where the files come from, and their licences.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vae_jax.data.columns import Column
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.values import UnknownMaximum
from vae_jax.extras import told_if_missing


def digits() -> Dataset:
    """1,797 handwritten digits of 8x8 pixels with 17 grey levels.

    Source: Alpaydin & Kaynak 1998, UCI Machine Learning Repository, "Optical Recognition of Handwritten Digits".
    """
    images, labels = _carried("digits")
    return Dataset(
        name="digits",
        description="1,797 handwritten digits of 8x8 pixels (UCI); of every ten of a class, the ninth is for "
        "validation and the tenth for testing",
        splits=_split_by_tens(images, labels),
        max_value=16,
    )


def mnist_5k() -> Dataset:
    """5,000 digits of MNIST's training set, 28x28 pixels with 256 grey levels, 500 of each class.

    Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
    """
    images, labels = _carried("mnist_5k")
    return Dataset(
        name="mnist_5k",
        description="5,000 training digits of MNIST, 500 a class; of every ten of a class, the ninth is for "
        "validation and the tenth for testing",
        splits=_split_by_tens(images, labels),
        max_value=255,
    )


@told_if_missing()
def lfw_faces() -> Dataset:
    """100 faces of 25x25 pixels with 256 grey levels, from scikit-image: the half of its `lfw_subset` that is faces.

    They are not carried, since no licence allows to pass them on.

    Source: Huang, Ramesh, Berg & Learned-Miller 2007, "Labeled Faces in the Wild", technical report 07-49, University
    of Massachusetts, Amherst.
    """
    from skimage.data import lfw_subset

    faces = np.rint(255 * lfw_subset()[:100]).astype(np.uint8)
    return Dataset(
        name="lfw_faces",
        description="100 faces of 25x25 pixels of Labeled Faces in the Wild (carried by scikit-image); of every ten, "
        "the ninth is for validation and the tenth for testing",
        splits=_split_by_tens(faces),
        max_value=255,
    )


def breast_cancer() -> Dataset:
    """A table: 30 measures of the cell nuclei in each of 569 images of breast tissue.

    The columns are of very different sizes, from 0.001 to 4254, and are kept as they are.

    Source: Street, Wolberg & Mangasarian 1993, UCI Machine Learning Repository, "Breast Cancer Wisconsin
    (Diagnostic)".
    """
    measures = (
        *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points"),
        *("symmetry", "fractal dimension"),
    )
    means, errors, worst = (
        tuple(form.format(measure) for measure in measures) for form in ("mean {}", "{} error", "worst {}")
    )
    rows, labels = _carried("breast_cancer")
    return Dataset(
        name="breast_cancer",
        description="30 measures of the cell nuclei in 569 images of breast tissue (Wisconsin, UCI); of every ten of "
        "a class, the ninth is for validation and the tenth for testing",
        splits=_split_by_tens(rows, labels),
        max_value=_unknown("breast_cancer", rows),
        columns=tuple(map(Column, means + errors + worst)),
        label_names=("malignant", "benign"),
    )


def auto_mpg() -> Dataset:
    """A table of columns of different kinds: 392 cars of the years 1970 to 1982.

    Cylinders, year and origin are categories; horsepower is a count; the others are real numbers. The origin, by which
    the rows are split, is the label as well.

    Source: Quinlan 1993, UCI Machine Learning Repository, "Auto MPG".
    """
    rows, labels = _carried("auto_mpg")
    origins = ("USA", "Europe", "Japan")
    return Dataset(
        name="auto_mpg",
        description="392 cars in 8 columns: cylinders, year and origin are categories (UCI); of every ten of a class, "
        "the ninth is for validation and the tenth for testing",
        splits=_split_by_tens(rows, labels),
        max_value=_unknown("auto_mpg", rows),
        columns=(
            Column("mpg"),
            Column("cylinders", "category", (3, 4, 5, 6, 8)),
            Column("displacement"),
            Column("horsepower", "count"),
            Column("weight"),
            Column("acceleration"),
            Column("year", "category", tuple(range(1970, 1983))),
            Column("origin", "category", origins),
        ),
        label_names=origins,
    )


def shapes() -> Dataset:
    """737,280 grey images of 64x64 pixels: 3 shapes x 6 scales x 40 orientations x 32 x 32 places.

    The factors are those of dSprites, with as many values of each; the edges are smooth.
    """
    from vae_jax.data.drawn.design import Design
    from vae_jax.data.drawn.shapes import full_factorial

    return full_factorial("shapes", Design())


def colour_shapes() -> Dataset:
    """5,898,240 RGB images of 64x64 pixels: 8 colours on 8 grounds, of 3 shapes x 6 scales x 20 angles x 16 x 16."""
    from vae_jax.data.drawn.design import Design
    from vae_jax.data.drawn.shapes import full_factorial

    design = Design(num_colours=8, num_backgrounds=8, num_orientations=20, num_x=16, num_y=16)
    return full_factorial("colour_shapes", design)


EMBEDDED = {
    "auto_mpg": auto_mpg,
    "breast_cancer": breast_cancer,
    "colour_shapes": colour_shapes,
    "digits": digits,
    "lfw_faces": lfw_faces,
    "mnist_5k": mnist_5k,
    "shapes": shapes,
}


def _unknown(name: str, rows: np.ndarray) -> UnknownMaximum:
    """The largest value of measurements, none of which is that of white."""
    low, high = float(rows.min()), float(rows.max())
    return UnknownMaximum(f"{name} holds measurements from {low:g} to {high:g}", low, high)


def _carried(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(Path(__file__).parent / "embedded_files" / f"{name}.npz") as file:
        return file["examples"], file["labels"].astype(np.int32)


def _split_by_tens(examples: np.ndarray, labels: np.ndarray | None = None) -> dict[str, Split]:
    """The splits of an embedded set: its own, which never change, so that numbers of different years compare.

    They are counted within each class, so an order by class, or one in which classes take turns, does no harm.
    """
    classes = np.zeros(len(examples), int) if labels is None else labels
    place = np.empty(len(classes), int)
    for label in np.unique(classes):
        members = classes == label
        place[members] = np.arange(members.sum()) % 10
    chosen = {"train": place < 8, "validation": place == 8, "test": place == 9}
    return {name: Split(examples, labels).part(np.flatnonzero(members)) for name, members in chosen.items()}
