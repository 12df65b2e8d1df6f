"""The motion between two pictures of one person, without head motion."""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from data_modules.representations.flow_image import ApexFlow
from data_modules.representations.motion_image import MotionImages
from data_modules.video.eyes import stable_region
from lightmannet.errors import DataError

_ITERATIONS, _PRECISION, _BLUR = 200, 1e-6, 5
_REACH = 6
"""The head may have moved by up to 1/6 of the square in each direction."""


@dataclass(frozen=True)
class PairFlow(ApexFlow):
    """One motion image, from a neutral to an expressive picture; the result is (1, 3, size, size) in [-0.5, 0.5].

    Between two separate pictures the head moves more than the skin. The second is first aligned to the first by
    the rotation and shift that fits **nose and inner corners of the eyes** best (ECC); with the brows in the region,
    their motion would be mistaken for head motion. The crop must bring the eyes to ``EYES`` (``FixedEyes``,
    ``DetectedEyes``), where that region is looked for.

    Options, signs and scaling are those of ``MotionImages``. On smooth textures of 112 pixels whose skin moves by up to
    a pixel of 28, while the head moves by up to 2.4 and turns by up to 2.3 degrees, the mean end-point error is below
    0.125 pixels of 28.

    Reference: Evangelidis and Psarakis 2008, "Parametric image alignment using enhanced correlation coefficient
    maximization", IEEE TPAMI 30(10), as OpenCV's ``findTransformECC``.
    """

    version: ClassVar[int] = 2

    def _image(
        self, first: UInt8[np.ndarray, "height width"], second: UInt8[np.ndarray, "height width"]
    ) -> Float32[np.ndarray, "3 size size"]:
        return MotionImages._image(self, first, head_held_still(first, second))


def head_held_still(
    first: UInt8[np.ndarray, "size size"], second: UInt8[np.ndarray, "size size"]
) -> UInt8[np.ndarray, "size size"]:
    """Return the second picture turned and shifted so that nose and inner corners of the eyes lie as in the first.

    Args:
        first: Gray picture with the eyes at ``EYES``.
        second: Another of the same person, cropped in the same way.

    Raises:
        DataError: Both pictures are the same, or they cannot be aligned.
    """
    if np.array_equal(first, second):
        raise DataError("the apex is the same picture as the neutral face: there is no motion")
    size = len(first)
    rows, columns = stable_region(size)
    mask = np.zeros((size, size), np.uint8)
    mask[rows, columns] = 255
    ends = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ITERATIONS, _PRECISION)
    # ECC converges only from a few pixels away, so template matching finds the translation first.
    reach = size // _REACH
    around = second[rows.start - reach : rows.stop + reach, columns.start - reach : columns.stop + reach]
    likeness = cv2.matchTemplate(around, first[rows, columns], cv2.TM_CCOEFF_NORMED)
    down, right = np.subtract(np.unravel_index(likeness.argmax(), likeness.shape), reach)
    start = np.array([[1, 0, right], [0, 1, down]], np.float32)
    moved = cv2.warpAffine(mask, start, (size, size), flags=cv2.INTER_NEAREST)
    try:
        _, matrix = cv2.findTransformECC(first, second, start, cv2.MOTION_EUCLIDEAN, ends, moved, _BLUR)
    except cv2.error:
        raise DataError(
            "the two pictures cannot be aligned at the nose. Check that both show one person and that the crop puts "
            "the eyes at their fixed places"
        ) from None
    return cv2.warpAffine(
        second, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
