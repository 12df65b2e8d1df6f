"""An answer as HTML: a part of a page, and a page of its own that needs nothing but itself."""

from html import escape
from pathlib import Path

from lightmannet.inference.card import WHAT_IT_IS_NOT
from lightmannet.pictures.image_bytes import data_address
from lightmannet.pictures.shown import Shown
from lightmannet.pictures.words import headline, interval_words

STYLE = """
.answer { --ink: #1b1f24; --faint: #59636e; --paper: #ffffff; --track: #e4e8ed; --bar: #7b8590; --accent: #0b62c4;
  --warning: #8a5100; --fatal: #b3261e;
  color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; padding: 1rem;
  border-radius: .5rem; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { .answer { --ink: #e8eaed; --faint: #a5adb8; --paper: #17191d; --track: #31363d;
  --bar: #77818d; --accent: #6cb0ff; --warning: #ffc069; --fatal: #ff8f86; } }
.answer h2 { font-size: 2rem; line-height: 1.2; margin: 0; color: var(--ink); }
.answer p { margin: .3rem 0; color: inherit; }
.answer .faint { color: var(--faint); }
.answer .strip { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .8rem;
  margin: 1rem 0; }
.answer figure { margin: 0; }
.answer img { width: 100%; display: block; border-radius: .3rem; }
.answer figcaption { font-size: .85rem; margin-top: .2rem; }
.answer .bars { display: grid; grid-template-columns: max-content 1fr 3.5rem; gap: .4rem .8rem; align-items: center;
  max-width: 40rem; margin: 1rem 0; }
.answer .track { background: var(--track); border-radius: .2rem; }
.answer .bar { background: var(--bar); height: 1.3rem; border-radius: .2rem; }
.answer .named { font-weight: bold; }
.answer .bar.named { background: var(--accent); }
.answer .doubts { padding: 0; margin: 1rem 0; list-style: none; }
.answer .doubts li { border-left: .25rem solid var(--faint); padding-left: .7rem; margin: .4rem 0; }
.answer .doubts .warning { border-color: var(--warning); }
.answer .doubts .fatal { border-color: var(--fatal); }
.answer .doubts .info { color: var(--faint); }
.answer .doubts b { color: var(--warning); } .answer .doubts .fatal b { color: var(--fatal); }
.answer .not { font-size: .85rem; color: var(--faint); margin-top: 1rem; }
"""
_MARKS = {"info": "", "warning": "<b>Warning:</b> ", "fatal": "<b>No answer:</b> "}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ margin: 0 auto; max-width: 76rem; background: #ffffff; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #17191d; }} }}
{style}</style>
</head>
<body>
<main>{answer}</main>
</body>
</html>
"""


def answer_page(shown: Shown) -> str:
    """Return a page of its own, light or dark as the reader's system, that loads nothing from anywhere.

    Args:
        shown: The answer and its panels.
    """
    title = f"{Path(shown.answer.clip).name}: {headline(shown.answer)}"
    return _PAGE.format(title=escape(title), style=STYLE, answer=answer_html(shown))


def answer_html(shown: Shown, more: str = "") -> str:
    """Return the answer as one element of the class ``answer``, which ``STYLE`` dresses.

    Args:
        shown: The answer and its panels.
        more: HTML to put below the bars.
    """
    answer = shown.answer
    figures = "".join(
        f'<figure><img src="{data_address(panel.pixels)}" alt="{escape(panel.caption)}">'
        f"<figcaption>{escape(panel.caption)}</figcaption></figure>"
        for panel in shown.panels
    )
    doubts = "".join(
        f'<li class="{warning.severity}" data-code="{escape(warning.code)}">{_MARKS[warning.severity]}'
        f"{escape(warning.message)}</li>"
        for warning in answer.warnings
    )
    reason = f"<p>{escape(answer.reason)}</p>" if answer.reason else ""
    return (
        f'<section class="answer" aria-label="answer"><h2>{escape(headline(answer))}</h2>{reason}'
        f'<p class="faint">{escape(Path(answer.clip).name)}. '
        f"{escape(interval_words(answer.interval, shown.fps))}</p>"
        f'<div class="strip">{figures}</div><div class="bars">{_bars(shown)}</div>{more}'
        f'<ul class="doubts">{doubts}</ul><p class="not">{escape(WHAT_IT_IS_NOT)}</p></section>'
    )


def _bars(shown: Shown) -> str:
    answer = shown.answer
    rows = []
    for name, probability in zip(answer.classes, answer.probabilities, strict=False):
        named = " named" if name == answer.decision else ""
        rows.append(
            f'<span class="name{named}">{escape(name)}</span>'
            f'<div class="track"><div class="bar{named}" style="width: {probability:.1%}"></div></div>'
            f'<span class="number{named}">{probability:.0%}</span>'
        )
    return "".join(rows)
