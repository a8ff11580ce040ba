"""A folder of images: every header is read when the folder is opened, pixels are decoded when they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.files.pixels import Header, decode, read_header
from vae_jax.data.splits import VALIDATION_NAMES
from vae_jax.data.values import values_in
from vae_jax.messages import UsageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(VALIDATION_NAMES, "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
    "extra": "extra",
}
"""Folders that hold splits, in any case -> the name of the split."""
# A thread costs about as much as decoding a few small images.
_FEW = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


class ImageFiles:
    """Images that threads decode when rows are asked for: Pillow decodes outside of Python's lock.

    Args:
        folder: Folder of the images.
        names: Files of the images, relative to the folder.
        example_shape: (height, width) of grey images, (height, width, 3) of coloured ones.
        image_size: Height and width to which each image is cropped and resized; None keeps the images as they are.
        is_deep: Whether grey levels have 16 bits.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        example_shape: tuple[int, ...],
        image_size: int | None,
        is_deep: bool = False,
    ) -> None:
        self.folder = folder
        self.names = names
        self.shape = (len(names), *example_shape)
        self.dtype = np.dtype(np.uint16 if is_deep else np.uint8)
        self.image_size = image_size

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        chosen = np.arange(len(self))[rows].tolist()
        images = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        for place, image in enumerate(_in_threads(self._decode, chosen)):
            images[place] = image
        return images

    def _decode(self, row: int) -> np.ndarray:
        path = self.folder / self.names[row]
        is_deep = self.dtype == np.uint16
        image = decode(path, is_grey=len(self.shape) == 3, image_size=self.image_size, is_deep=is_deep)
        if image.shape != self.shape[1:] or image.dtype != self.dtype:
            raise UsageError(
                f"expected an image of shape {self.shape[1:]} in {self.dtype}, as when its folder was opened; {path} "
                f"has {image.shape} in {image.dtype} now; start again"
            )
        return image


def read_images(path: Path, config: DataConfig) -> Dataset:
    """The images of a folder.

    The images lie directly in the folder, or in a subfolder for each class. Where subfolders are called `train`, `val`,
    `test` or alike, in any case, this holds for each of them: these are the splits. Files of other endings are left
    out, and the description says how many.

    Args:
        path: The folder.
        config: Its `colour`, `image_size` and `max_value` are used.

    Returns:
        (height, width) for grey images, (height, width, 3) for coloured ones, sorted by name; the labels are the
        folders of classes in alphabetical order. Bytes; where a grey image has 16 bits, all of them are kept, and the
        largest value of the set becomes 1.

    Raises:
        ValueError: If there are no images, a file is not an image, they differ in size, or some have colour and others
            16 bits; the message names the file.
    """
    if config.image_size is not None and config.image_size < 1:
        raise ValueError(f"expected --data.image-size of at least 1; got {config.image_size}")
    folders = _split_folders(path)
    files = {split: _files_in(folder) for split, folder in folders.items()}
    found = {split: _image_names(folders[split], members) for split, members in files.items()}
    names = [str(folders[split].relative_to(path) / name) for split, members in found.items() for name in members]
    headers = list(_in_threads(lambda name: _header(path / name), names))
    height, width = (config.image_size,) * 2 if config.image_size else _common_size(path, names, headers)
    is_grey = config.colour == "grey" or (config.colour == "stored" and all(header.is_grey for header in headers))
    example_shape = (height, width) if is_grey else (height, width, 3)
    is_deep = any(header.is_deep for header in headers)
    if is_deep and not is_grey:
        deep = next(name for name, header in zip(names, headers, strict=True) if header.is_deep)
        raise ValueError(
            f"expected images of 8 bits to read in colour; {path / deep} is grey in 16 bits; give --data.colour grey"
        )

    classes = sorted({Path(name).parts[0] for members in found.values() for name in members if _has_class(name)})
    ids = {name: index for index, name in enumerate(classes)}
    splits = {}
    for split, members in found.items():
        labels = [ids[Path(name).parts[0]] for name in members] if _has_class(members[0]) else None
        images = ImageFiles(folders[split], members, example_shape, config.image_size, is_deep)
        splits[split or "train"] = Split(images, None if labels is None else np.asarray(labels, np.int32))
    max_value, assumed = 255, ""
    if is_deep or config.max_value is not None:
        images_of = {str(stored.examples.folder): stored.examples for stored in splits.values()}
        max_value, _, assumed = values = values_in(images_of, config.max_value)
        splits = {split: Split(values.keep(stored.examples), stored.labels) for split, stored in splits.items()}
    resized = ", cropped in the middle and resized" if config.image_size else ""
    beside = [] if "" in folders else [file for file in _files_in(path) if len(file.parts) == 1]
    others = [file for members in [*files.values(), beside] for file in members if not _is_image(file)]
    left_out = f"; left out: {_endings(others)}" if others else ""
    return Dataset(
        name=path.resolve().name,
        description=f"{len(names):,} {'grey' if is_grey else 'coloured'} images of {width}x{height} pixels from a "
        f"folder{resized}{left_out}",
        splits=splits,
        max_value=max_value,
        label_names=tuple(classes),
        values=assumed,
    )


