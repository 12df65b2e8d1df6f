"""An answer as a film: the clip with a timeline of the intervals, and the answer during the interval."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from lightmannet.errors import ClipError, DataError
from lightmannet.inference.answer import FILM_COMMENT, Answer, Interval
from lightmannet.inference.card import WHAT_IT_IS_NOT
from lightmannet.inference.clip_file import ClipFile
from lightmannet.pictures.captions import bars, headline, interval_caption, model_caption
from lightmannet.pictures.mp4 import Frame, mp4
from lightmannet.pictures.svg import ACCENT, BAR, DOUBT, FAINT, INK, TRACK, drawing, rectangle, shortened, text, to_png

SIDE = 640
"""Width of the film, and the longer side of the clip in it, pixels."""

ASSUMED_FPS = 30.0
"""Frames per second of the film if the clip's rate is unknown."""

_MARGIN = 16
_LEFT, _WIDTH = 150, 400  # of bars
_LONG = 600  # number of frames from which a progress bar is shown
_OTHERS = "#b9c9de"  # other spotted intervals
_BORDER = 6  # pixels around the clip inside the interval


def write_film(answer: Answer, clip: ClipFile, candidates: Sequence[Interval], path: Path) -> None:
    """Write the annotated clip as MP4: its frames at their rate, shrunk or enlarged to 640 pixels.

    Below is a timeline with onset, apex, offset and the current frame. From onset to offset the frame has a border, and
    the class, or "can't tell", and bars are shown. Without an interval the reason is always shown. Memory does not grow
    with the clip's length.

    Args:
        answer: The answer.
        clip: Its clip.
        candidates: All spotted intervals.
        path: Target; its folder is created if missing.

    Raises:
        ClipError: A frame cannot be read, or has another size than the others.
        OSError: The film cannot be written.
    """
    height, width = _fitted(clip.height, clip.width)
    line = _TimeLine(answer, candidates, clip.numbers)
    outside, inside = (_panel(answer, line, clip.fps, shown) for shown in (False, True))
    frame = np.empty((height + len(inside), SIDE, 3), np.uint8)
    hidden = len(clip.numbers) < _LONG or not Console(stderr=True).is_terminal
    numbered = track(
        zip(_frames(clip), clip.numbers, strict=False),
        f"film of {clip.path.name}",
        total=len(clip.numbers),
        console=Console(stderr=True),
        disable=hidden,
    )
    with mp4(path, len(frame), SIDE, clip.fps or ASSUMED_FPS, FILM_COMMENT) as add:
        for pixels, number in numbered:
            shown = answer.interval is not None and answer.interval.onset <= number <= answer.interval.offset
            frame[:height] = 0
            left = (SIDE - width) // 2
            how = cv2.INTER_AREA if height < clip.height else cv2.INTER_LINEAR
            frame[:height, left : left + width] = cv2.resize(pixels, (width, height), interpolation=how)
            frame[height:] = inside if shown or answer.interval is None else outside
            if shown:
                half = _BORDER // 2
                corner = (left + width - 1 - half, height - 1 - half)
                cv2.rectangle(frame, (left + half, half), corner, _rgb(ACCENT), _BORDER)
            _write_moment(frame[:height], number, clip.fps)
            x = round(line.place(number))
            top = height + line.top
            cv2.line(frame, (x, top - 5), (x, top + line.height + 4), (255, 255, 255), 5)
            cv2.line(frame, (x, top - 5), (x, top + line.height + 4), _rgb(INK), 3)
            add(frame)


class _TimeLine:
    """Positions of frames on the panel.

    Args:
        answer: The answer.
        candidates: All spotted intervals.
        numbers: The clip's frame numbers.
    """

    height = 14

    def __init__(self, answer: Answer, candidates: Sequence[Interval], numbers: Sequence[int]) -> None:
        self.interval = answer.interval
        self.others = [found for found in candidates if found != answer.interval]
        self.first, self.last = numbers[0], numbers[-1]
        self.doubts = _doubts(answer)
        self.bars = 46 + 20 * len(self.doubts) + 4 * bool(self.doubts)
        self.top = self.bars + 26 * len(answer.probabilities) + 34

    def place(self, number: float) -> float:
        """Return the horizontal position of a frame, in pixels."""
        share = (number - self.first) / max(self.last - self.first, 1)
        return _MARGIN + (SIDE - 2 * _MARGIN) * min(max(share, 0.0), 1.0)

    def drawn(self) -> Iterator[str]:
        """Yield the line, its intervals, and the names of their moments."""
        yield rectangle(_MARGIN, self.top, SIDE - 2 * _MARGIN, self.height, TRACK)
        for found, color in (*((other, _OTHERS) for other in self.others), (self.interval, ACCENT)):
            if found is not None:
                left, right = self.place(found.onset), self.place(found.offset)
                yield rectangle(left, self.top, max(right - left, 2.0), self.height, color)
        if self.interval is None:
            return
        onset, apex, offset = map(self.place, (self.interval.onset, self.interval.apex, self.interval.offset))
        for x, above, below in ((onset, 8, 0), (apex, 0, 8), (offset, 8, 0)):
            yield rectangle(x - 1, self.top - above, 2, self.height + above + below, INK)
        # Labels of the ends are outside the interval, so that they do not overlap in a short one.
        first = max(onset - 4, _MARGIN + 42)
        yield text(first, self.top - 10, "onset", 15, INK, anchor="end")
        last = min(max(offset + 4, first + 8), SIDE - _MARGIN - 42)
        yield text(max(last, first + 8), self.top - 10, "offset", 15, INK)
        middle = min(max(apex, _MARGIN + 16), SIDE - _MARGIN - 16)
        yield text(middle, self.top + self.height + 22, "apex", 15, INK, anchor="middle")


