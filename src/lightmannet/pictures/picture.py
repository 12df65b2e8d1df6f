"""One picture per answer: decision and doubts, panels, a bar per class, what is known of the model, as PNG."""

import textwrap
from collections.abc import Iterator

from lightmannet.pictures.captions import captions
from lightmannet.pictures.explanation import Explanation
from lightmannet.pictures.image_bytes import data_address
from lightmannet.pictures.svg import DOUBT, FAINT, INK, Column, bar_chart, drawing, image, shortened, text, to_png

_SIDE, _GAP, _MARGIN = 224, 14, 28  # of panels; between them; around all
_WIDTH = 5 * _SIDE + 4 * _GAP + 2 * _MARGIN
_BARS = Column(left=_MARGIN, bars_at=_MARGIN + 150, length=300, height=24, step=34, size=18)
_RIGHT = _MARGIN + 2 * (_SIDE + _GAP) + 60  # where the remarks start


def picture(explanation: Explanation) -> bytes:
    """Return the picture of an answer, a PNG 1232 pixels wide.

    Args:
        explanation: The answer and its panels.
    """
    return to_png(picture_svg(explanation))


def picture_svg(explanation: Explanation) -> str:
    """Return the drawing of the picture, SVG without references to anything outside.

    Args:
        explanation: The answer and its panels.
    """
    written = captions(explanation.answer, explanation.fps)
    y = _MARGIN + 34
    parts = [
        text(_MARGIN, y, written.headline, 36, INK, bold=True),
        text(_WIDTH - _MARGIN, y, shortened(written.clip), 18, FAINT, anchor="end"),
    ]
    above = [(written.reason, INK), *((f"▲ {w.message}", DOUBT) for w in written.doubts)]
    for sentence, color in (*above, (" ".join(written.model), INK), (written.interval, FAINT)):
        for line in textwrap.wrap(sentence, 135):
            y += 26
            parts.append(text(_MARGIN, y, line, 18, color))
    y += 18
    for number, panel in enumerate(explanation.panels):
        x = _MARGIN + number * (_SIDE + _GAP)
        parts.append(image(x, y, _SIDE, data_address(panel.pixels)))
        parts.append(text(x, y + _SIDE + 22, panel.caption, 16, INK))
    y += _SIDE + 58
    parts += bar_chart(written.bars, _BARS, y)
    remarks = [*_remarks([w.message for w in written.remarks], y)]
    parts += [part for part, _ in remarks]
    y = max(y + _BARS.step * len(written.bars), *(bottom for _, bottom in remarks), y) + 16
    for line in textwrap.wrap(written.limits, 175):
        y += 20
        parts.append(text(_MARGIN, y, line, 14, FAINT))
    return drawing(_WIDTH, y + _MARGIN, parts)


def _remarks(messages: list[str], y: int) -> Iterator[tuple[str, int]]:
    """Yield the lines of the remarks, with the place below each."""
    for message in messages:
        for number, line in enumerate(textwrap.wrap(message, 72)):
            mark = text(_RIGHT, y + 16, "•", 16, FAINT) if number == 0 else ""
            yield mark + text(_RIGHT + 22, y + 16, line, 16, FAINT), y + 22
            y += 22
        y += 6
