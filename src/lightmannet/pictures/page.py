"""An answer as HTML: a part of a page, and a page of its own that loads nothing."""

from functools import cache
from pathlib import Path
from typing import Any

from lightmannet.pictures.captions import captions
from lightmannet.pictures.explanation import Explanation
from lightmannet.pictures.image_bytes import data_address

_HERE = Path(__file__).parent


def answer_page(explanation: Explanation) -> str:
    """Return a page of its own, light or dark as the reader's system, that loads nothing from anywhere.

    Args:
        explanation: The answer and its panels.
    """
    return _render("page.html", explanation, style=answer_style())


def answer_html(explanation: Explanation, gain: str = "", png: str = "") -> str:
    """Return the answer as one element of the class ``answer``, which ``answer_style`` dresses.

    Args:
        explanation: The answer and its panels.
        gain: What adapting to a person brought, to be said below the bars.
        png: A ``data:`` address of the answer's picture, to be saved.
    """
    return _render("answer.html", explanation, gain=gain, png=png)


def refusal_html(message: str) -> str:
    """Return an alert of the class ``answer`` that says why there is no answer."""
    return str(_templates().get_template("refusal.html").render(message=message))


def answer_style() -> str:
    """Return the style sheet of the class ``answer``."""
    return (_HERE / "answer.css").read_text(encoding="utf-8")


def _render(name: str, explanation: Explanation, **more: str) -> str:
    panels = [(data_address(panel.pixels), panel.caption) for panel in explanation.panels]
    written = captions(explanation.answer, explanation.fps)
    return str(_templates().get_template(name).render({"gain": "", "png": ""}, answer=written, panels=panels, **more))


@cache
def _templates() -> Any:
    # Only what draws answers needs it.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