def _panel(answer: Answer, line: _TimeLine, fps: float | None, inside: bool) -> Frame:
    """Return the panel below the clip, without the marker of the current frame."""
    parts = [text(SIDE - _MARGIN, 30, shortened(Path(answer.clip).name, 36), 15, FAINT, anchor="end")]
    if inside or answer.interval is None:
        parts.append(text(_MARGIN, 34, shortened(headline(answer), 24), 28, INK, bold=True))
        parts += _bars(answer, line.bars)
    else:
        parts.append(text(_MARGIN, 34, "outside the recognised interval", 18, FAINT))
    parts += [text(_MARGIN, 58 + 20 * row, caption, 15, color) for row, (caption, color) in enumerate(line.doubts)]
    parts += line.drawn()
    y = line.top + line.height + 46
    notes = [(interval_caption(answer.interval, fps), FAINT)] if answer.interval is not None else []
    notes.append((model_caption(answer), FAINT))
    for caption, color in notes:
        for row in textwrap.wrap(caption, 88):
            parts.append(text(_MARGIN, y, row, 14, color))
            y += 19
    parts.append(text(_MARGIN, y + 3, WHAT_IT_IS_NOT.split(":")[0] + ".", 13, FAINT))
    height = y + 14 + y % 2
    pixels = cv2.imdecode(np.frombuffer(to_png(drawing(SIDE, height, parts)), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _doubts(answer: Answer) -> list[tuple[str, str]]:
    """Return the lines above the bars, with their colours: the reason for naming no class, and warnings."""
    said = [(answer.reason, INK)] if answer.reason else []
    said += [(f"▲ {w.message}", DOUBT[w.severity]) for w in answer.warnings if w.severity == "warning"]
    return [(row, color) for caption, color in said for row in textwrap.wrap(caption, 84)]


def _bars(answer: Answer, y: int) -> Iterator[str]:
    for bar in bars(answer):
        yield text(_MARGIN, y + 15, shortened(bar.name, 16), 16, INK, bold=bar.named)
        yield rectangle(_LEFT, y, _WIDTH, 19, TRACK)
        yield rectangle(_LEFT, y, _WIDTH * bar.share, 19, ACCENT if bar.named else BAR)
        yield text(_LEFT + _WIDTH + 12, y + 15, f"{bar.percent}%", 16, INK, bold=bar.named)
        y += 26


def _frames(clip: ClipFile) -> Iterator[Frame]:
    try:
        for chunk in clip.chunks("rgb"):
            for frame in chunk:
                if frame.shape[:2] != (clip.height, clip.width):
                    raise ClipError(
                        f"{clip.path}: its frames differ in size ({clip.width} x {clip.height} and {frame.shape[1]} x "
                        f"{frame.shape[0]} pixels); all frames of a clip must have one size"
                    )
                yield frame
    except DataError as error:
        raise ClipError(str(error)) from error


def _fitted(height: int, width: int) -> tuple[int, int]:
    """Return an even height and width with the longer side as long as ``SIDE``."""
    factor = SIDE / max(height, width)
    return max(2, 2 * round(factor * height / 2)), max(2, 2 * round(factor * width / 2))


def _write_moment(frame: Frame, number: int, fps: float | None) -> None:
    """Write number and time into the lower left corner, on a dark background."""
    caption = f"frame {number}" + (f", {number / fps:.2f} s" if fps else "")
    (width, height), below = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    left, base = _BORDER + 8, len(frame) - _BORDER - 8 - below
    frame[base - height - 5 : base + below + 5, left - 6 : left + width + 6] //= 4
    cv2.putText(frame, caption, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)


def _rgb(color: str) -> tuple[int, int, int]:
    """Return a CSS colour, ``#rrggbb``, as numbers."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
