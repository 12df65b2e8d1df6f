"""Somebody's own clip: a video file or a folder of frames, its facts, its frames in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from data_modules.video.frames import Color, FrameReader, Pixels, open_frames
from data_modules.video.video_file import VideoFile, video_facts
from lightmannet.errors import ClipError, DataError

_ANYWHERE = Path("/")
"""Links of somebody's own clip may lead where they will; only a database keeps within its folder."""


class KeptFrames:
    """A ``FrameReader`` that keeps what was read: a video is decoded from its beginning at each reading.

    Args:
        reader: Whose frames.
    """

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self._kept: dict[tuple[int, Color], UInt8[np.ndarray, "height width channel"]] = {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers that are there, ascending."""
        return self._reader.numbers

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the frames of these numbers, in the order asked; those that are new are read together.

        Raises:
            DataError: As the reader.
        """
        new = [number for number in dict.fromkeys(numbers) if (number, color) not in self._kept]
        if new or not numbers:
            frames = self._reader.read(new, color)
            self._kept.update({(number, color): frame for number, frame in zip(new, frames, strict=True)})
        return np.stack([self._kept[number, color] for number in numbers])

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return the reader's digest."""
        return self._reader.fingerprint(numbers)


@dataclass(frozen=True)
class ClipFile:
    """An opened clip.

    Attributes:
        path: Where it is.
        reader: Its frames by number; a video's first frame is 0.
        fps: Frames a second; None for a folder of frames of which nobody said it.
        height: Height of a frame as it is shown, pixels.
        width: Width of a frame as it is shown, pixels.
        turned: Whether a note in the file turns the frames.
        variable: Whether frames last differently long.
    """

    path: Path
    reader: FrameReader
    fps: float | None
    height: int
    width: int
    turned: bool
    variable: bool

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers that are there, ascending."""
        return self.reader.numbers

    @cached_property
    def kept(self) -> KeptFrames:
        """The same frames, kept once they were read: for the few that are looked at again."""
        return KeptFrames(self.reader)

    def chunks(self, color: Color, most_bytes: int = 32_000_000) -> Iterator[Pixels]:
        """Yield all frames in order, a few at a time, each chunk at most ``most_bytes`` (or one frame).

        Raises:
            DataError: A frame cannot be read.
        """
        count = min(64, max(1, most_bytes // (3 * self.height * self.width)))
        if isinstance(self.reader, VideoFile):
            yield from self.reader.in_order(count, color)
            return
        for first in range(0, len(self.numbers), count):
            yield self.reader.read(self.numbers[first : first + count], color)


def open_clip(clip: str | Path, fps: float | None = None) -> ClipFile:
    """Open a clip.

    Args:
        clip: A video file, or a folder of images with numbers in their names.
        fps: Frames a second; needed for a folder to know how long an expression lasts, and overrides what a video says.

    Raises:
        ClipError: There is no such file, it is no video, or it has no frames that can be read.
    """
    path = Path(clip)
    try:
        reader = open_frames(path, _ANYWHERE)
        if isinstance(reader, VideoFile):
            facts = video_facts(path)
            if facts.turned or path.suffix.lower() == ".webm":
                # decord reads neither turned videos nor what browsers record, which does not say how long it is.
                reader = VideoFile(path, _ANYWHERE, backend="pyav")
            rate = fps or (facts.fps or None)
            return ClipFile(path, reader, rate, facts.height, facts.width, facts.turned, facts.variable)
        height, width = reader.read(reader.numbers[:1], "gray").shape[1:3]
    except DataError as error:
        raise ClipError(str(error)) from error
    return ClipFile(path, reader, fps, height, width, False, False)
