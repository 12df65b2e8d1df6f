"""Open the frames of a clip, whatever holds them: a folder of images, one image or a video file."""

import os
from pathlib import Path

from data_modules.video.image_folder import SUFFIXES as IMAGE_SUFFIXES
from data_modules.video.image_folder import ImageFolder
from data_modules.video.landmarks import SUFFIX, landmark_folder
from data_modules.video.reader import Color, FrameReader, Pixels, check_path, nearest
from data_modules.video.still_pair import open_pair
from data_modules.video.video_file import SUFFIXES as VIDEO_SUFFIXES
from data_modules.video.video_file import VideoFile
from lightmannet.errors import DataError

__all__ = ["Color", "FrameReader", "Pixels", "nearest", "open_frames"]


def open_frames(
    path: Path, root: Path, first_number: int = 0, neutral: Path | None = None, guess_order: bool = False
) -> FrameReader:
    """Return the reader of a folder of images or of landmarks, of one still, of a pair of stills or of a video file.

    Args:
        path: The folder or file.
        root: The database's folder, which ``path`` and its images must not leave.
        first_number: Number of a video's first frame; images have their numbers in their names.
        neutral: Of a pair of stills, the neutral face, frame 0; ``path`` is then frame 1. Both are pictures, or text
            files of landmarks.
        guess_order: Take the likeliest order of images whose names leave doubt about it; see ``ImageFolder``.

    Raises:
        DataError: The path is missing, leaves the root, or is a folder without images or a file of another type.
    """
    if neutral is not None:
        return open_pair(neutral, path, root)
    check_path(path, root)
    suffix = path.suffix.lower()
    if path.is_dir() and all(Path(name).suffix.lower() == SUFFIX for name in os.listdir(path) or ["none"]):
        return landmark_folder(path, root)
    if path.is_dir() or suffix in IMAGE_SUFFIXES:
        return ImageFolder(path, root, guess_order)
    if suffix in VIDEO_SUFFIXES:
        return VideoFile(path, root, first_number)
    raise DataError(
        f"{path}: unknown type of file; give a folder of images, an image ({' '.join(IMAGE_SUFFIXES)}) "
        f"or a video ({' '.join(VIDEO_SUFFIXES)})"
    )
