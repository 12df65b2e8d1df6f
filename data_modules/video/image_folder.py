"""Frames that are images in a folder."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from data_modules.video.frame_numbers import frame_numbers
from data_modules.video.image_file import decode
from data_modules.video.reader import (
    CHANNELS,
    Color,
    Pixels,
    check_numbers,
    check_path,
    convert,
    files_digest,
)
from lightmannet.errors import DataError, faults_message

_logger = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")

# From the number of an image's channels as decoded, and the requested colour.
_CODES: dict[tuple[int, Color], int | None] = {
    (1, "gray"): None,
    (1, "rgb"): cv2.COLOR_GRAY2RGB,
    (3, "gray"): cv2.COLOR_BGR2GRAY,
    (3, "rgb"): cv2.COLOR_BGR2RGB,
    (4, "gray"): cv2.COLOR_BGRA2GRAY,
    (4, "rgb"): cv2.COLOR_BGRA2RGB,
}


class ImageFolder:
    """A ``FrameReader`` of the images in one folder, or of a single image.

    An image's frame number is the group of digits in its name that counts, mostly the last: 46 in ``reg_img46.jpg``,
    113 in ``reg_EP01_5-113.jpg`` (see ``frame_numbers``). The numbers come from the names that are there and names are
    never built, because the databases pad with zeros in several ways. Files that are no images, hidden files and
    subfolders are ignored. A single image may have any name; without digits it is frame 0.

    8-bit and 16-bit (divided by 257) gray, colour and palette images are read; alpha is dropped. ``rgb`` repeats
    gray, ``gray`` weighs red, green and blue by .299, .587 and .114.

    Args:
        path: The folder or the image.
        root: The database's folder, which neither the path nor an image's link may leave.
        guess_order: Where the names leave doubt about the numbers, as those that tell the time, take the likeliest
            order and log a warning that shows it; otherwise such a folder is refused.

    Raises:
        DataError: No image is there, or all faults of the names: no number, one number twice, a link out of the root,
            or doubt about the numbers.
    """

    def __init__(self, path: Path, root: Path, guess_order: bool = False) -> None:
        check_path(path, root)
        self.path = path
        if path.is_dir():
            self._files = _find(path, root, guess_order)
        else:
            self._files = {frame_numbers([path.name]).numbers[0] or 0: path}
        self._numbers = tuple(self._files)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The existing frame numbers, ascending."""
        return self._numbers

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        """Return the frames of these numbers, in the requested order.

        Args:
            numbers: At least one frame number; a number may come more than once and is decoded once.
            color: ``gray`` gives one channel, ``rgb`` three.

        Raises:
            DataError: A number is not there; an image is empty, truncated, damaged or of another size than the first.
        """
        check_numbers(self.path, self._numbers, numbers)
        frames: Pixels | None = None
        places: dict[int, int] = {}
        for place, number in enumerate(numbers):
            if frames is not None and number in places:
                frames[place] = frames[places[number]]
                continue
            places[number] = place
            file = self._files[number]
            try:
                image = decode(file.read_bytes())
            except (ValueError, OSError) as error:
                raise DataError(f"{file}: {error}; copy or unpack it again") from None
            height, width = image.shape[:2]
            if frames is None:
                frames = np.empty((len(numbers), height, width, CHANNELS[color]), np.uint8)
            elif (height, width) != frames.shape[1:3]:
                raise DataError(
                    f"{file}: {frames.shape[2]} x {frames.shape[1]} pixels expected as in frame {numbers[0]}, "
                    f"{width} x {height} found; all frames of a clip must have one size"
                )
            convert(image, _CODES[1 if image.ndim == 2 else image.shape[2], color], frames[place])
        assert frames is not None  # check_numbers guarantees one number
        return frames

    def fingerprint(self, numbers: Sequence[int]) -> str:
        """Return a hex digest of the names, sizes and modification times of these frames' images.

        Raises:
            DataError: An image is gone.
        """
        return files_digest(self._files[number] for number in numbers)


def _find(folder: Path, root: Path, guess_order: bool) -> dict[int, Path]:
    """Return the folder's images by frame number, ascending."""
    try:
        with os.scandir(folder) as entries:
            images = sorted(
                (entry for entry in entries if Path(entry.name).suffix.lower() in SUFFIXES and entry.name[0] != "."),
                key=lambda entry: entry.name,
            )
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from None
    faults = []
    inside = []
    for entry in images:
        if entry.is_symlink():
            try:
                check_path(folder / entry.name, root)
            except DataError as error:
                faults.append(str(error))
                continue
        if not entry.is_dir():
            inside.append(entry.name)
    numbers, doubt = frame_numbers(inside)
    files: dict[int, Path] = {}
    for name, number in zip(inside, numbers, strict=True):
        if number is None:
            faults.append(f"{name}: no digits in its name, so no frame number; rename or remove it")
        elif number in files:
            faults.append(f"{files[number].name} and {name}: both are frame {number}; remove one, or rename both")
        else:
            files[number] = folder / name
    if doubt and not guess_order:
        faults.append(f"{doubt}; rename them so that one group counts, e.g. img001.png")
    if faults:
        raise DataError(faults_message(f"frames in {folder}", faults))
    if not files:
        raise DataError(f"{folder}: no image ({' '.join(SUFFIXES)}) lies directly in it; give the folder with images")
    if doubt:
        _logger.warning("%s: %s. They are taken in this order; rename them if it is wrong.", folder, doubt)
    return dict(sorted(files.items()))
