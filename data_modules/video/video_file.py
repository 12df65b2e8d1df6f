"""Frames of a video file."""

import logging
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np

from data_modules.video import decord_decoder
from data_modules.video.decord_decoder import DecordDecoder
from data_modules.video.pyav_decoder import Frame, Frames, PyAVDecoder, frames_in_order, read_index
from data_modules.video.reader import Color, Pixels, check_numbers, check_path, convert, files_digest
from data_modules.video.video_index import VideoIndex
from lightmannet.errors import ConfigurationError, DataError

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".mpg", ".mpeg", ".m4v", ".wmv", ".webm")

Backend = Literal["auto", "decord", "pyav"]


class VideoFile:
    """A ``FrameReader`` of a video file: the frames that a player shows, in its order, turned and mirrored as it does.

    Frames that an edit list cuts off (videos trimmed without re-encoding them) are neither counted nor given. The
    file is opened at the first reading, in the process that reads, so a reader can be pickled at any time.

    Args:
        path: The file.
        root: The database's folder, which the path must not leave.
        first_number: The number of the first frame; 1 where annotations count from 1.
        backend: The decoder; ``auto`` takes decord where it was found to be right (``decord_decoder.is_preferred``)
            and is installed, else PyAV, and says so in the log once.

    Raises:
        ConfigurationError: decord is not installed.
        DataError: The path is missing or leaves the root.
    """

    def __init__(self, path: Path, root: Path, first_number: int = 0, backend: Backend = "auto") -> None:
        check_path(path, root)
        self.path = path
        self.first_number = first_number
        self.backend = backend
        if backend == "decord" and not decord_decoder.is_installed():
            raise ConfigurationError("backend: decord is not installed; pip install decord, or choose backend: pyav")
        self._opened: tuple[int, _Decoder, VideoIndex] | None = None  # the process comes first

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": None}

    @property
    def index(self) -> VideoIndex:
        """What a player shows: count, times, size and orientation of the frames.

        Raises:
            DataError: The file is empty, truncated, no video, or has sound alone.
        """
        return self._open()[1]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers that are there, without gaps.

        Raises:
            DataError: As ``index``.
        """
        return tuple(range(self.first_number, self.first_number + self.index.count))

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the frames of these numbers, in this order; gray weighs red, green and blue by .299, .587, .114.

        Args:
            numbers: At least one frame number; a number may come more than once.
            color: ``gray`` gives one channel, ``rgb`` three.

        Raises:
            DataError: The file cannot be read, a number is not there, or a frame cannot be decoded.
        """
        decoder, index = self._open()
        check_numbers(self.path, self.numbers, numbers)  # decord would count negative ones from the end
        try:
            frames = decoder.read([number - self.first_number for number in numbers])
        except Exception as error:  # decord's errors derive from RuntimeError or from Exception itself
            self._opened = None  # a decoder that failed is in no known state
            raise DataError(
                f"{self.path}: its container promises {index.count} frames, but not all of {min(numbers)} to "
                f"{max(numbers)} can be decoded ({_first_line(error)}); copy it again or leave the clip out"
            ) from error.with_traceback(None)  # which would keep the decoder open
        return _colored(frames, color)

    def in_order(self, count: int, color: Color) -> Iterator[Pixels]:
        """Yield all frames from the first to the last, ``count`` at a time, decoded once and by PyAV.

        Memory does not grow with the length of the video.

        Args:
            count: Frames per chunk, >= 1; the last chunk may have fewer.
            color: ``gray`` gives one channel, ``rgb`` three.

        Raises:
            DataError: The file cannot be read, or a frame is missing or cannot be decoded.
        """
        frames: list[Frame] = []
        decoded = frames_in_order(self.path, self.index)
        while True:
            try:
                frame = next(decoded, None)
            except Exception as error:
                raise DataError(
                    f"{self.path}: a frame cannot be decoded ({_first_line(error)}); copy it again or convert it"
                ) from error.with_traceback(None)
            if frame is not None:
                frames.append(frame)
            if len(frames) == count or (frame is None and frames):
                yield _colored(np.stack(frames), color)
                frames = []
            if frame is None:
                return

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a hex digest of the file's name, size and modification time and of ``first_number``.

        All frames are in one file, so the numbers are not used.

        Raises:
            DataError: The file is gone.
        """
        return files_digest([self.path], self.first_number)

    def _open(self) -> tuple["_Decoder", VideoIndex]:
        # A forked process must not use its parent's decoder: they share the place in the file.
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                if self.path.stat().st_size == 0:
                    raise ValueError("empty (zero bytes)")
                index = read_index(self.path)
                self._opened = (os.getpid(), self._decoder(index), index)
            except DataError:
                raise
            except Exception as error:  # as in read
                raise DataError(
                    f"{self.path}: cannot be read as a video, it is damaged, truncated or of another type "
                    f"({_first_line(error)}); copy it again or convert it, e.g. to mp4"
                ) from error.with_traceback(None)
        return self._opened[1:]

    def _decoder(self, index: VideoIndex) -> "_Decoder":
        if self.backend == "decord":
            return DecordDecoder(self.path, index)
        if self.backend == "auto" and decord_decoder.is_installed() and decord_decoder.is_preferred(index):
            try:
                decoder = DecordDecoder(self.path, index)
            except Exception:  # what one decoder cannot open the other one may
                return PyAVDecoder(self.path, index)
            _log_once("decord")
            return decoder
        _log_once("pyav")
        return PyAVDecoder(self.path, index)


class _Decoder(Protocol):
    """An opened video; ``read`` takes places from 0 that are there and gives red, green, blue."""

    def read(self, places: Sequence[int]) -> Frames: ...


def _colored(frames: Frames, color: Color) -> Pixels:
    if color == "rgb":
        return frames
    gray = np.empty((*frames.shape[:3], 1), np.uint8)
    for frame, out in zip(frames, gray, strict=True):
        convert(frame, cv2.COLOR_RGB2GRAY, out)
    return gray


@cache
def _log_once(backend: str) -> None:
    logging.getLogger(__name__).info("video files are decoded by %s", backend)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return decord_decoder.plain_message(lines[0])
