"""Finding the clips in a folder: videos and folders of frames, without the other files."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_modules.video.image_folder import SUFFIXES as IMAGES
from data_modules.video.video_file import SUFFIXES as VIDEOS
from lightmannet.errors import ClipError

SYSTEM = frozenset({"thumbs.db", "desktop.ini"})
"""Files that an operating system leaves in folders, in lower case."""

FILE_NAME = "-answer"
"""Ending of the names of an answer's picture, page and film, before a number for uniqueness and the suffix."""
FILM_COMMENT = "film of an answer by lightmannet"
"""Comment in the film of an answer, so that it is not mistaken for a clip."""

Warn = Callable[[str], None]


def clips_in(folder: Path, warn: Warn) -> Iterator[Path | ClipError]:
    """Yield the clips of a folder by name: its videos, its subfolders of clips, and itself if it contains frames.

    Images are the frames of a clip where no video lies beside them (as in a Live Photo) and, where other clips lie in
    subfolders, where there is more than one. What cannot be read within the folder is yielded as an error.

    Args:
        folder: The folder.
        warn: Is called with a sentence about other files, images that are not taken, and the pictures, pages and films
            of earlier answers.

    Raises:
        ClipError: There is no clip, or the folder cannot be listed.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name[0] != "." and name.lower() not in SYSTEM)
    except OSError as error:
        raise ClipError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    folders = [name for name in names if (folder / name).is_dir()]
    files = [name for name in names if name not in set(folders)]
    answers = [name for name in files if _is_of_an_answer(folder / name)]
    files = [name for name in files if name not in set(answers)]
    videos, images = ([n for n in files if Path(n).suffix.lower() in suffixes] for suffixes in (VIDEOS, IMAGES))
    below = {name: _clips_below(folder / name, warn) for name in folders}
    found_below = any(below.values())
    is_clip = bool(images) and not videos and (len(images) > 1 or not found_below)
    unknown = [name for name in files if name not in {*videos, *images}]
    if not (is_clip or videos or found_below):
        other = f" (only {some(unknown)}, of unknown type)" if unknown else ""
        other = f" (only answers of lightmannet: {some(answers)})" if answers else other
        raise ClipError(
            f"{folder}: is empty or holds neither videos nor images{other}; name a clip, or a folder of clips"
        )
    passed_over = {
        "files of unknown type are ignored": unknown,
        "answers that lightmannet wrote are ignored": answers,
        "images next to videos or folders of clips are ignored, as they are not a clip": ([] if is_clip else images),
        "no clip is in the folders": [name for name in folders if not below[name] and not is_clip],
    }
    for what, which in passed_over.items():
        if which:
            warn(f"{folder}: {what}: {some(which)}")
    if is_clip and any(Path(name).suffix.lower() in IMAGES for name in answers):
        yield ClipError(f"{folder}: {some(answers)} among its frames is an answer, not a frame; move it elsewhere")
    elif is_clip:
        yield folder
    for name in sorted([*videos, *folders]):
        yield from below.get(name, (folder / name,))


def _is_of_an_answer(path: Path) -> bool:
    """Return whether a file is the picture, page or film of an answer."""
    if FILE_NAME not in path.stem:
        return False
    if path.suffix.lower() in (".png", ".html"):
        return path.with_suffix(".png").is_file() and path.with_suffix(".html").is_file()
    try:
        return path.suffix.lower() == ".mp4" and FILM_COMMENT.encode() in path.read_bytes()
    except OSError:
        return False  # reading it as a clip reports the error


def some(names: Sequence[str]) -> str:
    """Return the first five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _clips_below(folder: Path, warn: Warn) -> list[Path | ClipError]:
    """Return the clips of a subfolder; none where it holds none, an error where it cannot be listed."""
    try:
        return list(clips_in(folder, warn))
    except ClipError as error:
        return [error] if isinstance(error.__cause__, OSError) else []
