"""An answer as HTML: an element, and a self-contained page."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from lightmannet.inference.card import WHAT_IT_IS_NOT
from lightmannet.pictures.captions import bars, headline, interval_caption
from lightmannet.pictures.explanation import Explanation
from lightmannet.pictures.image_bytes import data_address


def style() -> str:
    """Return the CSS of an answer."""
    return (Path(__file__).parent / "templates" / "answer.css").read_text(encoding="utf-8")


def answer_page(explanation: Explanation) -> str:
    """Return a self-contained page, light or dark like the reader's system.

    Args:
        explanation: The answer and its panels.
    """
    title = f"{Path(explanation.answer.clip).name}: {headline(explanation.answer)}"
    return _rendered("page.html", title=title, style=Markup(style()), answer=Markup(answer_html(explanation)))


def answer_html(explanation: Explanation, more: str = "") -> str:
    """Return the answer as one element of the CSS class ``answer``, see ``style``.

    Args:
        explanation: The answer and its panels.
        more: HTML to put below the bars.
    """
    answer = explanation.answer
    return _rendered(
        "answer.html",
        answer=answer,
        headline=headline(answer),
        name=Path(answer.clip).name,
        interval=interval_caption(answer.interval, explanation.fps),
        panels=[{"address": data_address(panel.pixels), "caption": panel.caption} for panel in explanation.panels],
        bars=bars(answer),
        more=Markup(more),
        what_it_is_not=WHAT_IT_IS_NOT,
    )


def _rendered(template: str, **values: object) -> str:
    return _templates().get_template(template).render(values)


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader("lightmannet.pictures"), autoescape=True)
