"""One picture an answer: filmstrip, motion, reasons, a bar a class, the decision and its doubts, as PNG."""

import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path

from lightmannet.inference.card import WHAT_IT_IS_NOT
from lightmannet.pictures.image_bytes import data_address
from lightmannet.pictures.shown import Shown
from lightmannet.pictures.words import headline, interval_words

_SIDE, _GAP, _MARGIN = 224, 14, 28  # of panels; between them; around all
_WIDTH = 5 * _SIDE + 4 * _GAP + 2 * _MARGIN
_BAR_LEFT, _BAR_WIDTH, _BAR_STEP = 150, 300, 34
_RIGHT = _MARGIN + 2 * (_SIDE + _GAP) + 60  # where the doubts start
_INK, _FAINT, _ACCENT, _TRACK = "#1b1f24", "#59636e", "#0b62c4", "#e4e8ed"
_COLORS = {"info": _FAINT, "warning": "#9a5b00", "fatal": "#b3261e"}


def picture(shown: Shown) -> bytes:
    """Return the picture of an answer, a PNG 1232 pixels wide.

    Args:
        shown: The answer and its panels.
    """
    # Here, as it is slow to load.
    import vl_convert

    return vl_convert.svg_to_png(picture_svg(shown), scale=1)


def picture_svg(shown: Shown) -> str:
    """Return the drawing of the picture, SVG without references to anything outside.

    Args:
        shown: The answer and its panels.
    """
    answer = shown.answer
    y = _MARGIN + 34
    parts = [
        _text(_MARGIN, y, headline(answer), 36, _INK, bold=True),
        _text(_WIDTH - _MARGIN, y, _shortened(Path(answer.clip).name), 18, _FAINT, anchor="end"),
    ]
    for line in textwrap.wrap(answer.reason, 135):
        y += 26
        parts.append(_text(_MARGIN, y, line, 18, _INK))
    y += 30
    parts.append(_text(_MARGIN, y, interval_words(answer.interval, shown.fps), 18, _FAINT))
    y += 18
    for number, panel in enumerate(shown.panels):
        x = _MARGIN + number * (_SIDE + _GAP)
        address = data_address(panel.pixels)
        parts.append(f'<image x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" href="{address}"/>')
        parts.append(_text(x, y + _SIDE + 22, panel.caption, 16, _INK))
    y += _SIDE + 58
    left, right = [*_bars(shown, y)], [*_doubts(shown, y)]
    parts += [part for part, _ in left + right]
    y = max([bottom for _, bottom in left + right], default=y) + 16
    for line in textwrap.wrap(WHAT_IT_IS_NOT, 175):
        y += 20
        parts.append(_text(_MARGIN, y, line, 14, _FAINT))
    height = y + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="Liberation Sans, Arial, sans-serif">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _bars(shown: Shown, y: int) -> Iterator[tuple[str, int]]:
    """Yield each class's name, bar and probability, with the place below it."""
    answer = shown.answer
    for name, probability in zip(answer.classes, answer.probabilities, strict=False):
        x = _MARGIN + _BAR_LEFT
        named = name == answer.decision
        color = _ACCENT if named else "#8a94a0"
        drawn = (
            _text(_MARGIN, y + 18, _shortened(name, 16), 18, _INK, bold=named)
            + f'<rect x="{x}" y="{y}" width="{_BAR_WIDTH}" height="24" rx="3" fill="{_TRACK}"/>'
            + f'<rect x="{x}" y="{y}" width="{_BAR_WIDTH * probability:.1f}" height="24" rx="3" fill="{color}"/>'
            + _text(x + _BAR_WIDTH + 12, y + 18, f"{probability:.0%}", 18, _INK, bold=named)
        )
        y += _BAR_STEP
        yield drawn, y


def _doubts(shown: Shown, y: int) -> Iterator[tuple[str, int]]:
    """Yield the lines of the warnings, with the place below each."""
    for warning in shown.answer.warnings:
        for number, line in enumerate(textwrap.wrap(warning.message, 72)):
            mark = _text(_RIGHT, y + 16, "•" if warning.severity == "info" else "▲", 16, _COLORS[warning.severity])
            ink = _FAINT if warning.severity == "info" else _INK
            yield (mark if number == 0 else "") + _text(_RIGHT + 22, y + 16, line, 16, ink), y + 22
            y += 22
        y += 6


def _text(x: int, y: int, words: str, size: int, color: str, bold: bool = False, anchor: str = "start") -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'
    )


def _shortened(words: str, most: int = 60) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
