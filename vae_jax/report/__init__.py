"""Pictures of a model, and the page that explains a run: deterministic to the byte, from plain arrays and dicts."""

from vae_jax.report.grids import image_grid, pair_grid, save_png
from vae_jax.report.page import report_html
from vae_jax.report.picture import Picture
from vae_jax.report.pictures import pictures

__all__ = ["Picture", "image_grid", "pair_grid", "pictures", "report_html", "save_png"]
