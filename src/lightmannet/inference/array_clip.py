"""Frames in memory, as a clip."""

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
"""What answers call a clip that has no file."""


class ArrayFrames:
    """A ``FrameReader`` of frames in memory, numbered from 0.

    Args:
        frames: Red, green and blue, or gray.
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
        if color == "rgb":
            return np.repeat(chosen, 3, 3) if chosen.shape[3] == 1 else chosen
        if chosen.shape[3] == 1:
            return chosen
        return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None] for frame in chosen]).astype(np.uint8)

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a digest of the pixels."""
        return hashlib.sha256(self._frames[list(numbers)].tobytes()).hexdigest()


def open_array(frames: np.ndarray, fps: float | None = None) -> ClipFile:
    """Return frames in memory as a clip.

    Args:
        frames: uint8, frames × height × width × 3 (red, green and blue) or × 1 (gray), or frames × height × width.
        fps: Frames a second; None if unknown.

    Raises:
        ClipError: Another type or shape, or no frame.
        ConfigurationError: Impossible ``fps``.
    """
    check_fps(fps)
    gray = frames[..., None] if frames.ndim == 3 else frames
    if frames.dtype != np.uint8 or gray.ndim != 4 or gray.shape[3] not in (1, 3) or not all(gray.shape):
        raise ClipError(
            f"an array of {frames.dtype} {' × '.join(map(str, frames.shape))} is not a clip: uint8 frames × height × "
            "width × 3 (red, green and blue, 0 to 255) are expected"
        )
    return ClipFile(Path(NAME), ArrayFrames(gray), fps, gray.shape[1], gray.shape[2], False, False)
