"""Clips without an annotated apex: what to take for it."""

from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

MissingApex = Literal["middle", "motion", "refuse"]
"""``middle``, the frame halfway from onset to offset; ``motion``, the one that differs most from the onset; or none."""

_BLUR = 2.0  # pixels: noise of single pixels is no motion


def strongest_frame(frames: UInt8[np.ndarray, "frame height width channel"]) -> int:
    """Return the index of the frame that differs most from the first: the largest mean absolute difference, blurred.

    A simple estimate: it takes any change for the expression, also a blink or a movement of the head.

    Args:
        frames: Frames from onset to offset, cropped alike; at least one.
    """
    smooth = [cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _BLUR) for frame in frames]
    return int(np.argmax([np.abs(frame - smooth[0]).mean() for frame in smooth]))
