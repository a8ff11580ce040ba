"""Pictures of a model, and the pages that explain a run and a sweep: the same bytes each time, from plain data."""

from vae_jax.grids import image_grid, pair_grid, save_png
from vae_jax.report.page import report_html
from vae_jax.report.picture import Picture
from vae_jax.report.pictures import image_of, one_of_each, pictures
from vae_jax.report.sweep import sweep_report_html

__all__ = [
    "Picture",
    "image_grid",
    "image_of",
    "one_of_each",
    "pair_grid",
    "pictures",
    "report_html",
    "save_png",
    "sweep_report_html",
]
