"""Square crops that bring the eyes to fixed places, where the images of MEGC2019 have them."""

from math import atan2, cos, hypot, sin

import numpy as np
from jaxtyping import UInt8

from data_modules.flow import SIZE
from data_modules.video.crop import Box, Crop, DetectedFace, Square, YuNet, _digest, cut_square
from data_modules.video.face_cascade import cascade_faces
from data_modules.video.faces import find_faces, has_model
from data_modules.video.reader import Pixels
from lightmannet.errors import ConfigurationError, DataError

EYES = ((8.1, 8.5), (19.9, 8.5))
"""x and y of the centres of the eyes, left and right as seen, in an image of 28 x 28, from its upper left corner: where
those of the images of MEGC2019 are."""

_VERSION = 2  # raised when the same options give another square

Point = tuple[float, float]


class FixedEyes(Crop):
    """The square in which the eyes lie at ``EYES``, for pictures that all have the eyes at the same place.

    Args:
        left: x and y of the centre of the left eye as seen, as fractions of the picture's width and height.
        right: That of the right eye.

    Raises:
        ConfigurationError: The left eye is not to the left of the right one, or one is outside of the picture.
    """

    def __init__(self, left: Point, right: Point) -> None:
        if not all(0 <= value <= 1 for value in (*left, *right)) or left[0] >= right[0]:
            raise ConfigurationError(
                f"eyes: left {left} and right {right} must be fractions of width and height, 0 to 1, and the left eye, "
                "as seen, to the left of the right one"
            )
        self.left, self.right = left, right

    def square(self, frames: Pixels, size: int, box: Box | None) -> Square:
        """Return the square; parts outside the picture repeat its border."""
        height, width = frames.shape[1:3]
        left, right = ((x * width, y * height) for x, y in (self.left, self.right))
        return eye_square(frames, size, left, right)

    def fingerprint(self) -> str:
        """Return a hex digest of the places."""
        return _digest(self, _VERSION, self.left, self.right)


class DetectedEyes(Crop):
    """The square in which the eyes that are found in the first frame lie at ``EYES``.

    Args:
        model: Path of YuNet's ``face_detection_yunet_2023mar.onnx``; None takes what ``find_faces`` finds: YuNet where
            its model is installed, else a cascade.
        min_score: Faces with a lower score, 0..1, are ignored.

    Raises:
        ConfigurationError: The score is outside its range.
    """

    def __init__(self, model: str | None = None, min_score: float = 0.7) -> None:
        self.model = model
        self.detector = YuNet(model, min_score=min_score)

    def square(self, frames: Pixels, size: int, box: Box | None) -> Square:
        """Return the square of the largest face.

        Raises:
            ConfigurationError: The model is missing or broken.
            DataError: There is no face in the first frame.
        """
        faces = self.find_faces(frames[0])
        if not faces:
            raise DataError("no eyes are found in the first frame; lower min_score, or give their places (FixedEyes)")
        face = max(faces, key=lambda face: (face.box.width * face.box.height, face.score))
        return eye_square(frames, size, face.left_eye, face.right_eye)

    def fingerprint(self) -> str:
        """Return a hex digest of the options and of the model file.

        Raises:
            ConfigurationError: The model is missing.
        """
        return _digest(self, _VERSION, self.detector.fingerprint() if self._by_network else "cascade")

    def find_faces(self, frame: UInt8[np.ndarray, "height width channel"]) -> list[DetectedFace]:
        """Return the faces of a frame.

        Raises:
            ConfigurationError: The model is missing or broken.
        """
        return self.detector.find_faces(frame) if self._by_network else find_faces(frame)

    @property
    def _by_network(self) -> bool:
        return bool(self.model) or has_model()


class CascadeEyes(Crop):
    """The square in which the eyes lie at ``EYES``, by the face that scikit-image's cascade finds in the first frame.

    It needs no model. The eyes are looked for nowhere: they are taken to be where they were, within a thirtieth of the
    box, in the boxes of 16 people of the Face Research Lab London Set, so upright faces that look ahead are needed.
    """

    def square(self, frames: Pixels, size: int, box: Box | None) -> Square:
        """Return the square of the largest face.

        Raises:
            DataError: There is no face in the first frame.
        """
        faces = cascade_faces(frames[0])
        if not faces:
            raise DataError("no eyes are found in the first frame; give their places (FixedEyes), or take DetectedEyes")
        face = max(faces, key=lambda face: face.width)
        left, right = ((face.left + x * face.width, face.top + 0.37 * face.height) for x in (0.33, 0.67))
        return eye_square(frames, size, left, right)

    def fingerprint(self) -> str:
        """Return a hex digest of the version."""
        return _digest(self, _VERSION)


def eye_square(frames: Pixels, size: int, left: Point, right: Point) -> Square:
    """Return the square of all frames in which the eyes lie at ``EYES``.

    Args:
        frames: One clip.
        size: Side of the squares in pixels.
        left: x and y of the left eye as seen, in pixels from the frame's upper left corner.
        right: Those of the right eye.

    Raises:
        DataError: Both eyes are at the same place.
    """
    along_x, along_y = right[0] - left[0], right[1] - left[1]
    distance, angle = hypot(along_x, along_y), atan2(along_y, along_x)
    if distance < 1:
        raise DataError(f"the eyes are at {left} and {right}, less than a pixel apart; correct their places")
    step = distance / (EYES[1][0] - EYES[0][0])  # pixels of the frame per pixel of 28
    # From the middle of the eyes to that of the square, across the line through the eyes.
    down_by = (SIZE / 2 - EYES[0][1]) * step
    x = (left[0] + right[0]) / 2 - sin(angle) * down_by
    y = (left[1] + right[1]) / 2 + cos(angle) * down_by
    return cut_square(frames, size, (float(x), float(y)), SIZE * step, angle)


def stable_region(size: int) -> tuple[slice, slice]:
    """Return rows and columns of the nose and the inner corners of the eyes in such a square."""
    top, bottom, left, right = (round(size / SIZE * edge) for edge in (8, 16, 10, 18))
    return slice(top, bottom), slice(left, right)
