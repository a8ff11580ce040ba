"""Preparing a data set by TFDS's own builder, which needs TensorFlow."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from vae_jax.data.prepared.names import CAN_BE_PREPARED
from vae_jax.data.prepared.sets import find_prepared
from vae_jax.messages import did_you_mean


def prepare_with_tensorflow(
    name: str, *, data_dir: Path, from_dir: Path | None, overwrite: bool, say: Callable[[str], None]
) -> Path:
    """Prepare a data set by TFDS's own builder, as array_record.

    Args:
        name: Name in TFDS.
        data_dir: Folder of prepared data sets.
        from_dir: The folder of originals that must be put there by hand; None where TFDS downloads them.
        overwrite: Make the data set anew where it is already prepared.
        say: Called with what is done.

    Raises:
        ValueError: If there is no TensorFlow, or TFDS knows no such data set.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise ValueError(
            f"expected a data set that is prepared without TensorFlow ({', '.join(CAN_BE_PREPARED)}); got '{name}'"
            f"{did_you_mean(name, CAN_BE_PREPARED)}; for TFDS's own: pip install 'vae-jax[tf]'"
        )
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=str(data_dir), file_format="array_record")
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"expected a data set that TFDS knows; got '{name}' ({reason})") from None
    say(f"TFDS prepares {name} in {data_dir}")
    modes = tfds.download.GenerateMode
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=None if from_dir is None else str(from_dir),
            download_mode=modes.REUSE_CACHE_IF_EXISTS if overwrite else modes.REUSE_DATASET_IF_EXISTS,
        )
    )
    return find_prepared(name, data_dir).path
