"""Recipes: how to make a data set from the files that its authors published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Example = Mapping[str, Any]
"""A value for each feature; images are uint8, of shape (height, width) or (height, width, 3)."""


class Original(NamedTuple):
    """A file as it was published."""

    name: str
    url: str = ""
    """Empty where the file cannot be downloaded."""
    size: int = 0
    """Size in bytes; 0 where it is not known."""
    sha256: str = ""
    """Empty where no checksum was published; the pixels are then checked."""


class Source(NamedTuple):
    """Originals from which a data set can be made, and how to read them."""

    originals: tuple[Original, ...]
    read: Callable[..., Mapping[str, Iterable[Example]]]
    """Function from the paths of the originals, in their order, to the examples in order, by split."""
    splits: Mapping[str, int]
    """Number of examples that each split must have."""
    config: str = ""
    """TFDS's config, where the pixels differ from those of another source or of the official set of that name."""
    pixels_sha256: str = ""
    """SHA-256 of all images in order, where no checksum of the originals was published."""


@dataclass(frozen=True)
class Recipe:
    """A data set, and the originals from which it can be made.

    Args:
        name: Name in TFDS.
        version: The official version where the examples are the official ones.
        description: Description of the data set, in one sentence.
        homepage: URL at which it is published.
        features: The module `tensorflow_datasets.features` -> the features, named as in the official set.
        sources: Sources, of which the first whose originals are at hand is used, or else the one that is `published`.
        package: An optional package that reads the originals; the extra of the data set's name installs it.
    """

    name: str
    version: str
    description: str
    homepage: str
    features: Callable[[Any], Mapping[str, Any]]
    sources: tuple[Source, ...]
    package: str = ""

    @property
    def published(self) -> Source:
        """The first source that can be downloaded."""
        return next(source for source in self.sources if all(original.url for original in source.originals))
