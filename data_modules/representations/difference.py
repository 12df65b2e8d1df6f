"""The change of brightness from onset to apex."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float32

from data_modules.representations.base import Representation, check_order
from data_modules.video.reader import Pixels


@dataclass(frozen=True)
class Difference(Representation):
    """One image, ``(apex - onset) / 2 / 255``: 0 is no change, 0.5 from black to white, -0.5 from white to black.

    The result is (1, 1 or 3, size, size).

    Args:
        color: Gray or red, green and blue.
        size: Height and width in pixels, 28..224. The default keeps furrows, which is what a difference shows beyond
            motion; at 28 pixels they are gone.

    Raises:
        ConfigurationError: An option out of its range.
    """

    color: Literal["gray", "rgb"] = "gray"
    size: int = 112
    kind: ClassVar[Literal["motion", "difference", "frames"]] = "difference"

    @property
    def phases(self) -> int:
        """Images a clip."""
        return 1

    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        """Return onset and apex; the offset is of no account."""
        check_order(("onset", onset), ("apex", apex))
        return onset, apex

    def _render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        onset, apex = frames.astype(np.float32)
        return np.ascontiguousarray(((apex - onset) / 510).transpose(2, 0, 1)[None])
