"""The change of brightness from onset to apex."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float32

from data_modules.representations.base import Representation
from data_modules.video.reader import Pixels


@dataclass(frozen=True)
class Difference(Representation):
    """One image, ``(apex - onset) / 2 / 255``: 0 is no change, 0.5 from black to white, -0.5 from white to black.

    The result is (1, 1 or 3, size, size).

    Args:
        color: Gray or red, green and blue.
        size: Height and width in pixels, 28..224. The default preserves furrows, which a difference shows in addition
            to motion; at 28 pixels they disappear.

    Raises:
        ConfigurationError: An option outside its range.
    """

    color: Literal["gray", "rgb"] = "gray"
    size: int = 112
    kind: ClassVar[Literal["motion", "difference", "frames"]] = "difference"

    def _render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        onset, apex = frames.astype(np.float32)
        return np.ascontiguousarray(((apex - onset) / 510).transpose(2, 0, 1)[None])
