"""`vae-jax data show`: a data set in numbers, and a picture of some of its examples."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vae_jax.cli.draw import check_output
from vae_jax.data.config import DataConfig
from vae_jax.messages import UsageError

# Modules that need JAX are imported inside functions: help and usage errors do without it.


@dataclass(frozen=True)
class Show(DataConfig):
    """Show what a data set holds, as training would see it: numbers, and a picture of some examples."""

    # Given without a flag and, unlike in an experiment, without a default.
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME|PATH")] = dataclasses.field()
    """An embedded set, a prepared TFDS set ('vae-jax data list' names both), or the path of a folder of images or of
    a .npy, .npz, .csv or .parquet file."""
    out: Path | None = None
    """The PNG file. Default: NAME.png in the current folder."""
    num: int = 64
    """Number of examples in the picture."""

    def run(self) -> int:
        """Print the numbers, and write the picture."""
        check_output(self.out or Path("example.png"), self.num)
        from vae_jax.cli.data_lines import data_lines, part_lines
        from vae_jax.data import load
        from vae_jax.data.examples import is_together
        from vae_jax.data.sheet import contact_sheet
        from vae_jax.grids import save_png

        try:
            whole = load(self)
            dataset = whole.part("x") if is_together(whole.train.examples) else whole
            if self.out is not None and not dataset.holds_images:
                raise UsageError(
                    f"expected images, (height, width) or (height, width, 1 or 3), to draw; {dataset.name} has "
                    f"examples of shape {dataset.example_shape}; leave --out away"
                )
            text = data_lines(dataset)
        except ValueError as error:
            # Hints name the options of an experiment, where the data's are --data.FIELD.
            raise UsageError(str(error).replace("--data.", "--")) from None
        print("\n".join([*text, *part_lines(whole)]))
        if dataset.holds_images:
            out = self.out or Path(f"{dataset.name}.png")
            save_png(out, contact_sheet(dataset, self.num))
            print(f"\npicture: {out}")
        return 0
