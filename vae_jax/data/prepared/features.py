"""The features of a prepared data set that hold its images and its labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vae_jax.messages import did_you_mean


def image_feature(features: Mapping[str, Any], chosen: str, name: str) -> str:
    """The feature that holds the images.

    Args:
        features: All features, as TFDS describes them.
        chosen: The user's choice, or "".
        name: Name of the data set.

    Raises:
        ValueError: If there is no such feature, or it is not clear which is meant.
    """
    return _one_of(features, chosen, name, _is_image, "images", "--data.examples")


def label_features(features: Mapping[str, Any], chosen: str, name: str) -> tuple[str, ...]:
    """The feature that holds the labels, or all classes, as the factors of an image, where none is called `label`.

    Args:
        features: All features, as TFDS describes them.
        chosen: The user's choice, several with commas between, or "".
        name: Name of the data set.

    Returns:
        Names of the features; none for data without labels.

    Raises:
        ValueError: If the choice cannot be labels, or it is not clear which feature is meant.
    """
    if chosen:
        return tuple(_one_of(features, one, name, _is_label, "labels", "--data.labels") for one in chosen.split(","))
    classes = tuple(key for key, feature in features.items() if _is_class(feature))
    if classes:
        return ("label",) if "label" in classes else classes
    if not any(_is_label(feature) for feature in features.values()):
        return ()
    return (_one_of(features, "", name, _is_label, "labels", "--data.labels"),)


def feature_at(features: Mapping[str, Any], path: str, name: str) -> Any:
    """The feature at a path such as `attributes/Smiling`, which holds numbers of one shape.

    Args:
        features: All features, as TFDS describes them.
        path: Names of the features along the path, with / between.
        name: Name of the data set.

    Raises:
        ValueError: If there is no such feature, or it holds anything else.
    """
    feature: Any = features
    for step in path.split("/"):
        known = list(feature.keys()) if hasattr(feature, "keys") else []
        if step not in known:
            raise ValueError(
                f"expected --data.parts to name a feature of {name} ({', '.join(sorted(known)) or 'none within it'}); "
                f"got '{path}'{did_you_mean(step, known)}"
            )
        feature = feature[step]
    if not _is_tensor(feature) or _kind(feature) not in "biuf":
        raise ValueError(
            f"expected numbers of one shape for --data.parts; '{path}' of {name} is a {type(feature).__name__}"
        )
    return feature


def _is_tensor(feature: Any) -> bool:
    from tensorflow_datasets import features as kinds

    return isinstance(feature, kinds.Tensor)


def _one_of(
    features: Mapping[str, Any], chosen: str, name: str, fits: Callable[[Any], bool], what: str, option: str
) -> str:
    fitting = [key for key, feature in features.items() if fits(feature)]
    if chosen in fitting:
        return chosen
    if not fitting:
        raise ValueError(f"expected a feature of {name} that holds {what}; it has {', '.join(features)}; none does")
    if chosen or len(fitting) > 1:
        got = f"got '{chosen}'" if chosen else "it is not plain which is meant"
        raise ValueError(f"expected one of the {what} of {name} ({', '.join(fitting)}); {got}; give {option}")
    return fitting[0]


def _is_image(feature: Any) -> bool:
    from tensorflow_datasets import features as kinds

    if isinstance(feature, kinds.Image):
        return _kind(feature) == "u"
    return isinstance(feature, kinds.Tensor) and _kind(feature) == "u" and _rank(feature) in (2, 3)


def _is_class(feature: Any) -> bool:
    from tensorflow_datasets import features as kinds

    return isinstance(feature, kinds.ClassLabel)


def _is_label(feature: Any) -> bool:
    from tensorflow_datasets import features as kinds

    return isinstance(feature, kinds.Tensor) and _kind(feature) in ("i", "u") and _rank(feature) == 0


def _kind(feature: Any) -> str:
    return np.dtype(feature.np_dtype).kind


def _rank(feature: Any) -> int:
    return len(feature.shape)
