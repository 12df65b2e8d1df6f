"""From a clip to what a network sees of it: open, find the interval, check, represent."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_modules.clip_inputs import clip_inputs
from data_modules.representations.base import Representation
from data_modules.representations.optical_flow import dis
from data_modules.video.crop import Crop, YuNet
from data_modules.video.frames import Pixels, nearest
from lightmannet.errors import ClipError, DataError
from lightmannet.inference.answer import STAGES, Interval, QualityWarning, Span
from lightmannet.inference.array_clip import NAME, open_array
from lightmannet.inference.clip_file import ClipFile, open_clip
from lightmannet.inference.motion import divide
from lightmannet.inference.quality import (
    brightness_warnings,
    clip_warnings,
    face_warnings,
    interval_warnings,
    motion_warnings,
)
from lightmannet.inference.spotting import kind_of, spot

ClipSource = str | Path | np.ndarray
"""A video file, a folder of frames, or frames in memory."""

_CHECKED_SIZE = 112  # pixels: height and width of the face crops that brightness and motion are checked on


@dataclass(frozen=True)
class Look:
    """What was found in a clip; without inputs there is nothing to classify.

    Attributes:
        file: The opened clip.
        interval: The interval to classify; None if none was found.
        candidates: All intervals that were found, the strongest first; empty where one was given.
        inputs: What a network sees of the interval, or None.
        warnings: What makes an answer doubtful.
        seconds: Time spent by stage.
        reason: Why there are no inputs, beside what the warnings say.
    """

    file: ClipFile
    interval: Interval | None
    candidates: tuple[Interval, ...]
    inputs: Tensor | None
    warnings: tuple[QualityWarning, ...]
    seconds: dict[str, float]
    reason: str = ""

    @property
    def faceless(self) -> bool:
        """Whether a face was looked for and not found."""
        return any(warning.code == "no_face" for warning in self.warnings)


class Stopwatch:
    """Seconds by stage.

    Args:
        seconds: What was spent already.
    """

    def __init__(self, seconds: dict[str, float] | None = None) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0) | (seconds or {})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to a stage's."""
        start = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - start


def look(
    clip: ClipSource, given: Span | None, fps: float | None, representation: Representation, crop: Crop, any_face: bool
) -> Look:
    """Return what is found in a clip.

    Args:
        clip: A video file, a folder of frames, or frames in memory.
        given: Frame numbers of onset, apex and offset; None looks for motion.
        fps: Frames a second; None takes what a video says.
        representation: What the network sees of an interval.
        crop: How the face is cut out.
        any_face: Take the frame for a face without looking for one.

    Raises:
        ClipError: The clip cannot be read, or the interval is not in it.
        ConfigurationError: The crop needs a face detector's model, which is not given.
    """
    watch = Stopwatch()
    warnings: list[QualityWarning] = []
    candidates: tuple[Interval, ...] = ()
    chosen: Interval | None = None

    def done(inputs: Tensor | None = None, reason: str = "") -> Look:
        return Look(file, chosen, candidates, inputs, tuple(warnings), watch.seconds, reason)

    with as_clip_error(clip):
        with watch.stage("read"):
            file = open_any(clip, fps)
        warnings += clip_warnings(file)
        if given is not None:
            onset, apex, offset = file.check_interval(given)
            chosen = Interval(onset, apex, offset, 1.0, kind_of(onset, offset, file.fps), "given")
        if len(file.numbers) < 2:
            return done()
        with watch.stage("read"):
            first = nearest(file.numbers, chosen.onset) if chosen else file.numbers[0]
            warnings += face_warnings(file.kept.read([first], "gray")[0], crop, any_face)
        if any(warning.code == "no_face" for warning in warnings):
            return done()
        if chosen is None:
            with watch.stage("spot"):
                candidates = spot(file.chunks("gray"), file.numbers, crop, file.fps).intervals
            if not candidates:
                return done(reason="nothing was seen to move in the face")
            chosen = candidates[0]
        warnings += interval_warnings(chosen, file.fps, len(candidates))
        span = span_of(chosen)
        with watch.stage("read"):
            pair = _onset_and_apex(file, span, representation)
        if candidates and isinstance(crop, YuNet):
            warnings += (warning for warning in face_warnings(pair[0], crop, any_face) if warning not in warnings)
            if any(warning.code == "no_face" for warning in warnings):
                return done()
        squares = crop.square(pair, _CHECKED_SIZE, None)
        warnings += brightness_warnings(squares[0])
        warnings += motion_warnings(divide(dis(squares[0, :, :, 0], squares[1, :, :, 0])))
        with watch.stage("represent"):
            inputs = network_inputs(file, span, representation, crop)
    return done(inputs)


def network_inputs(
    file: ClipFile, span: Span, representation: Representation, crop: Crop
) -> Float[Tensor, "1 phase channel size size"]:
    """Return what a network sees of an interval of a clip, as in training."""
    inside = [number for number in file.numbers if span[0] <= number <= span[2]]
    return torch.from_numpy(clip_inputs(file.kept, inside, span, representation, crop))[None]


def open_any(clip: ClipSource, fps: float | None) -> ClipFile:
    """Open a file, a folder or frames in memory."""
    return open_array(clip, fps) if isinstance(clip, np.ndarray) else open_clip(clip, fps)


def name_of(clip: ClipSource) -> str:
    """Return what answers call a clip."""
    return NAME if isinstance(clip, np.ndarray) else str(clip)


def span_of(interval: Interval) -> Span:
    """Return the frame numbers of an interval."""
    return interval.onset, interval.apex, interval.offset


@contextmanager
def as_clip_error(clip: ClipSource) -> Iterator[None]:
    """Name the clip that could not be read."""
    try:
        yield
    except DataError as error:
        name = name_of(clip)
        raise ClipError(str(error) if name in str(error) else f"{name}: {error}") from error


def _onset_and_apex(file: ClipFile, span: Span, representation: Representation) -> Pixels:
    """Return onset and apex in gray, read together with the frames that the representation needs."""
    pair = [nearest(file.numbers, number) for number in span[:2]]
    if representation.color == "gray":
        file.kept.read([*pair, *(nearest(file.numbers, number) for number in representation.moments(*span))], "gray")
    return file.kept.read(pair, "gray")
