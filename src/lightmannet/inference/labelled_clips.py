"""A few labelled clips of a person: a folder per class, or a table."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_modules.video.image_folder import SUFFIXES as IMAGES
from data_modules.video.video_file import SUFFIXES as VIDEOS
from lightmannet.errors import ClipError

_INTERVAL = ("onset", "apex", "offset")


@dataclass(frozen=True)
class Wanted:
    """A clip that somebody named.

    Attributes:
        path: Video file or folder of frames.
        label: Name of its class; empty if it was not said.
        interval: Onset, apex and offset; None if they are to be found.
    """

    path: Path
    label: str = ""
    interval: tuple[int, int, int] | None = None


def labelled_clips(source: str | Path, classes: Sequence[str]) -> list[Wanted]:
    """Return the clips of a folder with a subfolder a class, or of a CSV ``path,label[,onset,apex,offset]``.

    Args:
        source: The folder or the CSV file; its paths are relative to it.
        classes: Names of the classes; capitals do not matter.

    Raises:
        ClipError: It is neither, has no clip, or names a class that does not exist.
    """
    source = Path(source)
    if source.is_dir():
        folders = sorted(path for path in source.iterdir() if path.is_dir() and path.name[0] != ".")
        found = [Wanted(clip.path, folder.name) for folder in folders for clip in clips_in(folder)]
    else:
        found = list(clips_of_table(source))
    if not found:
        raise ClipError(f"{source}: holds no labelled clip; make a subfolder for each of {', '.join(classes)}")
    names = {name.lower(): name for name in classes}
    for clip in found:
        if clip.label.lower() not in names:
            raise ClipError(
                f"{source}: {clip.path.name} is labelled {clip.label!r}, which is no class; the classes are "
                f"{', '.join(classes)}"
            )
    return [Wanted(clip.path, names[clip.label.lower()], clip.interval) for clip in found]


def wanted_clips(source: str | Path) -> Iterator[Wanted]:
    """Yield the clips that a path names: itself, those in a folder of clips, or the rows of a CSV.

    Raises:
        ClipError: A folder without clips, or a CSV that is none.
    """
    path = Path(source)
    if path.suffix.lower() == ".csv":
        yield from clips_of_table(path)
    elif path.is_dir():
        yield from clips_in(path)
    else:
        yield Wanted(path)


def clips_in(folder: Path) -> Iterator[Wanted]:
    """Yield a folder of frames as one clip, or the videos and folders of frames in it and below it, by name.

    Raises:
        ClipError: There is none, or the folder cannot be listed.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise ClipError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    if any(Path(name).suffix.lower() in IMAGES for name in names):
        yield Wanted(folder)
        return
    empty = True
    for name in names:
        path = folder / name
        if path.is_dir() or path.suffix.lower() in VIDEOS:
            empty = False
            yield from clips_in(path) if path.is_dir() else (Wanted(path),)
    if empty:
        raise ClipError(f"{folder}: is empty or holds neither videos nor images; name a clip, or a folder of clips")


def clips_of_table(path: Path) -> Iterator[Wanted]:
    """Yield the rows of a CSV with the column ``path`` and, if wanted, ``label``, ``onset``, ``apex``, ``offset``.

    Raises:
        ClipError: It cannot be read, has no column ``path``, or a frame number that is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClipError(f"{path}: cannot be read as a table ({error}); give a CSV file or a folder") from error
    reader = csv.DictReader(text.splitlines())
    if "path" not in (reader.fieldnames or ()):
        raise ClipError(f"{path}: has no column `path`; its first line must be path,label,onset,apex,offset")
    for number, row in enumerate(reader, 2):
        given = [(row.get(name) or "").strip() for name in _INTERVAL]
        interval = None
        if any(given):
            try:
                onset, apex, offset = map(int, given)
            except ValueError:
                raise ClipError(
                    f"{path}, line {number}: onset, apex and offset must be three whole numbers or all empty, not "
                    f"{', '.join(map(repr, given))}"
                ) from None
            interval = (onset, apex, offset)
        yield Wanted(path.parent / (row["path"] or "").strip(), (row.get("label") or "").strip(), interval)
