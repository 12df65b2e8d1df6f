"""What to use as apex in clips without an annotated one."""

from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

MissingApex = Literal["middle", "motion", "refuse"]
"""``middle``: halfway between onset and offset; ``motion``: differs most from the onset; ``refuse``: an error."""

_BLUR = 2.0  # pixels: suppresses pixel noise


def strongest_frame(frames: UInt8[np.ndarray, "frame height width channel"]) -> int:
    """Return the index of the frame that differs most from the first: the largest mean absolute difference, blurred.

    A simple estimate: any change counts as the expression, including a blink or a head movement.

    Args:
        frames: Frames from onset to offset, cropped alike; at least one.
    """
    smooth = [cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _BLUR) for frame in frames]
    return int(np.argmax([np.abs(frame - smooth[0]).mean() for frame in smooth]))
