"""Checks of a clip that make its answer doubtful, each with a code, a severity and advice."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from data_modules.video.crop import Crop, DetectedFace, YuNet
from data_modules.video.eyes import DetectedEyes
from lightmannet.inference.answer import Interval, QualityWarning
from lightmannet.inference.clip_file import ClipFile
from lightmannet.inference.motion import Motion

_FPS_FATAL, _FPS_LOW = 10.0, 50.0
_DARK_FATAL, _DARK = 12.0, 40.0
_LARGE = 1920
_SMALL = 64
_LONG_SECONDS = 600.0


def clip_warnings(clip: ClipFile) -> Iterator[QualityWarning]:
    """Yield warnings about a clip's file."""
    if len(clip.numbers) < 2:
        yield QualityWarning("one_frame", "fatal", "The clip has a single frame, which shows no motion. Give a video.")
    if clip.fps is None:
        yield QualityWarning(
            "frame_rate_unknown",
            "info",
            "The frame rate is unknown, so the duration cannot be computed. Pass --fps.",
        )
    elif clip.fps < _FPS_FATAL:
        yield QualityWarning(
            "frame_rate_too_low",
            "fatal",
            f"{clip.fps:.3g} frames per second: a micro-expression of half a second has at most "
            f"{int(clip.fps / 2) + 1} frames. Film with 100 or more.",
        )
    elif clip.fps < _FPS_LOW:
        yield QualityWarning(
            "frame_rate_low",
            "warning",
            f"{clip.fps:.3g} frames per second are few for micro-expressions, whose apex may fall between two frames. "
            "Film with 100 or more.",
        )
    steps = np.diff(clip.numbers)
    gaps = np.flatnonzero(steps > np.median(steps)) if len(steps) else np.array([], int)
    if len(gaps):
        others = {1: "", 2: " and in 1 other place"}.get(len(gaps), f" and in {len(gaps) - 1} other places")
        yield QualityWarning(
            "frames_missing",
            "warning",
            f"Frames are missing after frame {clip.numbers[int(gaps[0])]}{others}; where onset, apex or offset is "
            "missing, the nearest frame is taken.",
        )
    if clip.variable:
        yield QualityWarning(
            "variable_frame_rate",
            "warning",
            "The frame rate varies, so times in seconds are rough. Film with a constant rate, or convert the video.",
        )
    if clip.turned:
        yield QualityWarning("turned", "info", "The frames were rotated or mirrored according to the file.")
    if max(clip.height, clip.width) > _LARGE:
        yield QualityWarning(
            "large_frames",
            "info",
            f"Frames of {clip.width} x {clip.height} pixels are scaled down; reading them takes most of the time.",
        )
    if min(clip.height, clip.width) < _SMALL:
        yield QualityWarning(
            "small_frames",
            "warning",
            f"Frames of {clip.width} x {clip.height} pixels are too small to show small movements.",
        )
    if clip.fps and len(clip.numbers) / clip.fps > _LONG_SECONDS:
        yield QualityWarning(
            "long_video",
            "warning",
            f"The video lasts {len(clip.numbers) / clip.fps / 60:.0f} minutes; only one interval of it was recognised.",
        )


def interval_warnings(interval: Interval, fps: float | None, candidates: int) -> Iterator[QualityWarning]:
    """Yield warnings about the interval to recognise.

    Args:
        interval: The interval.
        fps: Frames per second, if known.
        candidates: Number of spotted intervals.
    """
    if interval.kind == "macro" and fps:
        yield QualityWarning(
            "looks_like_a_macro_expression",
            "warning",
            f"The movement lasts {(interval.offset - interval.onset) / fps:.2f} s, longer than the half second of a "
            "micro-expression.",
        )
    if candidates > 1:
        yield QualityWarning(
            "several_intervals",
            "info",
            f"The face moves in {candidates} intervals; the strongest was taken. Pass --interval to choose another.",
        )


def brightness_warnings(crop: UInt8[np.ndarray, "height width channel"]) -> Iterator[QualityWarning]:
    """Yield a warning if a face crop is too dark, by its mean brightness, 0..255."""
    mean = float(crop.mean())
    if mean < _DARK:
        severity = "fatal" if mean < _DARK_FATAL else "warning"
        yield QualityWarning(
            "too_dark",
            severity,  # type: ignore[arg-type]  # mypy widens the literal
            f"The face is dark (mean brightness {mean:.0f} of 255). Film it in more light.",
        )


def motion_warnings(found: Motion) -> Iterator[QualityWarning]:
    """Yield a warning if the head moves more than the face."""
    if found.head > found.face:
        yield QualityWarning(
            "head_moves",
            "warning",
            f"From onset to apex the head moves by {found.head:.1%} of the picture's width, the face by only "
            f"{found.face:.1%}. Keep the head still.",
        )


def face_warnings(faces: Sequence[DetectedFace], crop: Crop, looked: bool) -> Iterator[QualityWarning]:
    """Yield whether there is no face, or there are several, or none was looked for.

    Args:
        faces: Those found in the onset frame, or in the first frame where the onset is not known yet.
        crop: The bundle's crop.
        looked: Whether faces were looked for.
    """
    detects = isinstance(crop, YuNet | DetectedEyes)
    if not looked:
        yield QualityWarning(
            "faces_not_looked_for", "warning", "No face was looked for: the whole frame is treated as a face."
        )
    elif not faces:
        hint = "" if detects else " If every frame shows only a face, pass --any-face."
        yield QualityWarning(
            "no_face",
            "fatal",
            "Can't tell: no face was found in the first frame. Film one face from the front, upright, so large that it "
            f"fills at least a third of the picture.{hint}",
        )
    elif len(faces) > 1:
        which = "the largest is taken" if detects else "the whole frame is treated as one"
        yield QualityWarning(
            "several_faces", "warning", f"{len(faces)} faces were found; {which}. Show one person alone."
        )
