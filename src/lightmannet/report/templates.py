"""Jinja templates of this folder: HTML with everything escaped, and LaTeX."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "…": r"\ldots{}",
    "×": r"$\times$",
    "λ": r"$\lambda$",
    "α": r"$\alpha$",
    "θ": r"$\theta$",
    "Δ": r"$\Delta$",
    "²": "$^2$",
    "†": r"$\dagger$",
}


def render_html(name: str, values: Mapping[str, Any]) -> str:
    """Return an HTML template filled with these values, escaped by default."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(values)


def render_latex(name: str, values: Mapping[str, Any]) -> str:
    """Return a LaTeX template filled with these values; it writes ``<< value >>`` and ``<% statement %>``.

    The filter ``tex`` escapes text.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["tex"] = escape_latex
    return environment.get_template(name).render(values)


def escape_latex(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    parts = ["".join(_SPECIAL.get(sign, sign) for sign in part) for part in text.split("D^aux")]
    return r"$D^{\mathrm{aux}}$".join(parts)
