"""What makes an answer doubtful: checks of a clip, each with a code, a severity and advice."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

from data_modules.video.crop import MODEL_VARIABLE, Crop, YuNet
from lightmannet.inference.answer import Interval, QualityWarning
from lightmannet.inference.clip_file import ClipFile
from lightmannet.inference.faces import count_faces
from lightmannet.inference.motion import Motion

_FPS_FATAL, _FPS_LOW = 10.0, 50.0
_DARK_FATAL, _DARK = 12.0, 40.0
_LARGE = 1920
_SMALL = 64
_LONG_SECONDS = 600.0


def clip_warnings(clip: ClipFile) -> Iterator[QualityWarning]:
    """Yield what is doubtful about a clip's frames and frame rate."""
    if len(clip.numbers) < 2:
        yield QualityWarning("one_frame", "fatal", "The clip has only one frame and so no motion. Give a video.")
    if clip.fps is None:
        yield QualityWarning(
            "frame_rate_unknown",
            "info",
            "The frame rate is unknown, so durations cannot be computed. Pass fps (--fps).",
        )
    elif clip.fps < _FPS_FATAL:
        yield QualityWarning(
            "frame_rate_too_low",
            "fatal",
            f"At {clip.fps:.3g} frames a second a micro-expression of half a second has at most "
            f"{int(clip.fps / 2) + 1} frames. Film at 100 or more.",
        )
    elif clip.fps < _FPS_LOW:
        yield QualityWarning(
            "frame_rate_low",
            "warning",
            f"{clip.fps:.3g} frames a second are few for micro-expressions, whose apex may fall between two frames. "
            "Film at 100 or more.",
        )
    if clip.variable:
        yield QualityWarning(
            "variable_frame_rate",
            "warning",
            "The frame rate varies, so times in seconds are approximate. Film or convert with a constant frame rate.",
        )
    if clip.turned:
        yield QualityWarning("turned", "info", "The file says that its frames are rotated; they were turned upright.")
    if max(clip.height, clip.width) > _LARGE:
        yield QualityWarning(
            "large_frames",
            "info",
            f"Frames of {clip.width} x {clip.height} pixels are shrunk; reading them takes most of the time.",
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
            f"The video lasts {len(clip.numbers) / clip.fps / 60:.0f} minutes; only one interval of it was classified.",
        )


def interval_warnings(interval: Interval, fps: float | None, candidates: int) -> Iterator[QualityWarning]:
    """Yield what is doubtful about the interval that is classified.

    Args:
        interval: The interval.
        fps: Frames a second, if known.
        candidates: Number of intervals that were found.
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
            f"The face moves in {candidates} intervals; the strongest was classified. Pass the interval you mean.",
        )


def brightness_warnings(crop: UInt8[np.ndarray, "height width channel"]) -> Iterator[QualityWarning]:
    """Yield whether a face crop is too dark; the mean brightness counts, 0..255."""
    mean = float(crop.mean())
    if mean < _DARK:
        severity = "fatal" if mean < _DARK_FATAL else "warning"
        yield QualityWarning(
            "too_dark",
            severity,  # type: ignore[arg-type]  # mypy widens the literal
            f"The face is dark (mean brightness {mean:.0f} of 255). Film in more light.",
        )


def motion_warnings(found: Motion) -> Iterator[QualityWarning]:
    """Yield whether the head moves more than the face."""
    if found.head > found.face:
        yield QualityWarning(
            "head_moves",
            "warning",
            f"The head moves by {found.head:.1%} of the crop's width from onset to apex, more than the facial motion "
            f"of {found.face:.1%}. Keep the head still.",
        )


def face_warnings(
    frame: UInt8[np.ndarray, "height width channel"], crop: Crop, any_face: bool = False
) -> Iterator[QualityWarning]:
    """Yield whether a frame shows no face or several, or that no face was looked for.

    Args:
        frame: The frame as filmed.
        crop: The bundle's crop; ``YuNet`` looks even with ``any_face``, as it cannot cut out what it does not find.
        any_face: Take the frame for a face without looking for one.

    Raises:
        ConfigurationError: YuNet's model is missing or broken.
    """
    if any_face and not isinstance(crop, YuNet):
        yield QualityWarning(
            "faces_not_looked_for", "warning", "No face was looked for: the whole frame was taken for one."
        )
        return
    faces = count_faces(frame, crop)
    if not faces:
        hint = ""
        if not isinstance(crop, YuNet):
            hint = (
                f" If {MODEL_VARIABLE} names YuNet's model, that looks instead of the weaker built-in detector; where "
                "the frames are faces for certain, pass any_face (--any-face)."
            )
        yield QualityWarning("no_face", "fatal", f"No face was found. Film one face from the front.{hint}")
    elif faces > 1:
        yield QualityWarning(
            "several_faces", "warning", f"{faces} faces were found; the largest is used. Show one person alone."
        )
