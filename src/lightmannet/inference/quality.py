"""What makes an answer doubtful: checks of a clip, each with a code, a severity and a word on what to do."""

import os
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

from data_modules.video.crop import MODEL_VARIABLE, Crop, YuNet
from lightmannet.errors import ConfigurationError
from lightmannet.inference.answer import Interval, QualityWarning
from lightmannet.inference.clip_file import ClipFile
from lightmannet.inference.motion import Motion

_FPS_FATAL, _FPS_LOW = 10.0, 50.0
_DARK_FATAL, _DARK = 12.0, 40.0
_LARGE = 1920
_SMALL = 64
_LONG_SECONDS = 600.0


def clip_warnings(clip: ClipFile) -> Iterator[QualityWarning]:
    """Yield what is doubtful about a clip as a file."""
    if len(clip.numbers) < 2:
        yield QualityWarning("one_frame", "fatal", "The clip is one frame, which shows no motion; give a film of it.")
    if clip.fps is None:
        yield QualityWarning(
            "frame_rate_unknown",
            "info",
            "Nobody said how many frames a second there are, so how long the expression lasts is not known; say it.",
        )
    elif clip.fps < _FPS_FATAL:
        yield QualityWarning(
            "frame_rate_too_low",
            "fatal",
            f"{clip.fps:.3g} frames a second: a micro-expression of half a second has no more than "
            f"{int(clip.fps / 2) + 1}. Film with 100 or more.",
        )
    elif clip.fps < _FPS_LOW:
        yield QualityWarning(
            "frame_rate_low",
            "warning",
            f"{clip.fps:.3g} frames a second are few for micro-expressions, whose apex may fall between two frames. "
            "Film with 100 or more.",
        )
    if clip.variable:
        yield QualityWarning(
            "variable_frame_rate",
            "warning",
            "The frames last differently long, so times in seconds are rough. Film, or convert, with a constant rate.",
        )
    if clip.turned:
        yield QualityWarning("turned", "info", "A note in the file turns the frames; they were turned.")
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
            f"The video lasts {len(clip.numbers) / clip.fps / 60:.0f} minutes; one interval of it was looked at.",
        )


def interval_warnings(interval: Interval, fps: float | None, candidates: int) -> Iterator[QualityWarning]:
    """Yield what is doubtful about the interval that was looked at.

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
            f"The face moves in {candidates} intervals; the strongest was looked at. Give the one that is meant.",
        )


def brightness_warnings(crop: UInt8[np.ndarray, "height width channel"]) -> Iterator[QualityWarning]:
    """Yield whether a face crop is too dark; the mean brightness counts, 0..255."""
    mean = float(crop.mean())
    if mean < _DARK:
        severity = "fatal" if mean < _DARK_FATAL else "warning"
        yield QualityWarning(
            "too_dark",
            severity,  # type: ignore[arg-type]  # mypy widens the literal
            f"The face is dark (mean brightness {mean:.0f} of 255); film it in more light.",
        )


def motion_warnings(found: Motion) -> Iterator[QualityWarning]:
    """Yield whether the head moves more than the face."""
    if found.head > found.face:
        yield QualityWarning(
            "head_moves",
            "warning",
            f"The head moves by {found.head:.1%} of the picture's width from onset to apex, what moves in the face by "
            f"{found.face:.1%}; keep the head still.",
        )


def first_frame_warnings(clip: ClipFile, crop: Crop) -> Iterator[QualityWarning]:
    """Yield whether a crop that finds the face in a clip's first frame, to look for motion in it, finds none.

    Raises:
        ConfigurationError: The face detector's model is missing.
        DataError: The frame cannot be read.
    """
    if isinstance(crop, YuNet) and not crop.find_faces(clip.kept.read(clip.numbers[:1], "gray")[0]):
        yield QualityWarning("no_face", "fatal", "No face was found in the first frame; film one from the front.")


def face_warnings(frame: UInt8[np.ndarray, "height width channel"], crop: Crop) -> Iterator[QualityWarning]:
    """Yield whether the frame has no face or several, if there is a face detector to ask.

    Args:
        frame: The onset frame as filmed.
        crop: The bundle's crop; ``YuNet`` is asked itself, beside others one is if its model is named.
    """
    if not isinstance(crop, YuNet) and not os.environ.get(MODEL_VARIABLE):
        yield QualityWarning(
            "faces_not_looked_for",
            "info",
            f"Faces were not looked for: the whole frame is taken for one. Name a face detector's model in "
            f"{MODEL_VARIABLE} to look.",
        )
        return
    try:
        faces = (crop if isinstance(crop, YuNet) else YuNet()).find_faces(frame)
    except ConfigurationError as error:
        yield QualityWarning("faces_not_looked_for", "info", f"Faces were not looked for: {error}")
        return
    if not faces:
        yield QualityWarning("no_face", "fatal", "No face was found in the onset frame; film one from the front.")
    elif len(faces) > 1:
        yield QualityWarning(
            "several_faces", "warning", f"{len(faces)} faces were found; the largest is taken. Show one person alone."
        )
