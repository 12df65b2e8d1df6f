"""Frames of a video file by PyAV, which brings FFmpeg's libraries: the one file of this package that imports it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from data_modules.video.orientation import UPRIGHT, Orientation, orientation_of
from data_modules.video.video_index import Packet, VideoIndex, average_rate, tells_its_frames
from lightmannet.errors import DataError

Frame = UInt8[np.ndarray, "height width 3"]
Frames = UInt8[np.ndarray, "frame height width 3"]


def read_index(path: Path) -> VideoIndex:
    """Return what a player shows of a video file.

    The first frame is decoded; all of them are where the packets alone do not tell how many frames are shown.

    Raises:
        DataError: It has sound alone.
        ValueError: There is no video in it, or it is incomplete.
        av.FFmpegError: It cannot be read.
    """
    with _opened(path) as container:
        if container.streams.audio and not container.streams.video:
            raise DataError(f"{path}: has sound but no picture; give a video of a face")
        stream = _stream(container)
        packets = _packets(container, stream)
        name, codec, unit = container.format.name, stream.codec_context.name, float(stream.time_base or 0)
        said = float(stream.average_rate or 0)
        reorders = bool(stream.codec_context.has_b_frames)
    codec = _CODEC_OF_DECODER.get(codec, codec)
    first, decoded = _first_frame_and_times(path, all_of_them=not tells_its_frames(packets, name, codec, reorders))
    times = sorted(packet.time for packet in packets if packet.time is not None) if decoded is None else decoded
    ascend = None not in times and all(early < late for early, late in pairwise(times))
    seconds = tuple((time - times[0]) * unit for time in times) if ascend else ()
    hides = len(packets) != len(times) or any(packet.is_hidden for packet in packets)
    fps = average_rate(0 if hides and seconds else said, seconds)  # hidden frames count in what the file says
    if not ascend:
        seconds = tuple(place / fps if fps else 0.0 for place in range(len(times)))
    stamps = tuple(times) if ascend and _times_can_be_relied_on(name, reorders) else ()
    orientation = _orientation(first)
    height, width = (first.width, first.height) if orientation.transposed else (first.height, first.width)
    there = set(stamps)
    return VideoIndex(
        container=name,
        codec=codec,
        seconds=seconds,
        stamps=stamps,
        keys=tuple(sorted(p.time for p in packets if p.is_key and not p.is_hidden and p.time in there)),
        hides=hides,
        fps=fps,
        height=height,
        width=width,
        orientation=orientation,
    )


class PyAVDecoder:
    """Frames by their place in the order in which they are shown.

    Args:
        path: The file.
        index: What is shown of it.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self._path, self._index = path, index
        self._place_of = {stamp: place for place, stamp in enumerate(index.stamps)}
        self._pixels = _Pixels()
        self._open()

    def read(self, places: Sequence[int]) -> Frames:
        """Return the frames at these places, counted from 0, in the requested order; red, green, blue.

        MP4, MOV, MKV and most AVI files are decoded from the key frame before the first wanted frame on, others from
        their beginning.

        Raises:
            ValueError: A frame is missing or damaged.
            av.FFmpegError: It cannot be decoded.
        """
        wanted = sorted(set(places))
        found: dict[int, Frame] = {}
        if self._index.keys:
            self._jump_and_collect(wanted, found)
        if len(found) < len(wanted):
            found = {}
            self._container.close()
            self._open()
            for place, frame in enumerate(self._container.decode(self._stream)):
                _check(self._index, place, frame)
                if place in wanted:
                    found[place] = self._pixels.of(frame)
                if place >= wanted[-1]:
                    break
        if missing := [place for place in wanted if place not in found]:
            raise ValueError(f"frame {missing[0] + 1} of {self._index.count} is missing")
        return np.stack([found[place] for place in places])

    def _open(self) -> None:
        self._container = _opened(self._path)
        self._stream = _stream(self._container)
        self._stream.codec_context.thread_count = 1  # the data loader's workers share the cores

    def _jump_and_collect(self, wanted: Sequence[int], found: dict[int, Frame]) -> None:
        """Decode from the key frame before each wanted frame on; stop early where the times turn out wrong."""
        stamps, keys, place_of = self._index.stamps, self._index.keys, self._place_of
        frames: Iterator[Any] = iter(())
        reached: int | None = None  # the place of the frame decoded last
        for place in wanted:
            before = bisect_right(keys, stamps[place])
            if before == 0:
                return  # it depends on a key frame that is not shown
            key = keys[before - 1]
            if reached is None or place_of[key] > reached:
                self._container.seek(key, stream=self._stream)
                frames, reached = self._container.decode(self._stream), None
            while reached is None or reached < place:
                frame = next(frames, None)
                if frame is None:
                    return
                now = place_of.get(frame.pts)
                if now is None or (now > place_of[key] if reached is None else now != reached + 1):
                    return
                reached = now
                if reached == place:
                    found[place] = self._pixels.of(frame)


