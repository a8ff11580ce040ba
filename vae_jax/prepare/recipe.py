"""What it takes to make a data set from the files that its authors published."""

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
    """Empty where it cannot be downloaded."""
    size: int = 0
    """In bytes; 0 where it is not known."""
    sha256: str = ""
    """Empty where none was published; the pixels are then checked."""


class Source(NamedTuple):
    """Originals that a data set can be made from, and how."""

    originals: tuple[Original, ...]
    read: Callable[..., Mapping[str, Iterable[Example]]]
    """The paths of the originals, in their order -> examples in order, by split."""
    splits: Mapping[str, int]
    """How many examples there are to be in each split."""
    config: str = ""
    """TFDS's config, where the pixels differ from those of another source or of the official set of that name."""
    pixels_sha256: str = ""
    """Of all images in order, where no checksum of the originals was published."""


@dataclass(frozen=True)
class Recipe:
    """A data set, and the originals that it can be made from.

    Args:
        name: TFDS's name.
        version: The official version where the examples are the official ones.
        description: What it is, in one sentence.
        homepage: Where it is published.
        features: The module `tensorflow_datasets.features` -> the features, named as in the official set.
        sources: The first whose originals are at hand is taken; without any, the one that is `published`.
        package: An optional package that reads the originals; the extra of the data set's name brings it.
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