def _split_folders(path: Path) -> dict[str, Path]:
    """The folders of the splits by the splits' names, or the folder itself as ""."""
    names = {folder: SPLIT_FOLDERS.get(folder.name.lower()) for folder in _folders_in(path)}
    found = [(name, folder) for folder, name in names.items() if name]
    if not found:
        return {"": path}
    of_splits = ", ".join(folder.name for _, folder in found)
    if direct := [file for file in _files_in(path) if len(file.parts) == 1 and _is_image(file)]:
        raise ValueError(
            f"expected images inside of the splits' folders of {path} ({of_splits}); {path / direct[0]} lies beside "
            "them; move it into one"
        )
    if others := [folder.name for folder, name in names.items() if not name and any(map(_is_image, _files_in(folder)))]:
        raise ValueError(
            f"expected folders of splits or of classes in {path}; got splits ({of_splits}) beside "
            f"{', '.join(others[:3])}; move the classes into the folders of splits, or give a folder another name"
        )
    splits = dict(found)
    if len(splits) < len(found):
        raise ValueError(f"expected one folder for each split in {path}; got {of_splits}; join those of a split")
    return splits


def _image_names(folder: Path, files: Sequence[Path]) -> list[str]:
    """The names of a split's images, which all lie in its folder itself, or all in folders of classes."""
    images = [file for file in files if _is_image(file)]
    direct = [file for file in images if len(file.parts) == 1]
    in_classes = [file for file in images if len(file.parts) > 1]
    if direct and in_classes:
        raise ValueError(
            f"expected images either in {folder} or in folders of it, one a class; {folder / direct[0]} lies beside "
            f"{folder / in_classes[0]}; move one of them"
        )
    if not images:
        seen = f", but {_endings(files)}" if files else ""
        raise ValueError(f"expected images ({', '.join(SUFFIXES)}) in {folder}; there are none{seen}; put some into it")
    return [str(file) for file in images]


def _files_in(folder: Path) -> list[Path]:
    """All files below a folder that are not hidden, relative to it, sorted."""
    files = (file.relative_to(folder) for file in folder.rglob("*") if not file.is_dir())
    return sorted(file for file in files if not any(map(_is_hidden, file.parts)))


def _folders_in(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not _is_hidden(child.name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _endings(files: Sequence[Path]) -> str:
    """The numbers of files of each ending, in words."""
    counts = Counter(file.suffix.lower() or "without an ending" for file in files)
    return ", ".join(f"{count:,} {ending}" for ending, count in counts.most_common())


def _header(path: Path) -> Header:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise UsageError(f"expected an image; {path} is a pipe or a device; remove it")
    return read_header(path)


def _has_class(name: str) -> bool:
    return len(Path(name).parts) > 1


def _common_size(path: Path, names: Sequence[str], headers: Sequence[Header]) -> tuple[int, int]:
    first = headers[0]
    for name, header in zip(names, headers, strict=True):
        if (header.height, header.width) != (first.height, first.width):
            raise ValueError(
                f"expected images of one size in {path}; {path / name} is {header.width}x{header.height} and "
                f"{path / names[0]} {first.width}x{first.height}; give --data.image-size "
                f"{min(first.height, first.width)}"
            )
    return first.height, first.width


def _in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    if len(items) <= _FEW:
        yield from map(function, items)
        return
    # Images are decoded a block at a time, so that few of them wait to be taken.
    block = 1_024
    with ThreadPoolExecutor() as threads:
        for start in range(0, len(items), block):
            yield from threads.map(function, items[start : start + block])
