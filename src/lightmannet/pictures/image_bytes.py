"""Pictures as text for embedding in a picture or page."""

import base64

import cv2
import numpy as np
from jaxtyping import UInt8


def data_address(pixels: UInt8[np.ndarray, "height width 3"]) -> str:
    """Return a ``data:`` URL of a picture as JPEG with quality 90.

    Args:
        pixels: Red, green and blue.
    """
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
