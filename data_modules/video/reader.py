"""What every reader of frames shares: its interface, the type of frames, the checks of paths and numbers."""

import hashlib
import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
from jaxtyping import UInt8

from lightmannet.errors import DataError

Color = Literal["gray", "rgb"]
CHANNELS: dict[Color, int] = {"gray": 1, "rgb": 3}

Pixels = UInt8[np.ndarray, "frame height width color"]
"""Frames of one size, 0..255; the one channel is gray, the three are red, green and blue."""


class FrameReader(Protocol):
    """Frames of one clip or recording, addressed by the numbers the database gives them."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The frame numbers that are there, ascending; numbers may be missing in between.

        Raises:
            DataError: The source cannot be read.
        """
        ...

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the frames of these numbers in the requested order; a number may occur more than once.

        Args:
            numbers: At least one frame number.
            color: ``gray`` gives one channel, ``rgb`` three; converted where the source is the other.

        Raises:
            DataError: A number is not there, a frame cannot be read, or frames differ in size.
        """
        ...

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a hex digest that changes with the names, sizes or modification times of the frames' files.

        Their folder does not matter, so a collection can be moved.

        Args:
            numbers: Numbers of frames that are there.

        Raises:
            DataError: A file is gone.
        """
        ...


def nearest(numbers: Sequence[int], wanted: int) -> int:
    """Return the number nearest to the wanted one, the smaller of two that are equally near.

    Args:
        numbers: Ascending frame numbers.
        wanted: Any number.

    Raises:
        DataError: There are no numbers.
    """
    if not numbers:
        raise DataError(f"no frame is there, so none is nearest to frame {wanted}; choose a source that holds frames")
    above = bisect_left(numbers, wanted)
    return min(numbers[max(above - 1, 0) : above + 1], key=lambda number: (abs(number - wanted), number))


def check_path(path: Path, root: Path) -> None:
    """Refuse a path that is not there, or that leaves the root once links and ``..`` are followed.

    Raises:
        DataError: Says which of the two.
    """
    try:
        # realpath, because Path.resolve raises on links that go in circles.
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
        there = os.path.exists(path)
    except (ValueError, OSError) as error:  # a NUL byte, characters the file system has not
        raise DataError(f"{str(path)!r}: no path of a file ({error}); correct the name") from None
    if not inside:
        raise DataError(f"{path}: leaves the root {root} by '..' or by a link; put the files themselves there")
    if not there:
        raise DataError(f"{path}: no such file or folder; check the name, and that all archives are unpacked")


def check_numbers(path: Path, numbers: Sequence[int], wanted: Sequence[int]) -> None:
    """Refuse to read no frame at all, or a frame that is not there.

    Raises:
        DataError: Names the first number that is missing and the nearest that is there.
    """
    if len(wanted) == 0:
        raise DataError(f"{path}: no frame number was requested; request at least one")
    for number in wanted:
        near = nearest(numbers, number)
        if near != number:
            raise DataError(
                f"{path}: frame {number} is not there, the nearest is {near} "
                f"({len(numbers)} frames, {numbers[0]} to {numbers[-1]}); correct the annotation or complete the files"
            )


def files_digest(files: Iterable[Path], *options: object) -> str:
    """Return a hex digest of the files' names, sizes in bytes and modification times in ns, and of the options.

    Raises:
        DataError: A file is gone.
    """
    digest = hashlib.sha256(repr(options).encode())
    for file in files:
        try:
            status = file.stat()
        except OSError as error:
            raise DataError(f"{file}: was there and is gone ({error.strerror}); put it back") from None
        digest.update(os.fsencode(file.name))
        digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def convert(
    image: UInt8[np.ndarray, "height width *channel"], code: int | None, out: UInt8[np.ndarray, "height width channel"]
) -> None:
    """Write an image into ``out`` with its colours converted by an OpenCV code; None copies gray."""
    target = out[:, :, 0] if out.shape[2] == 1 else out
    if code is None:
        np.copyto(target, image)
    else:
        cv2.cvtColor(image, code, dst=target)
