"""Somebody's own clip: a video file or a folder of frames, its facts, its frames in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_modules.video.frames import Color, FrameReader, Pixels, open_frames
from data_modules.video.video_file import VideoFile, video_facts
from lightmannet.errors import ClipError, DataError


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
        reader = open_frames(path, path.absolute().parent)
        if isinstance(reader, VideoFile):
            facts = video_facts(path)
            if facts.turned or path.suffix.lower() == ".webm":
                # decord reads neither turned videos nor what browsers record, which does not say how long it is.
                reader = VideoFile(path, path.absolute().parent, backend="pyav")
            rate = fps or (facts.fps or None)
            return ClipFile(path, reader, rate, facts.height, facts.width, facts.turned, facts.variable)
        height, width = reader.read(reader.numbers[:1], "gray").shape[1:3]
    except DataError as error:
        raise ClipError(str(error)) from error
    return ClipFile(path, reader, fps, height, width, False, False)
