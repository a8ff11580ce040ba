"""The rendering of a template of this folder to the text of a page."""

from __future__ import annotations

from typing import Any

import jinja2

from vae_jax.html import data_uri
from vae_jax.report import numbers
from vae_jax.report.theme import DARK, LIGHT


def render(template: str, **values: Any) -> str:
    """Render a template to a page: values are inserted as text, never as markup, and a missing value is an error.

    Args:
        template: The template's path below `vae_jax/report`.
        **values: The values that the template shows.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vae_jax", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions = {
        function.__name__: function for function in (data_uri, numbers.decimal, numbers.setting, numbers.words)
    }
    return environment.get_template(template).render(light=LIGHT, dark=DARK, string=str, **functions, **values)
