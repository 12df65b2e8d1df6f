"""How a player turns and mirrors the stored frames of a video: its display matrix."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8


class Orientation(NamedTuple):
    """One of the eight ways to show a rectangle: transpose it, then mirror it left to right and top to bottom.

    Attributes:
        transposed: Whether rows become columns.
        left_right: Whether the result is mirrored left to right.
        top_bottom: Whether the result is mirrored top to bottom.
    """

    transposed: bool = False
    left_right: bool = False
    top_bottom: bool = False

    def apply(
        self, frame: UInt8[np.ndarray, "height width channel"]
    ) -> UInt8[np.ndarray, "shown_height shown_width channel"]:
        """Return the frame as a player shows it, as a view."""
        if self.transposed:
            frame = frame.swapaxes(0, 1)
        return frame[:: -1 if self.top_bottom else 1, :: -1 if self.left_right else 1]


UPRIGHT = Orientation()


def orientation_of(matrix: Sequence[int]) -> Orientation:
    """Return the orientation that a display matrix describes.

    Args:
        matrix: Its nine numbers a, b, u, c, d, v, x, y, w (ISO/IEC 14496-12, 6.2.2): the pixel at column p and row q
            is shown at column a p + c q + x and row b p + d q + y. A matrix of zeros is ignored, as in FFmpeg.

    Raises:
        ValueError: The frames are turned by other than quarter turns.
    """
    a, b, _, c, d = matrix[:5]
    if not any((a, b, c, d)):
        return UPRIGHT
    if max(abs(b), abs(c)) < _TOLERANCE * min(abs(a), abs(d)):
        return Orientation(False, left_right=a < 0, top_bottom=d < 0)
    if max(abs(a), abs(d)) < _TOLERANCE * min(abs(b), abs(c)):
        return Orientation(True, left_right=c < 0, top_bottom=b < 0)
    raise ValueError("its display matrix turns the frames by other than quarter turns")


_TOLERANCE = 0.01
"""Of the scale; 0.6 degrees. The numbers are fractions of 65536."""
