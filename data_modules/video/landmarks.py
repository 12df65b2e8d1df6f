"""Facial landmarks as text files: 68 points in the order of iBUG 300-W, a line "x y" each."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from data_modules.video.frame_numbers import frame_numbers
from data_modules.video.reader import Color, Pixels, check_numbers, check_path, files_digest
from lightmannet.errors import DataError

SUFFIX = ".txt"
POINTS = 68
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
"""As seen in the picture."""
_MOUTH = slice(48, 68)

Landmarks = Float64[np.ndarray, "68 2"]
"""x (to the right) and y (downwards) of each point, in pixels of the picture."""


def read_landmarks(path: Path) -> Landmarks:
    """Return the points of a file.

    Raises:
        DataError: It cannot be read, has another number of points, or shows no upright face.
    """
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        points = [[float(word) for word in line] for line in lines]
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror or error}); copy it again") from None
    except ValueError as error:  # also UnicodeDecodeError
        raise DataError(f"{path.name}: numbers are expected ({error}); copy it again") from None
    if len(points) != POINTS or any(len(point) != 2 for point in points):
        widths = sorted({len(point) for point in points})
        raise DataError(
            f"{path.name}: {POINTS} lines of x and y are expected, {len(points)} lines of {widths} numbers found; "
            "another landmark scheme cannot be read"
        )
    if not all(isfinite(value) for point in points for value in point):
        raise DataError(f"{path.name}: a coordinate is infinite or no number; leave the file out")
    found = np.array(points)
    left, right, mouth = (found[part].mean(0) for part in (LEFT_EYE, RIGHT_EYE, _MOUTH))
    across, down = right - left, mouth - (left + right) / 2
    if across[0] <= abs(across[1]) or down[1] <= abs(down[0]):
        raise DataError(
            f"{path.name}: its points show no upright face (eyes side by side, mouth below them); x and y may be "
            "exchanged, or the points in another order"
        )
    return found


class LandmarkFrames:
    """A ``FrameReader`` of landmarks, a text file a frame.

    Args:
        files: File of each frame's number.
        root: The database's folder, which no file may leave.

    Raises:
        DataError: A file is missing or leaves the root.
    """

    def __init__(self, files: Mapping[int, Path], root: Path) -> None:
        for path in files.values():
            check_path(path, root)
        self._files = dict(sorted(files.items()))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The existing frame numbers, ascending."""
        return tuple(self._files)

    def points(self, numbers: Sequence[int]) -> Float64[np.ndarray, "frame 68 2"]:
        """Return the points of these frames.

        Raises:
            DataError: A number is not there, or a file cannot be read.
        """
        check_numbers(self._last, self.numbers, numbers)
        return np.stack([read_landmarks(self._files[number]) for number in numbers])

    @property
    def _last(self) -> Path:
        return self._files[self.numbers[-1]]

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Refuse: there are no pictures.

        Raises:
            DataError: Always.
        """
        raise DataError(
            f"{self._last.name}: holds landmarks and no picture; set the representation to LandmarkFlow, or leave "
            "the database out"
        )

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a hex digest that changes with the names, sizes or modification times of the files.

        Raises:
            DataError: A file is gone.
        """
        return files_digest([self._files[number] for number in numbers])


def landmark_folder(folder: Path, root: Path) -> LandmarkFrames:
    """Return the reader of a folder of landmarks, whose files' names number the frames as those of images do.

    Args:
        folder: Folder of text files.
        root: The database's folder, which no file may leave.

    Raises:
        DataError: There is no such folder, a file has no number, or two have one.
    """
    check_path(folder, root)
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == SUFFIX and path.name[0] != ".")
    numbers = frame_numbers([path.name for path in files]).numbers
    numbered = {number: path for number, path in zip(numbers, files, strict=True) if number is not None}
    if not files or len(numbered) < len(files):
        raise DataError(f"{folder}: text files of landmarks with a frame number each are expected in their names")
    return LandmarkFrames(numbered, root)
