"""Two pictures of one person: the neutral face and an expression."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_modules.video.image_folder import ImageFolder
from data_modules.video.landmarks import SUFFIX, LandmarkFrames
from data_modules.video.reader import Color, FrameReader, Pixels, check_numbers, files_digest
from lightmannet.errors import DataError


def open_pair(neutral: Path, apex: Path, root: Path) -> FrameReader:
    """Return the reader of two pictures, or of two text files of landmarks; 0 is the neutral face and 1 the apex.

    Args:
        neutral: File of the neutral face.
        apex: File of the expression of the same person.
        root: The database's folder, which neither file may leave.

    Raises:
        DataError: A file is missing, leaves the root or is of an unknown type.
    """
    if apex.suffix.lower() == SUFFIX:
        return LandmarkFrames({0: neutral, 1: apex}, root)
    return StillPair(neutral, apex, root)


class StillPair:
    """A ``FrameReader`` of two pictures of one size.

    Args:
        neutral: File of the neutral face, frame 0.
        apex: File of the expression, frame 1.
        root: The database's folder, which neither file may leave.

    Raises:
        DataError: A file is missing or leaves the root.
    """

    numbers = (0, 1)

    def __init__(self, neutral: Path, apex: Path, root: Path) -> None:
        self._files = (neutral, apex)
        self._readers = [ImageFolder(path, root) for path in self._files]

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the pictures of these numbers.

        Raises:
            DataError: A number is not there, a picture cannot be read, or the two differ in size.
        """
        neutral, apex = self._files
        check_numbers(apex, self.numbers, numbers)
        pictures = [self._readers[number].read(self._readers[number].numbers, color)[0] for number in numbers]
        sizes = {picture.shape[:2] for picture in pictures}
        if len(sizes) > 1:
            found = " and ".join(f"{width} × {height}" for height, width in sorted(sizes))
            raise DataError(f"{neutral.name} and {apex.name} differ in size ({found} pixels); crop both alike")
        return np.stack(pictures)

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a hex digest that changes with the names, sizes or modification times of the files.

        Raises:
            DataError: A file is gone.
        """
        return files_digest([self._files[number] for number in numbers])
