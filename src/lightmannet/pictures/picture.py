"""An answer as one PNG picture: filmstrip, motion, evidence, a bar per class, decision and warnings."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from lightmannet.inference.card import WHAT_IT_IS_NOT
from lightmannet.pictures.captions import bars, headline, interval_caption, model_caption
from lightmannet.pictures.explanation import Explanation
from lightmannet.pictures.image_bytes import data_address
from lightmannet.pictures.svg import ACCENT, BAR, DOUBT, FAINT, INK, TRACK, drawing, rectangle, shortened, text, to_png

_SIDE, _GAP, _MARGIN = 224, 14, 28  # of panels; between them; around all
_WIDTH = 5 * _SIDE + 4 * _GAP + 2 * _MARGIN
_BAR_LEFT, _BAR_WIDTH, _BAR_STEP = 150, 300, 34
_RIGHT = _MARGIN + 2 * (_SIDE + _GAP) + 60  # where the remarks start


def picture(explanation: Explanation) -> bytes:
    """Return the picture of an answer, a PNG 1232 pixels wide.

    Args:
        explanation: The answer and its panels.
    """
    return to_png(picture_svg(explanation))


def picture_svg(explanation: Explanation) -> str:
    """Return the picture as self-contained SVG.

    Args:
        explanation: The answer and its panels.
    """
    answer = explanation.answer
    y = _MARGIN + 34
    parts = [
        text(_MARGIN, y, headline(answer), 36, INK, bold=True),
        text(_WIDTH - _MARGIN, y, shortened(Path(answer.clip).name), 18, FAINT, anchor="end"),
    ]
    for line in textwrap.wrap(answer.reason, 135):
        y += 26
        parts.append(text(_MARGIN, y, line, 18, INK))
    for warning in answer.warnings:
        if warning.severity == "warning":
            for number, line in enumerate(textwrap.wrap(warning.message, 132)):
                y += 26
                parts.append(text(_MARGIN, y, "▲", 16, DOUBT["warning"]) if number == 0 else "")
                parts.append(text(_MARGIN + 24, y, line, 18, INK))
    y += 30
    parts.append(text(_MARGIN, y, interval_caption(answer.interval, explanation.fps), 18, FAINT))
    for line in textwrap.wrap(model_caption(answer), 140):
        y += 24
        parts.append(text(_MARGIN, y, line, 18, FAINT))
    y += 18
    for number, panel in enumerate(explanation.panels):
        x = _MARGIN + number * (_SIDE + _GAP)
        address = data_address(panel.pixels)
        parts.append(f'<image x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" href="{address}"/>')
        parts.append(text(x, y + _SIDE + 22, panel.caption, 16, INK))
    y += _SIDE + 58
    left, right = [*_bars(explanation, y)], [*_remarks(explanation, y)]
    parts += [part for part, _ in left + right]
    y = max([bottom for _, bottom in left + right], default=y) + 16
    for line in textwrap.wrap(WHAT_IT_IS_NOT, 175):
        y += 20
        parts.append(text(_MARGIN, y, line, 14, FAINT))
    height = y + _MARGIN
    return drawing(_WIDTH, height, parts)


def _bars(explanation: Explanation, y: int) -> Iterator[tuple[str, int]]:
    """Yield each class's name, bar and probability, with the y coordinate below it."""
    x = _MARGIN + _BAR_LEFT
    for bar in bars(explanation.answer):
        drawn = (
            text(_MARGIN, y + 18, shortened(bar.name, 16), 18, INK, bold=bar.named)
            + rectangle(x, y, _BAR_WIDTH, 24, TRACK)
            + rectangle(x, y, _BAR_WIDTH * bar.share, 24, ACCENT if bar.named else BAR)
            + text(x + _BAR_WIDTH + 12, y + 18, f"{bar.percent}%", 18, INK, bold=bar.named)
        )
        y += _BAR_STEP
        yield drawn, y


def _remarks(explanation: Explanation, y: int) -> Iterator[tuple[str, int]]:
    """Yield the lines of remarks of severity info, with the y coordinate below each."""
    for remark in explanation.answer.warnings:
        if remark.severity != "info":
            continue
        for number, line in enumerate(textwrap.wrap(remark.message, 72)):
            mark = text(_RIGHT, y + 16, "•", 16, DOUBT["info"])
            yield (mark if number == 0 else "") + text(_RIGHT + 22, y + 16, line, 16, FAINT), y + 22
            y += 22
        y += 6
