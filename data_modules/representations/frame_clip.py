"""Frames of a clip, evenly spaced in time."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float32

from data_modules.representations.base import Representation, evenly_spaced
from data_modules.video.reader import Pixels
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class FrameClip(Representation):
    """Frames evenly spaced in time from onset to offset, as ``pixels / 255 - 0.5``; clips of any length line up.

    The result is (frames, 1 or 3, size, size). A clip with fewer frames repeats some.

    Args:
        frames: Number of frames, at least 2; the first is the onset and the last the offset.
        color: Gray or red, green and blue.
        size: Height and width in pixels, 28..224.

    Raises:
        ConfigurationError: An option outside its range.
    """

    frames: int = 8
    color: Literal["gray", "rgb"] = "gray"
    size: int = 112
    kind: ClassVar[Literal["motion", "difference", "frames"]] = "frames"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 2:
            raise ConfigurationError(f"frames={self.frames}: at least 2 are needed, onset and offset")

    @property
    def phases(self) -> int:
        """Images per clip."""
        return self.frames

    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        """Return ``frames`` frame numbers from onset to offset; the apex is not used."""
        return evenly_spaced(onset, offset, self.frames)

    def _render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        return np.ascontiguousarray((frames.astype(np.float32) / 255 - 0.5).transpose(0, 3, 1, 2))
