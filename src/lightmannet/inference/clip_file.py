"""A user's clip: a video file or a folder of frames, with its properties."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from data_modules.video.frames import Color, FrameReader, Pixels, open_frames
from data_modules.video.video_file import VideoFile
from lightmannet.errors import ClipError, ConfigurationError, DataError

_ANYWHERE = Path("/")
"""Links in a user's own clip may lead anywhere; only those of a database must stay in its folder."""

_FASTEST = 10_000
"""Largest plausible frame rate, in frames per second."""


class KeptFrames:
    """A ``FrameReader`` with a cache, so that no frame is decoded twice.

    Args:
        reader: The frames' source.
    """

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self._kept: dict[tuple[int, Color], UInt8[np.ndarray, "height width channel"]] = {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The existing frame numbers, ascending."""
        return self._reader.numbers

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the frames of these numbers, in the order given; those not in the cache are read together.

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
        path: The video file or folder.
        reader: Its frames by number; a video's first frame is 0.
        fps: Frames per second; None if unknown, as for a folder of frames without ``fps``.
        height: Height of a displayed frame, pixels.
        width: Width of a displayed frame, pixels.
        turned: Whether the file asks for rotated or mirrored frames, which the reader applies.
        variable: Whether the frames differ in duration.
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
        """The existing frame numbers, ascending."""
        return self.reader.numbers

    @cached_property
    def kept(self) -> KeptFrames:
        """The same frames with a cache, for the few that are read repeatedly."""
        return KeptFrames(self.reader)

    def chunks(self, color: Color, most_bytes: int = 32_000_000) -> Iterator[Pixels]:
        """Yield all frames in order, a few at a time, each chunk at most ``most_bytes`` (or one frame).

        Raises:
            ClipError: A frame cannot be read.
        """
        count = min(64, max(1, most_bytes // (3 * self.height * self.width)))
        try:
            if isinstance(self.reader, VideoFile):
                yield from self.reader.in_order(count, color)
                return
            for first in range(0, len(self.numbers), count):
                yield self.reader.read(self.numbers[first : first + count], color)
        except DataError as error:
            raise ClipError(str(error)) from error

    def check_interval(self, interval: object) -> tuple[int, int, int]:
        """Return the frame numbers of onset, apex and offset as integers, if they fit the clip.

        Args:
            interval: Three whole numbers, onset <= apex <= offset and onset < offset, from the first frame number of
                the clip to its last.

        Raises:
            ClipError: They are not three whole numbers, not ascending, or beyond the clip's frames.
        """
        if not isinstance(interval, Sequence | np.ndarray) or isinstance(interval, str | bytes):
            raise ClipError(
                f"{self.path}: the interval must be the frame numbers (onset, apex, offset), not {interval!r}"
            )
        if len(interval) != 3 or not all(_is_whole(number) for number in interval):
            raise ClipError(
                f"{self.path}: the interval must be three whole frame numbers (onset, apex, offset), not {interval!r}"
            )
        onset, apex, offset = (int(number) for number in interval)
        first, last = self.numbers[0], self.numbers[-1]
        if not first <= onset <= apex <= offset <= last or onset == offset:
            raise ClipError(
                f"{self.path}: the interval onset {onset}, apex {apex}, offset {offset} does not fit this clip: frame "
                f"numbers must be ascending and within {first}–{last}"
            )
        return onset, apex, offset


def open_clip(clip: str | Path, fps: float | None = None) -> ClipFile:
    """Open a clip.

    Args:
        clip: A video file, an image, or a folder of images with numbers in their names; ``~`` is the home folder.
        fps: Frames per second, above 0 and up to 10,000; needed for durations in a folder, and overrides the
            rate of a video.

    Raises:
        ClipError: The file is missing, not a video, or has no readable frames.
        ConfigurationError: Impossible ``fps``.
    """
    check_fps(fps)
    if not isinstance(clip, str | os.PathLike):
        raise ClipError(f"a clip is the path of a video or of a folder of frames, not {type(clip).__name__}")
    path = Path(os.path.expanduser(clip))
    try:
        reader = open_frames(path, _ANYWHERE, guess_order=True)
        if isinstance(reader, VideoFile):
            index = reader.index
            rate = fps or index.fps or None
            return ClipFile(path, reader, rate, index.height, index.width, index.turned, index.variable)
        height, width = reader.read(reader.numbers[:1], "gray").shape[1:3]
    except DataError as error:
        raise ClipError(str(error)) from error
    return ClipFile(path, reader, fps, height, width, False, False)


def check_fps(fps: object) -> None:
    """Check a frame rate; None stands for unknown.

    Raises:
        ConfigurationError: It is not a number above 0 and up to 10,000.
    """
    if fps is None:
        return
    if isinstance(fps, bool) or not isinstance(fps, Real) or not 0 < float(fps) <= _FASTEST:
        raise ConfigurationError(
            f"fps {fps}: the frame rate must be a number of frames per second above 0 and at most {_FASTEST}, e.g. 200"
        )


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) or (isinstance(number, Real) and float(number).is_integer())
