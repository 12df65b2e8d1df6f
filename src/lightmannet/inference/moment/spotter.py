"""Where in a video the face moves, by one of several ways."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from data_modules.video.crop import DetectedFace
from data_modules.video.frames import Pixels
from lightmannet.errors import ClipError
from lightmannet.inference.answer import Interval
from lightmannet.inference.moment.candidates import MICRO_SECONDS, Candidate, without_overlaps
from lightmannet.inference.moment.main_direction import turned_back
from lightmannet.inference.moment.matched_filters import filtered, fitted
from lightmannet.inference.moment.network import candidates, network_inputs, trained_network
from lightmannet.inference.moment.region_motion import RegionMotion, region_motion

_PART, _AROUND = 60.0, 8.0  # seconds that are looked at together, and those before and after that they depend on

Way = Literal["network", "matched_filters", "main_direction"]


def _by_network(motion: RegionMotion, rate: float) -> list[Candidate]:
    """Return what the network proposes, a minute at a time, so that memory does not grow with a long video."""
    found = []
    minute, around = round(_PART * rate), round(_AROUND * rate)
    for start in range(0, len(motion.local), minute):
        first = max(0, start - around)
        frames = slice(first, start + minute + around)
        part = RegionMotion(motion.local[frames], motion.head[frames], motion.change[frames])
        for c in candidates(trained_network(), network_inputs(part, rate)):
            onset, apex, offset = (time + first / rate for time in (c.onset, c.apex, c.offset))
            if start <= apex * rate < start + minute or (start + minute >= len(motion.local) and apex * rate >= start):
                found.append(replace(c, onset=onset, apex=apex, offset=offset))
    return without_overlaps(found)


WAYS: Mapping[Way, Callable[[RegionMotion, float], list[Candidate]]] = {
    "network": _by_network,
    "matched_filters": filtered,
    "main_direction": turned_back,
}
LEAST: Mapping[Way, Mapping[str, float]] = {
    "network": {"micro": 0.63, "macro": 0.82},
    "matched_filters": {"micro": 1.6, "macro": 1.15},
    "main_direction": {"micro": 0.018, "macro": 0.1},
}
"""Least score of an interval that is proposed, with the highest F1 on rendered people that nothing was trained on."""

_WHOLE = 0.6  # seconds: a clip up to this length is taken for one expression, from about its onset to about its offset
_SLACK = 0.2  # share of the duration by which onset and offset of such a clip may lie further inside
_AGAIN = 0.1  # the same where a way has proposed the interval
_SEEN = 0.1  # least score of such an expression
_SHORT = 3.0  # seconds: a clip up to this length was cut out for something, whose shape filters may find
_ASSUMED_FPS = 30.0


@dataclass(frozen=True)
class Spotted:
    """What was found.

    Attributes:
        intervals: The likeliest first.
        curve: Strength of the motion of face regions in each frame, in distances between the eyes.
    """

    intervals: tuple[Interval, ...]
    curve: Float64[np.ndarray, " frame"]


def spot(
    chunks: Iterable[Pixels], numbers: Sequence[int], face: DetectedFace, fps: float | None, way: Way = "network"
) -> Spotted:
    """Return intervals in which the face moves.

    A clip of up to .6 s is taken for one expression: the rise and fall that explains most of its motion is fitted to
    it. In longer ones a way proposes intervals; the apexes of micro-expressions, too, are those of a fitted shape.

    Args:
        chunks: All frames in order, gray, some at a time.
        numbers: Their numbers, ascending.
        face: The face in the first frame.
        fps: Frames a second; None takes 30.
        way: ``network``, trained on rendered faces; ``matched_filters``, shapes of rise and fall; ``main_direction``,
            as in MDMD.

    Raises:
        ClipError: Frames of different size.
        DataError: A frame cannot be read.
    """
    rate = float(fps or _ASSUMED_FPS)
    motion = region_motion(_of_one_size(chunks), face.left_eye, face.right_eye, rate)
    found = found_in(motion, rate, way)
    intervals = tuple(_interval(candidate, numbers, rate, fps) for candidate in found)
    return Spotted(intervals, strength(motion, rate))


def found_in(motion: RegionMotion, rate: float, way: Way) -> list[Candidate]:
    """Return the proposed expressions, the likeliest first.

    Args:
        motion: Of all frames.
        rate: Frames a second.
        way: As in ``spot``.
    """
    seconds = (len(motion.local) - 1) / rate
    if seconds <= _WHOLE:
        found = fitted(motion, rate, 0, seconds, _SLACK)
        return [found] if found.score >= _SEEN else []
    proposed = _proposed(motion, rate, way)
    if not proposed and seconds <= _SHORT:
        proposed = _proposed(motion, rate, "matched_filters")[:1]
    return [_refined(c, motion, rate) for c in proposed]


def _proposed(motion: RegionMotion, rate: float, way: Way) -> list[Candidate]:
    return [c for c in WAYS[way](motion, rate) if c.score >= LEAST[way][c.kind]]


def _refined(found: Candidate, motion: RegionMotion, rate: float) -> Candidate:
    """Return a micro-expression with the apex of the rise and fall that fits it best."""
    if found.kind == "macro":
        return found  # they hold their apex, and a fitted one is no better
    return replace(found, apex=fitted(motion, rate, found.onset, found.offset, _AGAIN).apex)


def strength(motion: RegionMotion, rate: float) -> Float64[np.ndarray, " frame"]:
    """Return how far the regions are, on average, from where they are in the median of the two seconds around."""
    places = motion.local[..., :2].astype(np.float64)
    reach, step = max(1, round(2 * rate)), max(1, round(rate / 4))
    rest = [np.median(places[max(0, k - reach) : k + reach + 1 : step], axis=0) for k in range(0, len(places), step)]
    away = places - np.repeat(rest, step, axis=0)[: len(places)]
    return np.hypot(away[..., 0], away[..., 1]).mean(1)


def kind_of(onset: int, offset: int, fps: float | None) -> Literal["micro", "macro"]:
    """Return ``macro`` for what lasts longer than half a second; without a frame rate it is taken for ``micro``."""
    return "macro" if fps and (offset - onset) / fps > MICRO_SECONDS else "micro"


def _interval(found: Candidate, numbers: Sequence[int], rate: float, fps: float | None) -> Interval:
    last = len(numbers) - 1
    onset = min(max(round(found.onset * rate), 0), max(last - 1, 0))
    offset = min(max(round(found.offset * rate), onset + 1), last)
    apex = min(max(round(found.apex * rate), onset), offset)
    return Interval(
        onset=numbers[onset],
        apex=numbers[apex],
        offset=numbers[offset],
        score=round(found.score, 4),
        kind=found.kind if fps else kind_of(numbers[onset], numbers[offset], fps),
        source="spotted",
    )


def _of_one_size(chunks: Iterable[Pixels]) -> Iterable[Pixels]:
    shape: tuple[int, ...] | None = None
    for chunk in chunks:
        shape = shape or chunk.shape[1:]
        if chunk.shape[1:] != shape:
            raise ClipError(
                f"its frames differ in size ({shape[1]} x {shape[0]} and {chunk.shape[2]} x {chunk.shape[1]} pixels); "
                "all frames of a clip must have one size"
            )
        yield chunk
