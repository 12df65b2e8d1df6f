"""Which frames a player shows of a video file, when and how: what is known before a frame is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from data_modules.video.orientation import UPRIGHT, Orientation


class Packet(NamedTuple):
    """A compressed frame without its data.

    Attributes:
        time: When its frame is shown, in units of the stream; None where the file does not say.
        is_key: Whether decoding can start here.
        is_hidden: Whether it is decoded for the sake of others and not shown: an edit list cuts it off.
    """

    time: int | None
    is_key: bool
    is_hidden: bool


@dataclass(frozen=True)
class VideoIndex:
    """What a player shows of a video file.

    Attributes:
        container: The container as FFmpeg calls it, e.g. ``matroska,webm``.
        codec: The codec as FFmpeg calls it, e.g. ``h264``.
        seconds: When each frame is shown, from the first one on.
        stamps: The same in units of the stream, by which a frame is recognised after a jump; empty where the file's
            times cannot be relied on, and frames can only be counted.
        keys: Those of ``stamps`` at which decoding can start, ascending.
        hides: Whether the file holds frames that are not shown.
        fps: Frames per second, on average: as the file says or, where it does not or the times of its frames say
            otherwise, as in what a browser records, by these times; 0 where nothing tells.
        height: Height of a frame as it is shown, pixels.
        width: Width of a frame as it is shown, pixels.
        orientation: How the stored frames are turned and mirrored.
    """

    container: str
    codec: str
    seconds: tuple[float, ...]
    stamps: tuple[int, ...]
    keys: tuple[int, ...]
    hides: bool
    fps: float
    height: int
    width: int
    orientation: Orientation

    @property
    def count(self) -> int:
        """The number of frames."""
        return len(self.seconds)

    @property
    def turned(self) -> bool:
        """Whether the file says that its frames are to be turned or mirrored."""
        return self.orientation != UPRIGHT

    @cached_property
    def variable(self) -> bool:
        """Whether some frames last more than 1.6 times as long as the median one, or shorter by that factor.

        Gaps that a cut left at the ends do not count.
        """
        steps = np.diff(within_cuts(self.seconds))
        usual = float(np.median(steps)) if len(steps) else 0.0
        return usual > 0 and bool((steps > _UNEVEN * usual).any() or (steps < usual / _UNEVEN).any())


_CUT = 3  # frames at the ends that a cut may tear from the others; encoders reorder as many by default
_UNEVEN = 1.6  # times in whole milliseconds, as in .mkv, differ by up to 1.5 at 400 frames per second
_ROUNDED = 0.05  # times in whole milliseconds make few frames seem slower or faster
_ONE_FRAME_A_PACKET = frozenset(
    ("av1", "ffv1", "h264", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v2", "prores", "vp9", "wmv2")
)
"""Codecs whose packets ``tests/unit/video/test_shown_frames.py`` holds against the decoded frames. Not HEVC, whose
decoder leaves out frames that refer to a missing one, as at the end of a cut, and not VP8, which may hide packets."""


def tells_its_frames(packets: Sequence[Packet], container: str, codec: str, reorders: bool) -> bool:
    """Return whether each packet is one shown frame, so that none has to be decoded to count and time them.

    This is not so where packets are hidden by an edit list, where the beginning was cut off (the first packets refer
    to a frame that is missing; AVI and MKV give them new times, so that reordered MPEG never tells), where packets
    share a time or have none, and for codecs that were not tried.

    Args:
        packets: All of them, in the order of the file.
        container: As FFmpeg calls it.
        codec: As FFmpeg calls it.
        reorders: Whether the order of the packets may differ from that of the frames.
    """
    times = [packet.time for packet in packets]
    known = [time for time in times if time is not None]
    return (
        codec in _ONE_FRAME_A_PACKET
        and not (reorders and codec.startswith("mpeg") and container in ("avi", "matroska,webm"))
        and bool(packets)
        and packets[0].is_key
        and not any(packet.is_hidden for packet in packets)
        and len(set(known)) == len(times)
        and min(known) == times[0]
    )


def average_rate(said: float, seconds: Sequence[float]) -> float:
    """Return frames per second: as the file says, unless the times of its frames, ascending, differ from it.

    Gaps that a cut left at the ends do not count.
    """
    seconds = within_cuts(seconds)
    length = seconds[-1] - seconds[0] if seconds else 0.0
    if length <= 0:
        return said
    measured = (len(seconds) - 1) / length
    return said if abs(measured - said) <= _ROUNDED * said else measured


def within_cuts(seconds: Sequence[float]) -> Sequence[float]:
    """Return the times without those that a gap tears from the others at the beginning or the end.

    A cut without re-encoding leaves out frames that are stored after, or refer to, what was cut off. Times with gaps
    elsewhere, too, are returned whole: they are of a camera that left out frames now and then.

    Args:
        seconds: When each frame is shown, ascending.
    """
    steps = np.diff(seconds)
    gaps = np.flatnonzero(steps > _UNEVEN * np.median(steps)) if len(steps) else ()
    first = max((int(gap) + 1 for gap in gaps if gap < _CUT), default=0)
    last = min((int(gap) + 1 for gap in gaps if gap >= len(steps) - _CUT), default=len(seconds))
    even = not any(first <= gap < last - 1 for gap in gaps)
    return seconds[first:last] if even and last - first > 2 else seconds
