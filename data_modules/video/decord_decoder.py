"""Frames of a video file by decord: the one file that imports it."""

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from data_modules.video.video_index import VideoIndex


def is_installed() -> bool:
    """Return whether decord is installed: it has wheels for Linux on x86-64 only."""
    return importlib.util.find_spec("decord") is not None


def is_preferred(index: VideoIndex) -> bool:
    """Return whether decord reads a file as surely and about as fast as PyAV: short lossless FFV1 in MKV, upright.

    FFV1 alone has checksums. Tried on files of which up to 60 bytes were overwritten at random: decord gave frames of
    a tenth to a third of the H.264, VP8, VP9, MPEG-4, WMV and ProRes files that PyAV refuses as damaged, concealed or
    repeated, without a word; it did so for none of 550 files of FFV1 in MKV. It was faster for no file.
    """
    plain = not index.hides and not index.turned
    return plain and index.codec == "ffv1" and index.container == "matroska,webm" and index.count <= _SHORT


_SHORT = 500
"""Frames; decord decodes from the first one at each reading."""


class DecordDecoder:
    """Frames counted from the first one.

    decord's own jumps (``get_batch``, ``skip_frames``) silently gave wrong frames for H.264 in AVI, B-frames in AVI,
    open groups of pictures in MP4, MPEG-PS and WMV, so they are not used. No reader stays open between two calls: a
    process forked from one with an open decord reader dies when it releases the reader.

    Args:
        path: The file.
        index: What is shown of it.

    Raises:
        ValueError: decord does not show what a player shows.
        decord.DECORDError: It cannot open the file.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self._path = path
        if index.turned:  # tried: they come out as stored, or with 4 channels of wrong pixels
            raise ValueError("decord cannot read turned or mirrored videos; choose backend: pyav")
        if (held := len(self._reader())) != index.count:  # it counts hidden frames, and repeats the last one for them
            raise ValueError(f"decord counts {held} frames where {index.count} are shown; choose backend: pyav")

    def read(self, places: Sequence[int]) -> UInt8[np.ndarray, "frame height width 3"]:
        """Return the frames at these places, counted from 0, in the requested order; red, green, blue.

        Raises:
            decord.DECORDError: A frame cannot be decoded.
        """
        wanted = set(places)
        found = {}
        reader = self._reader()
        for place in range(max(wanted) + 1):
            frame = reader.next()
            if place in wanted:
                found[place] = frame.asnumpy()
        return np.stack([found[place] for place in places])

    def _reader(self) -> Any:
        import decord

        decord.logging.set_level(decord.logging.QUIET)  # FFmpeg would print what becomes our error
        return decord.VideoReader(str(self._path), num_threads=1)  # the data loader's workers share the cores


def plain_message(message: str) -> str:
    """Return an error of decord without the time and the line of its source."""
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", message)
