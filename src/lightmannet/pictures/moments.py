"""Spotted intervals as a picture over time: how much the face moves, and where something was found."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from lightmannet.inference.answer import Interval
from lightmannet.pictures.svg import ACCENT, FAINT, INK, TRACK, drawing, rectangle, shortened, text, to_png

_WIDTH, _HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 56, 200
_POINTS = 800
_COLORS = {"micro": "#f2a65a", "macro": "#b9c9de"}


def moments_picture(
    name: str,
    numbers: Sequence[int],
    curve: Float64[np.ndarray, " frame"],
    found: Sequence[Interval],
    fps: float | None,
) -> bytes:
    """Return a PNG: the curve, with an area for each interval and a line for each apex.

    Args:
        name: Of the video.
        numbers: Its frame numbers.
        curve: Strength of facial motion in each frame.
        found: Intervals.
        fps: Frames a second; None counts frames.
    """
    first, span = numbers[0], max(1, numbers[-1] - numbers[0])
    top = float(curve.max()) or 1.0

    def x(number: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (number - first) / span

    parts = [
        text(_LEFT, 24, shortened(name, 90), 15, INK, bold=True),
        text(
            _LEFT,
            42,
            f"{len(found)} intervals; micro orange, macro blue; the curve is the motion of the face",
            12,
            FAINT,
        ),
        rectangle(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _BOTTOM - _TOP, TRACK),
    ]
    for interval in sorted(found, key=lambda interval: interval.kind):
        left, right = x(interval.onset), x(interval.offset)
        parts.append(rectangle(left, _TOP, max(right - left, 1.0), _BOTTOM - _TOP, _COLORS[interval.kind]))
        parts.append(rectangle(x(interval.apex) - 1, _TOP, 2, _BOTTOM - _TOP, INK))
    pieces = np.array_split(curve, min(_POINTS, len(curve)))
    places = np.linspace(0, len(numbers) - 1, len(pieces)).round().astype(int)
    line = " ".join(
        f"{x(numbers[place]):.1f},{_BOTTOM - (_BOTTOM - _TOP) * float(piece.max()) / top:.1f}"
        for place, piece in zip(places, pieces, strict=True)
    )
    parts.append(f'<polyline points="{line}" fill="none" stroke="{ACCENT}" stroke-width="1.5"/>')
    for share in np.linspace(0, 1, 6):
        number = first + share * span
        words = f"{(number - first) / fps:.1f} s" if fps else f"{number:.0f}"
        parts.append(text(x(round(number)), _BOTTOM + 20, words, 12, FAINT, anchor="middle"))
    parts.append(text(_LEFT, _HEIGHT - 12, "time" if fps else "frame (the frame rate is not known)", 12, FAINT))
    return to_png(drawing(_WIDTH, _HEIGHT, parts))
