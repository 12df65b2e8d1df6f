"""Whether an image shows a face: a cascade that scikit-image ships, so that nothing has to be downloaded."""

from functools import cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.video.crop import Box

_SIDE = 128
"""Longer side of the image that is searched, pixels: a few milliseconds, and faces of 30 % of it are found."""

_PADDING = 0.25
"""Border around an image that may be nothing but a face; the cascade needs some room around it."""


def cascade_faces(image: UInt8[np.ndarray, "height width channel"]) -> list[Box]:
    """Return the boxes, in pixels, of upright frontal faces that fill at least 30 % of the image.

    Args:
        image: One (gray) or three channels.

    Reference: Zhang, Chu, Xiang, Liao, Li 2007, "Face Detection Based on Multi-Block LBP Representation"; the cascade
    is OpenCV's ``lbpcascade_frontalface``, as scikit-image distributes it.
    """
    gray = image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = _SIDE / max(gray.shape)
    smaller = cv2.resize(
        gray, (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))), interpolation=cv2.INTER_AREA
    )
    for padding in (round(_PADDING * _SIDE), 0):
        padded = cv2.copyMakeBorder(smaller, padding, padding, padding, padding, cv2.BORDER_REPLICATE)
        found = _detector().detect_multi_scale(
            img=np.repeat(padded[..., None], 3, 2),
            scale_factor=1.2,
            step_ratio=1,
            min_size=(round(0.3 * _SIDE),) * 2,
            max_size=(max(padded.shape),) * 2,
        )
        if found:
            return [
                Box(
                    left=(face["c"] - padding) / scale,
                    top=(face["r"] - padding) / scale,
                    width=face["width"] / scale,
                    height=face["height"] / scale,
                )
                for face in found
            ]
    return []


@cache
def _detector() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]  # without types
