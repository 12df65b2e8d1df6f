"""A clip that is an array of frames in memory."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.video.frames import Color, Pixels
from lightmannet.errors import ClipError
from lightmannet.inference.clip_file import ClipFile, check_fps

NAME = "array"
"""Name of such a clip in answers and messages."""


class ArrayFrames:
    """The frames of an array, numbered from 0.

    Args:
        frames: Red, green and blue, or gray, 0..255.
    """

    def __init__(self, frames: UInt8[np.ndarray, "frame height width channel"]) -> None:
        self._frames = frames

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers, ascending."""
        return tuple(range(len(self._frames)))

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the frames of these numbers, in the order given."""
        chosen = self._frames[list(numbers)]
        channels = 3 if color == "rgb" else 1
        if chosen.shape[3] == channels:
            return chosen
        how = cv2.COLOR_GRAY2RGB if color == "rgb" else cv2.COLOR_RGB2GRAY
        return np.stack([cv2.cvtColor(frame, how).reshape(*frame.shape[:2], channels) for frame in chosen])

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a hex digest of the pixels of these frames."""
        return hashlib.sha256(self._frames[list(numbers)].tobytes()).hexdigest()


def array_clip(frames: np.ndarray, fps: float | None) -> ClipFile:
    """Return the clip of an array.

    Args:
        frames: uint8, (frame, height, width) in gray, or with a last axis of one channel or of red, green and blue.
        fps: Frames per second, or None if unknown.

    Raises:
        ClipError: Another type or shape, or no frame.
        ConfigurationError: Impossible ``fps``.
    """
    check_fps(fps)
    if frames.dtype != np.uint8:
        raise ClipError(f"{NAME}: frames must be uint8 (0 to 255), not {frames.dtype}; convert them first")
    shaped = frames[..., None] if frames.ndim == 3 else frames
    if shaped.ndim != 4 or shaped.shape[3] not in (1, 3) or 0 in shaped.shape:
        raise ClipError(
            f"{NAME}: frames must be (frame, height, width), or have 1 or 3 channels at the end, not {frames.shape}"
        )
    return ClipFile(Path(NAME), ArrayFrames(shaped), fps, shaped.shape[1], shaped.shape[2], False, False)