def frames_in_order(path: Path, index: VideoIndex) -> Iterator[Frame]:
    """Yield all frames from the first to the last, decoded once.

    Raises:
        ValueError: A frame is missing or damaged.
        av.FFmpegError: It cannot be decoded.
    """
    pixels, count = _Pixels(), 0
    with _opened(path) as container:
        for frame in container.decode(_stream(container)):
            _check(index, count, frame)
            yield pixels.of(frame)
            count += 1
    if count != index.count:
        raise ValueError(f"frame {count + 1} of {index.count} is missing")


class _Pixels:
    """Converts frames to red, green and blue, upright; one for a file, as preparing the conversion takes long."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()

    def of(self, frame: Any) -> Frame:
        if frame.is_corrupt:
            raise ValueError("a frame is damaged")
        return _orientation(frame).apply(self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray())


def _check(index: VideoIndex, place: int, frame: Any) -> None:
    if place >= index.count:
        raise ValueError(f"it holds more than {index.count} frames")
    if index.stamps and frame.pts != index.stamps[place]:
        raise ValueError(f"frame {place + 1} of {index.count} is missing")


def _orientation(frame: Any) -> Orientation:
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return orientation_of([int(number) for number in np.frombuffer(data, np.int32)])
    return UPRIGHT


def _opened(path: Path) -> Any:
    import av

    return av.open(str(path))


def _stream(container: Any) -> Any:
    """Return the video stream that a player shows."""
    stream = container.streams.best("video")
    if stream is None:
        raise ValueError("no video stream")
    return stream


def _packets(container: Any, stream: Any) -> list[Packet]:
    """Return the compressed frames in the order of the file; refuse incomplete ones."""
    packets = []
    for packet in container.demux(stream):
        if packet.size:
            if packet.is_corrupt:
                raise ValueError("the last frames are incomplete")
            packets.append(Packet(packet.pts, packet.is_keyframe, packet.is_discard))
    if not packets:
        raise ValueError("no frames")
    return packets


def _first_frame_and_times(path: Path, all_of_them: bool) -> tuple[Any, list[int] | None]:
    """Return the first frame and, where all are decoded, the times at which they are shown."""
    with _opened(path) as container:
        frames = container.decode(_stream(container))
        first = next(frames, None)
        if first is None:
            raise ValueError("no frame can be decoded")
        return first, [first.pts, *(frame.pts for frame in frames)] if all_of_them else None


def _times_can_be_relied_on(container: str, reorders: bool) -> bool:
    # Tried: times shift after a jump in MPEG-PS, and AVI has no presentation times for frames out of order.
    return container.startswith(("mov,", "matroska,")) or (container == "avi" and not reorders)


_CODEC_OF_DECODER = {"libdav1d": "av1", "libvpx-vp9": "vp9", "libvpx": "vp8"}
"""Codecs that FFmpeg names after the library that decodes them."""
