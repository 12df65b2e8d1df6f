"""First step of recognition: open a clip, spot the expression, compute the network's inputs, collect warnings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from data_modules.clip_inputs import clip_inputs
from data_modules.representations.base import Representation
from data_modules.representations.optical_flow import dis
from data_modules.video.crop import Crop, DetectedFace, YuNet
from data_modules.video.eyes import DetectedEyes
from data_modules.video.faces import find_faces, whole_frame_face
from data_modules.video.frames import Pixels, nearest
from lightmannet.errors import ClipError, DataError
from lightmannet.inference.answer import STAGES, Interval, QualityWarning
from lightmannet.inference.array_clip import array_clip
from lightmannet.inference.clip_file import ClipFile, open_clip
from lightmannet.inference.moment.spotter import kind_of, spot
from lightmannet.inference.motion import divide
from lightmannet.inference.quality import (
    brightness_warnings,
    clip_warnings,
    face_warnings,
    interval_warnings,
    motion_warnings,
)

T = TypeVar("T")

LOOKING_SIZE = 224
"""Height and width in pixels of displayed face crops; motion is computed at half of it."""

Span = tuple[int, int, int]
"""Frame numbers of onset, apex and offset."""


@dataclass
class Observation:
    """Result of examining a clip; without ``inputs`` there is nothing to recognise.

    Attributes:
        file: The opened clip.
        interval: The interval to recognise, or None.
        inputs: The network's inputs for the clip, or None.
        candidates: All spotted intervals, the strongest first; empty for a given interval.
        warnings: Reasons for doubt.
        reason: Why there are no inputs, unless a warning explains it.
        seconds: Time spent by stage.
    """

    file: ClipFile
    interval: Interval | None = None
    inputs: Float[Tensor, "1 phase channel size size"] | None = None
    candidates: tuple[Interval, ...] = ()
    warnings: list[QualityWarning] = field(default_factory=list)
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @property
    def hopeless(self) -> bool:
        """Whether no class may be named."""
        return any(warning.severity == "fatal" for warning in self.warnings)

    def timed(self, stage: str, work: Callable[[], T]) -> T:
        """Return the result of ``work`` and add its duration to the stage's."""
        start = time.perf_counter()
        done = work()
        self.seconds[stage] += time.perf_counter() - start
        return done


def look(
    clip: str | Path | np.ndarray,
    interval: Span | None,
    fps: float | None,
    representation: Representation,
    crop: Crop,
    any_face: bool = False,
) -> Observation:
    """Return the result of examining a clip.

    Args:
        clip: A video file, a folder of frames with numbers in their names, or an array of frames (``array_clip``).
        interval: Frame numbers of onset, apex and offset; None spots motion.
        fps: Frames per second; None takes the video's.
        representation: Computes the network's inputs.
        crop: How the face is cropped.
        any_face: Treat each frame as a face without face detection.

    Raises:
        ClipError: The clip cannot be read, or the interval does not fit it.
        ConfigurationError: The crop needs a face detector's model, which is not given.
    """
    start = time.perf_counter()
    seen = Observation(array_clip(clip, fps) if isinstance(clip, np.ndarray) else open_clip(clip, fps))
    file = seen.file
    seen.seconds["read"] = time.perf_counter() - start
    seen.warnings += clip_warnings(file)
    if len(file.numbers) < 2:
        return seen
    with as_clip_error(file.path):
        if interval is not None:
            seen.interval = given = _given(file, interval)
        # Face detection comes before spotting, which takes most of the time.
        if interval is None:
            frame = seen.timed("read", lambda: file.kept.read(file.numbers[:1], "gray"))[0]
        else:
            frame = seen.timed("read", lambda: _onset_and_apex(file, span_of(given), representation))[0]
        looks = not any_face or isinstance(crop, YuNet | DetectedEyes)
        faces = seen.timed("face", lambda: _faces(frame, crop)) if looks else [whole_frame_face(frame)]
        seen.warnings += face_warnings(faces, crop, looks)
        if not faces:
            return seen
        if seen.interval is None:
            found = seen.timed("spot", lambda: spot(file.chunks("gray"), file.numbers, faces[0], file.fps))
            seen.candidates = found.intervals
            if not found.intervals:
                seen.reason = "no facial motion was found"
                return seen
            seen.interval = found.intervals[0]
        seen.warnings += interval_warnings(seen.interval, file.fps, len(seen.candidates))
        span = span_of(seen.interval)
        pair = seen.timed("read", lambda: _onset_and_apex(file, span, representation))
        squares = crop.square(pair, LOOKING_SIZE // 2, None)
        seen.warnings += brightness_warnings(squares[0])
        seen.warnings += motion_warnings(divide(dis(squares[0, :, :, 0], squares[1, :, :, 0])))
        seen.inputs = seen.timed("represent", lambda: inputs_of(file, span, representation, crop))
    return seen


def inputs_of(
    file: ClipFile, span: Span, representation: Representation, crop: Crop
) -> Float[Tensor, "1 phase channel size size"]:
    """Return the network's inputs for an interval of a clip."""
    inside = [number for number in file.numbers if span[0] <= number <= span[2]]
    return torch.from_numpy(clip_inputs(file.kept, inside, span, representation, crop))[None]


def span_of(interval: Interval) -> Span:
    """Return the frame numbers of onset, apex and offset."""
    return interval.onset, interval.apex, interval.offset


@contextmanager
def as_clip_error(clip: str | Path) -> Iterator[None]:
    """Convert data errors to clip errors that name the clip."""
    try:
        yield
    except DataError as error:
        raise ClipError(str(error) if str(clip) in str(error) else f"{clip}: {error}") from error


def _faces(frame: UInt8[np.ndarray, "height width channel"], crop: Crop) -> list[DetectedFace]:
    """Return the faces of a frame as the crop finds them, the largest first."""
    faces = crop.find_faces(frame) if isinstance(crop, YuNet | DetectedEyes) else find_faces(frame)
    return sorted(faces, key=lambda face: (-face.box.width * face.box.height, -face.score))


def _given(file: ClipFile, interval: Span) -> Interval:
    onset, apex, offset = file.check_interval(interval)
    return Interval(onset, apex, offset, 1.0, kind_of(onset, offset, file.fps), "given")


def _onset_and_apex(file: ClipFile, span: Span, representation: Representation) -> Pixels:
    """Return onset and apex in gray, read together with the representation's frames."""
    pair = [nearest(file.numbers, number) for number in span[:2]]
    moments = [nearest(file.numbers, number) for number in representation.moments(*span)]
    if representation.color == "gray":
        file.kept.read([*pair, *moments], "gray")
    return file.kept.read(pair, "gray")
