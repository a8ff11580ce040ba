"""The page that explains a sweep: its lanes side by side, from plain records, the same bytes for the same input."""

from vae_jax.report.sweep.page import sweep_report_html

__all__ = ["sweep_report_html"]
