"""Spotting facial motion in a clip: a baseline based on motion alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Complex128, Float64, Inexact, UInt8
from numpy.lib.stride_tricks import sliding_window_view

from data_modules.representations.optical_flow import Flow, dis_estimator
from data_modules.video.crop import Crop
from data_modules.video.frames import Pixels
from lightmannet.errors import ClipError
from lightmannet.inference.answer import Interval
from lightmannet.inference.motion import divide, strength

MICRO_SECONDS = 0.5
"""Longest micro-expression."""

SIZE = 64  # pixels: height and width at which motion is looked for
_SHORT = 3.0  # seconds: shorter clips are assumed to begin and end at rest
_REST = 0.025  # seconds at both ends of a short clip between which drift is a straight line
_STEADYING = 0.02  # seconds, standard deviation: flow of a short clip is smoothed before its strength is taken
_REACH = 2.0  # seconds to both sides over which the median frame is the face at rest
_BLOCK = 0.25  # seconds that share a median frame
_MEDIAN_OF = 60  # frames that make a median, at most
_SMOOTHING_SHORT, _SMOOTHING_LONG = 0.02, 0.05  # seconds, standard deviation
_LEAST = 0.0008  # of the crop's width: smaller motion is ignored
_FLOOR, _TOP, _SHARE = 0.25, 0.98, 0.3  # a peak of a long video reaches 0.3 of the way from one quantile to the other
_EDGE = 0.2  # share of the peak's height at which an expression begins and ends
_ASSUMED_FPS = 30.0


@dataclass(frozen=True)
class Spotted:
    """Result of spotting.

    Attributes:
        intervals: Candidates, the strongest first.
        curve: Strength of facial motion in each frame, as a fraction of the crop's width.
    """

    intervals: tuple[Interval, ...]
    curve: Float64[np.ndarray, " frame"]


def spot(chunks: Iterable[Pixels], numbers: Sequence[int], crop: Crop, fps: float | None) -> Spotted:
    """Return intervals in which the face moves.

    Each frame is compared with the face at rest by dense flow (DIS) at 64 pixels: the first frames of a clip of up to
    three seconds, else the median of the frames within two seconds. A similarity transform fitted to most pixels, the
    head motion, is subtracted; in a short clip, assumed to begin and end at rest, also the linear drift. The curve is
    the mean of the strongest fifth of the remaining motion in blocks. Peaks of the smoothed curve are apexes; onset and
    offset are where it has fallen to a fifth of the peak's height above the curve's floor. A short clip has at most one
    interval. Any facial motion counts as an expression, including blinks and speech. The score is the peak's height
    over the floor in hundredths of the crop's width.

    Args:
        chunks: All frames in order, gray, some at a time.
        numbers: Their numbers, ascending.
        crop: How the face is cropped; the first frame determines the crop of all.
        fps: Frames per second; None takes 30.

    Raises:
        ClipError: Frames of different size.
        DataError: A frame cannot be read, or the first has no face.

    Reference: Shreve et al. 2011, "Macro- and micro-expression spotting in long videos using spatio-temporal strain",
    FG 2011, and Moilanen, Zhao, Pietikäinen 2014, "Spotting rapid facial movements from videos using appearance-based
    feature difference analysis", ICPR 2014, for peaks of a motion curve over a threshold; the details are ours.
    """
    rate = fps or _ASSUMED_FPS
    short = len(numbers) <= _SHORT * rate
    crops, flow = _crops(chunks, crop), dis_estimator("ultrafast")
    curve = _short_curve(list(crops), rate, flow) if short else np.array(list(_long_curve(crops, rate, flow)))
    curve = _smooth(curve, (_SMOOTHING_SHORT if short else _SMOOTHING_LONG) * rate)
    places = _one_peak(curve) if short else _peaks(curve)
    found = [
        Interval(
            onset=numbers[onset],
            apex=numbers[apex],
            offset=numbers[offset],
            score=round(100 * strength, 4),
            kind=kind_of(numbers[onset], numbers[offset], fps),
            source="spotted",
        )
        for onset, apex, offset, strength in places
    ]
    return Spotted(tuple(sorted(found, key=lambda interval: -interval.score)), curve)


def kind_of(onset: int, offset: int, fps: float | None) -> Literal["micro", "macro"]:
    """Return ``macro`` for more than half a second, else ``micro``; also ``micro`` without a frame rate."""
    return "macro" if fps and (offset - onset) / fps > MICRO_SECONDS else "micro"


def _crops(chunks: Iterable[Pixels], crop: Crop) -> Iterator[UInt8[np.ndarray, "size size"]]:
    first: Pixels | None = None
    for chunk in chunks:
        if first is None:
            first = chunk[:1]
        if chunk.shape[1:] != first.shape[1:]:
            raise ClipError(
                f"its frames differ in size ({first.shape[2]} x {first.shape[1]} and {chunk.shape[2]} x "
                f"{chunk.shape[1]} pixels); all frames of a clip must have one size"
            )
        # The crop depends on the first frame that it gets.
        for square in crop.square(np.concatenate([first, chunk]), SIZE, None)[1:]:
            yield square[:, :, 0]


def _short_curve(
    frames: Sequence[UInt8[np.ndarray, "size size"]], rate: float, flow: Flow
) -> Float64[np.ndarray, " frame"]:
    """Return each frame's facial motion relative to the face at rest, without linear drift."""
    rest = np.median(np.stack(frames[: max(1, min(3, len(frames) // 10))]), axis=0).astype(np.uint8)
    blocks = np.stack([divide(flow(rest, frame)).blocks for frame in frames])
    return strength(_smooth(_without_drift(blocks, rate), _STEADYING * rate))


def _without_drift(
    blocks: Complex128[np.ndarray, "frame row column"], rate: float
) -> Complex128[np.ndarray, "frame row column"]:
    ends = max(1, min(round(_REST * rate), len(blocks) // 10))
    first, last = blocks[:ends].mean(0), blocks[-ends:].mean(0)
    return blocks - (first + (last - first) * np.linspace(0, 1, len(blocks))[:, None, None])


def _long_curve(frames: Iterator[UInt8[np.ndarray, "size size"]], rate: float, flow: Flow) -> Iterator[float]:
    """Yield each frame's facial motion relative to the face at rest, in constant memory."""
    reach, block = round(_REACH * rate), max(1, round(_BLOCK * rate))
    window: list[np.ndarray] = []
    start = done = 0  # numbers of the window's first frame and of the next frame to judge

    def judge(last: int) -> Iterator[float]:
        around = window[max(0, done - reach - start) : last + reach - start]
        rest = np.median(np.stack(around[:: max(1, len(around) // _MEDIAN_OF)]), axis=0).astype(np.uint8)
        yield from (divide(flow(rest, frame)).face for frame in window[done - start : last - start])

    for frame in frames:
        window.append(frame)
        if start + len(window) >= done + block + reach:
            yield from judge(done + block)
            done += block
            fewer = max(0, done - reach - start)
            window, start = window[fewer:], start + fewer
    while done < start + len(window):
        last = min(done + block, start + len(window))
        yield from judge(last)
        done = last


def _smooth(values: Inexact[np.ndarray, "frame *block"], deviation: float) -> Inexact[np.ndarray, "frame *block"]:
    """Return values averaged over time with Gaussian weights, repeating the end values."""
    if deviation < 0.3 or len(values) < 3:
        return values
    reach = int(3 * deviation) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return np.asarray(sliding_window_view(padded, len(weights), axis=0) @ (weights / weights.sum()))


def _one_peak(curve: Float64[np.ndarray, " frame"]) -> list[tuple[int, int, int, float]]:
    apex = int(curve.argmax())
    if apex == 0:
        return []
    floor = float(curve[: apex + 1].min())
    height = float(curve[apex]) - floor
    if curve[apex] < _LEAST or height <= 0:
        return []
    return [(*_edges(curve, apex, floor + _EDGE * height), height)]


def _peaks(curve: Float64[np.ndarray, " frame"]) -> list[tuple[int, int, int, float]]:
    floor, top = map(float, np.quantile(curve, (_FLOOR, _TOP)))
    least = max(_LEAST, floor + _SHARE * (top - floor))
    left = curve.copy()
    found = []
    while (apex := int(left.argmax())) and left[apex] >= least:
        height = float(curve[apex]) - floor
        onset, apex, offset = _edges(curve, apex, floor + _EDGE * height)
        # The flank of an earlier peak is not a peak.
        if (left[onset : offset + 1] > 0).all():
            found.append((onset, apex, offset, height))
        left[onset : offset + 1] = 0
    return found


def _edges(curve: Float64[np.ndarray, " frame"], apex: int, level: float) -> tuple[int, int, int]:
    before = np.flatnonzero(curve[:apex] <= level)
    after = np.flatnonzero(curve[apex + 1 :] <= level)
    onset = int(before[-1]) if len(before) else 0
    offset = apex + 1 + int(after[0]) if len(after) else len(curve) - 1
    return onset, apex, offset
