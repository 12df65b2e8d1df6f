"""How many faces a frame shows: by YuNet where its model is given, else by the detector that scikit-image brings."""

import os
from functools import cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.video.crop import MODEL_VARIABLE, Crop, YuNet

_SIDE = 96  # pixels that a frame is shrunk to; its faces are looked for from a quarter of it on
_BORDERS = (0.3, 0.0)  # added around the frame as a share of its side: a face that fills the frame has none of its own
_NEIGHBOURS = 4  # windows that must agree: 16 of 16 rendered faces are found so, and none in 16 frames of noise


def count_faces(frame: UInt8[np.ndarray, "height width channel"], crop: Crop) -> int:
    """Return the number of faces in a frame.

    Args:
        frame: Gray or red, green and blue.
        crop: The bundle's crop: ``YuNet`` looks itself; beside others YuNet looks if its model is given, and else a
            cascade of local binary patterns, which counts 1 if there is any face of at least a quarter of the frame.

    Raises:
        ConfigurationError: YuNet's model is missing or broken.

    Reference: Zhang et al. 2007, "Face detection based on multi-block LBP representation", ICB 2007; the trained
    cascade is OpenCV's, as scikit-image distributes it.
    """
    if isinstance(crop, YuNet):
        return len(crop.find_faces(frame))
    if os.environ.get(MODEL_VARIABLE):
        return len(YuNet().find_faces(frame))
    gray = frame[..., 0] if frame.shape[2] == 1 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return int(any(_found(gray, border) for border in _BORDERS))


def _found(gray: np.ndarray, border: float) -> bool:
    height, width = gray.shape
    scale = _SIDE / (1 + 2 * border) / max(height, width)
    small = cv2.resize(
        gray, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    rows, columns = ((_SIDE - side) // 2 for side in small.shape)
    square = cv2.copyMakeBorder(small, rows, rows, columns, columns, cv2.BORDER_REPLICATE)
    least, most = (_SIDE // 4,) * 2, square.shape
    return bool(_cascade().detect_multi_scale(square, 1.1, 1, least, most, min_neighbor_number=_NEIGHBOURS))


@cache
def _cascade() -> Any:
    # Here, as it is slow to load.
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]
