"""Frames of a video file, decoded by decord or by PyAV: the one file that imports them."""

import importlib.util
import logging
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.video.reader import Color, Pixels, check_numbers, check_path, convert, files_digest
from lightmannet.errors import ConfigurationError, DataError

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".mpg", ".mpeg", ".m4v", ".wmv", ".webm")

Backend = Literal["auto", "decord", "pyav"]


class VideoFile:
    """A ``FrameReader`` of a video file.

    The file is opened at the first reading, in the process that reads, so a reader can be pickled at any time. Both
    decoders give the same frames; decord is preferred where it is installed. decord decodes from the first frame on at
    each reading; PyAV jumps in MP4, MOV, MKV and AVI, which pays in long recordings.

    Args:
        path: The file.
        root: The database's folder, which the path must not leave.
        first_number: The number of the first frame; 1 where annotations count from 1.
        backend: The decoder; ``auto`` takes decord where it is installed, else PyAV, and says so in the log once.

    Raises:
        ConfigurationError: The decoder is not installed.
        DataError: The path is missing or leaves the root.
    """

    def __init__(self, path: Path, root: Path, first_number: int = 0, backend: Backend = "auto") -> None:
        check_path(path, root)
        self.path = path
        self.first_number = first_number
        self.backend = _choose() if backend == "auto" else backend
        if not _installed(self.backend):
            raise ConfigurationError(f"backend: {backend} is not installed; pip install decord, or av for pyav")
        self._opened: tuple[int, _Decoder, tuple[int, ...]] | None = None  # the process, the decoder, the numbers

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": None}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers that are there, without gaps.

        Raises:
            DataError: The file is empty, truncated or no video.
        """
        return self._open()[1]

    @property
    def fps(self) -> float:
        """Frames a second, on average.

        Raises:
            DataError: The file is empty, truncated or no video.
        """
        return self._open()[0].fps

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the frames of these numbers, in the order asked; gray weighs red, green and blue by .299, .587, .114.

        Args:
            numbers: At least one frame number; a number may come more than once.
            color: ``gray`` gives one channel, ``rgb`` three.

        Raises:
            DataError: The file cannot be read, a number is not there, or a frame cannot be decoded.
        """
        decoder, there = self._open()
        check_numbers(self.path, there, numbers)  # decord would count negative ones from the end
        try:
            frames = decoder.read([number - self.first_number for number in numbers])
        except Exception as error:  # decord's errors derive from RuntimeError or from Exception itself
            self._opened = None  # a decoder that failed is in no known state
            raise DataError(
                f"{self.path}: its container promises {len(there)} frames, but not all of {min(numbers)} to "
                f"{max(numbers)} can be decoded ({_first_line(error)}); copy it again or leave the clip out"
            ) from error.with_traceback(None)  # which would keep the decoder open
        return _colored(frames, color)

    def in_order(self, count: int, color: Color) -> Iterator[Pixels]:
        """Yield all frames from the first to the last, ``count`` at a time, decoded once and by PyAV.

        Memory does not grow with the length of the video.

        Args:
            count: Frames a chunk, >= 1; the last chunk may have fewer.
            color: ``gray`` gives one channel, ``rgb`` three.

        Raises:
            DataError: The file cannot be read, or a frame cannot be decoded.
        """
        import av

        self._open()  # which refuses what is no video, or is incomplete
        frames: list[_Frame] = []
        try:
            with av.open(str(self.path)) as container:
                for frame in container.decode(video=0):
                    frames.append(_rgb(frame))
                    if len(frames) == count:
                        yield _colored(np.stack(frames), color)
                        frames = []
        except (av.FFmpegError, ValueError) as error:
            raise DataError(
                f"{self.path}: a frame cannot be decoded ({_first_line(error)}); copy it again or convert it"
            ) from error.with_traceback(None)
        if frames:
            yield _colored(np.stack(frames), color)

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a hex digest of the file's name, size and modification time and of ``first_number``.

        All frames lie in one file, so the numbers are of no account.

        Raises:
            DataError: The file is gone.
        """
        return files_digest([self.path], self.first_number)

    def _open(self) -> tuple["_Decoder", tuple[int, ...]]:
        # A forked process must not use its parent's decoder: they share the place in the file.
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                if self.path.stat().st_size == 0:
                    raise ValueError("empty (zero bytes)")
                decoder: _Decoder = _Decord(self.path) if self.backend == "decord" else _PyAV(self.path)
                if decoder.count == 0:
                    raise ValueError("no frames")
            except Exception as error:
                raise DataError(
                    f"{self.path}: {self.backend} cannot read it as a video, it is damaged, truncated or of another "
                    f"type ({_first_line(error)}); copy it again or convert it, e.g. to mp4"
                ) from error.with_traceback(None)
            numbers = tuple(range(self.first_number, self.first_number + decoder.count))
            self._opened = (os.getpid(), decoder, numbers)
        return self._opened[1:]


@dataclass(frozen=True)
class VideoFacts:
    """What a video file says of itself.

    Attributes:
        fps: Frames a second, on average: as the file says or, where it does not or the times of its frames say
            otherwise, as in what a browser records, by these times; 0 where nothing tells.
        height: Height of a frame as it is shown, pixels.
        width: Width of a frame as it is shown, pixels.
        turned: Whether a note turns the frames.
        variable: Whether some frames last more than 1.6 times as long as the median one, or shorter by that factor.
    """

    fps: float
    height: int
    width: int
    turned: bool
    variable: bool


def video_facts(path: Path) -> VideoFacts:
    """Return what a video file says of itself; one frame is decoded.

    Raises:
        DataError: It is damaged, truncated, no video, or has sound alone.
    """
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video and container.streams.audio:
                raise DataError(f"{path}: has sound but no picture; give a video of a face")
            times = sorted(packet.pts for packet in _packets(container) if packet.pts is not None)
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            fps = _rate(float(stream.average_rate or 0), times, float(stream.time_base or 0))
            first = next(iter(container.decode(video=0)))
            height, width = _rgb(first).shape[:2]
            turned = bool(first.rotation)
    except DataError:
        raise
    except Exception as error:  # as in VideoFile
        raise DataError(
            f"{path}: cannot be read as a video, it is damaged, truncated or of another type ({_first_line(error)}); "
            "copy it again or convert it, e.g. to mp4"
        ) from error.with_traceback(None)
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    variable = usual > 0 and bool((steps > _UNEVEN * usual).any() or (steps < usual / _UNEVEN).any())
    return VideoFacts(fps, height, width, turned, variable)


def _rate(said: float, times: Sequence[int], unit: float) -> float:
    """Return frames a second: what is said, unless the times of the frames, in units of seconds, differ from it."""
    seconds = (times[-1] - times[0]) * unit if times else 0.0
    if seconds <= 0:
        return said
    measured = (len(times) - 1) / seconds
    return said if abs(measured - said) <= _ROUNDED * said else measured


_ROUNDED = 0.05  # times in whole milliseconds make few frames seem slower or faster
_UNEVEN = 1.6  # times in whole milliseconds, as in .mkv, differ by up to 1.5 at 400 frames a second


def _colored(frames: "_Frames", color: Color) -> Pixels:
    if color == "rgb":
        return frames
    gray = np.empty((*frames.shape[:3], 1), np.uint8)
    for frame, out in zip(frames, gray, strict=True):
        convert(frame, cv2.COLOR_RGB2GRAY, out)
    return gray


def _installed(backend: Backend) -> bool:
    return importlib.util.find_spec("decord" if backend == "decord" else "av") is not None


@cache
def _choose() -> Backend:
    chosen: Backend = "decord" if _installed("decord") else "pyav"
    logging.getLogger(__name__).info("video files are decoded by %s", chosen)
    return chosen


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", lines[0])  # decord gives time and line of its source


_Frame = UInt8[np.ndarray, "height width 3"]
_Frames = UInt8[np.ndarray, "frame height width 3"]


class _Decoder(Protocol):
    """An opened video; ``read`` takes indices from 0 that are there and gives red, green, blue."""

    count: int
    fps: float

    def read(self, indices: list[int]) -> _Frames: ...


class _Decord:
    """Frames counted from the first one.

    decord's own jumps (``get_batch``, ``skip_frames``) silently gave other frames than asked for H.264 in AVI, B-frames
    in AVI, open groups of pictures in MP4, MPEG-PS and WMV, so they are not used. Nothing stays open between two
    readings: a process that is forked from one with an open decord reader dies when it lets go of the reader.
    """

    def __init__(self, path: Path) -> None:
        import av

        with av.open(str(path)) as container:
            _packets(container)  # decord would show what could be decoded of a frame cut off
        self._path = path
        reader = self._reader()
        self.count = len(reader)
        self.fps = float(reader.get_avg_fps())

    def _reader(self) -> Any:
        import decord

        decord.logging.set_level(decord.logging.QUIET)  # FFmpeg would print what becomes our error
        return decord.VideoReader(str(self._path), num_threads=1)  # the data loader's workers share the cores

    def read(self, indices: list[int]) -> _Frames:
        wanted = set(indices)
        found: dict[int, _Frame] = {}
        reader = self._reader()
        for index in range(max(wanted) + 1):
            frame = reader.next()
            if frame.shape[2] != 3:  # tried: a video with a note of rotation comes out with 4 channels of wrong pixels
                raise ValueError("decord cannot read turned videos; choose backend: pyav")
            if index in wanted:
                found[index] = frame.asnumpy()
        return np.stack([found[index] for index in indices])


class _PyAV:
    """Frames by their rank in presentation time; where times are not to be trusted, counted from the first frame."""

    def __init__(self, path: Path) -> None:
        import av

        self._path = path
        self._container = av.open(str(path))
        packets = _packets(self._container)
        self._stream = self._container.streams.video[0]
        self.count = len(packets)
        self.fps = float(self._stream.average_rate or 0)
        # Tried: times shift after a jump in MPEG-PS, and AVI has no presentation times for frames out of order.
        container, reordered = self._container.format.name, self._stream.codec_context.has_b_frames
        exact = container.startswith(("mov,", "matroska,")) or (container == "avi" and not reordered)
        times = {packet.pts for packet in packets if packet.pts is not None}
        self._times = sorted(times) if exact and len(times) == len(packets) else []
        keys = [packet.pts for packet in packets if packet.is_keyframe and packet.pts is not None]
        self._keys = sorted(keys) if self._times else []

    def read(self, indices: list[int]) -> _Frames:
        wanted = sorted(set(indices))
        found: dict[int, _Frame] = {}
        if self._keys:
            self._seek_and_collect(wanted, found)
        if len(found) < len(wanted):
            found = {}
            self._restart()
            for index, frame in enumerate(self._container.decode(self._stream)):
                if index in wanted:
                    found[index] = _rgb(frame)
                if index >= wanted[-1]:
                    break
        if missing := [index for index in wanted if index not in found]:
            raise ValueError(f"the frame at place {missing[0]} is missing")
        return np.stack([found[index] for index in indices])

    def _restart(self) -> None:
        import av

        self._container.close()
        self._container = av.open(str(self._path))
        self._stream = self._container.streams.video[0]

    def _seek_and_collect(self, wanted: list[int], found: dict[int, _Frame]) -> None:
        """Decode from the key frame before the first wanted frame on; stops early where the times turn out wrong."""
        place = {time: index for index, time in enumerate(self._times)}
        frames: Iterator[Any] = iter(())
        reached: int | None = None  # the index of the last decoded frame
        for index in wanted:
            key = self._keys[max(bisect_right(self._keys, self._times[index]) - 1, 0)]
            if reached is None or place[key] > reached:
                self._container.seek(key, stream=self._stream)
                frames, reached = self._container.decode(self._stream), None
            while reached is None or reached < index:
                frame = next(frames, None)
                if frame is None:
                    return
                now = place.get(frame.pts)
                if now is None or (now > place[key] if reached is None else now != reached + 1):
                    return
                reached = now
                if reached == index:
                    found[index] = _rgb(frame)


class _Packet(NamedTuple):
    """A compressed frame without its data, which together are as large as the file."""

    pts: int | None
    is_keyframe: bool


def _packets(container: Any) -> list[_Packet]:
    """Return the compressed frames of the first video stream, in the order of the file; refuses incomplete ones."""
    if not container.streams.video:
        raise ValueError("no video stream")
    packets = []
    for packet in container.demux(video=0):
        if packet.size and not packet.is_discard:
            if packet.is_corrupt:
                raise ValueError("the last frames are incomplete")
            packets.append(_Packet(packet.pts, packet.is_keyframe))
    return packets


def _rgb(frame: Any) -> _Frame:
    if frame.is_corrupt:
        raise ValueError("a frame is damaged")
    pixels = frame.to_ndarray(format="rgb24")
    return np.rot90(pixels, frame.rotation // 90)  # as the camera was held
