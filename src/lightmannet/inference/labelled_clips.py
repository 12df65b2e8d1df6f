"""Which clips a user names: a path, a folder of clips, a table of clips, or labelled clips of a person."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_modules.databases.sheets import Record, Sheet, Unreadable, read_workbook, table
from data_modules.video.image_folder import SUFFIXES as IMAGES
from data_modules.video.video_file import SUFFIXES as VIDEOS
from lightmannet.errors import ClipError, DataError, faults_message
from lightmannet.inference.answer import FILE_NAME, FILM_COMMENT

TABLES = (".csv", ".xlsx", ".xlsm", ".xls")
"""Suffixes of tables of clips."""

_COLUMNS = {
    "path": ("path", "clip", "file", "video"),
    "label": ("label", "class"),
    "onset": ("onset", "onset frame"),
    "apex": ("apex", "apex frame"),
    "offset": ("offset", "offset frame"),
}
_INTERVAL = ("onset", "apex", "offset")
_MISSING = {"", "/", "-", "nan", "none", "n/a"}
_SYSTEM = {"thumbs.db", "desktop.ini"}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """A clip that a user names.

    Attributes:
        path: Video file, image, or folder of frames.
        label: Name of its class; empty if unknown.
        interval: Frame numbers of onset, apex and offset; None if they are to be spotted.
    """

    path: Path
    label: str = ""
    interval: tuple[int, int, int] | None = None


def labelled_clips(source: str | Path, classes: Sequence[str]) -> list[Wanted]:
    """Return the clips of a folder with a subfolder per class, or of a table ``path,label[,onset,apex,offset]``.

    Args:
        source: The folder or the table (CSV or workbook), whose paths are relative to it; ``~`` is the home folder.
        classes: Names of the classes; case does not matter.

    Raises:
        ClipError: It is neither, has no clip or one that cannot be read, or names a class that does not exist.
    """
    source = Path(os.path.expanduser(source))
    found = list(_clips_by_class(source) if source.is_dir() else clips_of_table(source))
    clips = [clip for clip in found if isinstance(clip, Wanted)]
    if faults := [str(clip) for clip in found if isinstance(clip, ClipError)]:
        raise ClipError(faults_message(str(source), faults))
    if not clips:
        raise ClipError(f"{source}: holds no labelled clip; make a subfolder for each of {', '.join(classes)}")
    names = {name.lower(): name for name in classes}
    for clip in clips:
        if clip.label.lower() not in names:
            what = f"is labelled {clip.label!r}, which is no class" if clip.label else "has no label"
            raise ClipError(f"{source}: {clip.path.name} {what}; the classes are {', '.join(classes)}")
    return [replace(clip, label=names[clip.label.lower()]) for clip in clips]


def wanted_clips(source: str | Path) -> Iterator[Wanted | ClipError]:
    """Yield the clips that a path names: itself, those in a folder of clips, or the rows of a table.

    What cannot be read within a folder is yielded as an error, so that the other clips can still be answered. Files
    that are no clips are named in a warning of the log.

    Args:
        source: The path; ``~`` is the home folder.

    Raises:
        ClipError: A folder without clips, or a table that cannot be read.
    """
    path = Path(os.path.expanduser(source))
    if path.suffix.lower() in TABLES and not path.is_dir():
        yield from clips_of_table(path)
    elif path.is_dir():
        yield from clips_in(path)
    else:
        yield Wanted(path)


def clips_in(folder: Path) -> Iterator[Wanted | ClipError]:
    """Yield the clips of a folder by name: its videos, its subfolders of clips, and itself if it holds frames.

    Images are the frames of a clip where no video lies beside them (as in a Live Photo) and, where other clips lie in
    subfolders, where there is more than one. Other files, images that are not taken, and the pictures, pages and films
    of earlier answers are named in a warning.

    Raises:
        ClipError: There is no clip, or the folder cannot be listed.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name[0] != "." and name.lower() not in _SYSTEM)
    except OSError as error:
        raise ClipError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    folders = [name for name in names if (folder / name).is_dir()]
    files = [name for name in names if name not in set(folders)]
    answers = [name for name in files if _is_of_an_answer(folder / name)]
    files = [name for name in files if name not in set(answers)]
    videos, images = ([n for n in files if Path(n).suffix.lower() in suffixes] for suffixes in (VIDEOS, IMAGES))
    below = {name: _clips_below(folder / name) for name in folders}
    found_below = any(below.values())
    is_clip = bool(images) and not videos and (len(images) > 1 or not found_below)
    unknown = [name for name in files if name not in {*videos, *images}]
    if not (is_clip or videos or found_below):
        other = f" (only {_some(unknown)}, of unknown type)" if unknown else ""
        other = f" (only answers of lightmannet: {_some(answers)})" if answers else other
        raise ClipError(
            f"{folder}: is empty or holds neither videos nor images{other}; name a clip, or a folder of clips"
        )
    _warn(folder, unknown, "files of unknown type are passed over")
    _warn(folder, answers, "answers that lightmannet wrote are passed over")
    if not is_clip:
        _warn(folder, images, "images beside videos or folders of clips are passed over, as they are no clip of frames")
    _warn(folder, [name for name in folders if not below[name] and not is_clip], "no clip is in the folders")
    if is_clip and any(Path(name).suffix.lower() in IMAGES for name in answers):
        yield ClipError(f"{folder}: {_some(answers)} among its frames is no frame, but an answer; move it elsewhere")
    elif is_clip:
        yield Wanted(folder)
    for name in sorted([*videos, *folders]):
        yield from below.get(name, (Wanted(folder / name),))


def clips_of_table(path: Path) -> Iterator[Wanted]:
    """Yield the rows of a table with the column ``path`` and, optionally, ``label``, ``onset``, ``apex``, ``offset``.

    Case, blanks and underscores in the header do not matter, blank rows are passed over, and columns that are not used
    are named in a warning. Empty cells, ``/``, ``-`` and ``NaN`` mean that a frame number is missing.

    Args:
        path: A CSV file (``,`` or ``;``) or a workbook, of which the first sheet is read.

    Raises:
        ClipError: It cannot be read, has no column ``path``, or all faults of its rows.
    """
    try:
        sheet = next(iter(read_workbook(path).values()))
        records = list(table(sheet, _COLUMNS, optional=("label", *_INTERVAL)))
    except DataError as error:
        hint = "; its first line must be path,label,onset,apex,offset, of which path is enough"
        raise ClipError(f"{path.parent}{os.sep}{error}{hint if 'header row' in str(error) else ''}") from error
    if unused := _unused_columns(sheet):
        _warn(path, unused, "columns are not used")
    clips, faults = [], []
    for record in records:
        try:
            clips.append(_clip_of(record, path.parent))
        except ValueError as error:
            faults.append(f"row {record.row}: {error}")
    if faults:
        raise ClipError(faults_message(str(path), faults))
    yield from clips


def _clips_by_class(folder: Path) -> Iterator[Wanted | ClipError]:
    names = sorted(path.name for path in folder.iterdir() if path.name[0] != "." and path.name.lower() not in _SYSTEM)
    _warn(
        folder, [n for n in names if not (folder / n).is_dir()], "files that lie in no class's folder are passed over"
    )
    for name in names:
        if (folder / name).is_dir():
            for clip in clips_in(folder / name):
                yield replace(clip, label=name) if isinstance(clip, Wanted) else clip


def _clips_below(folder: Path) -> list[Wanted | ClipError]:
    """Return the clips of a subfolder; none where it holds none, an error where it cannot be listed."""
    try:
        return list(clips_in(folder))
    except ClipError as error:
        return [error] if isinstance(error.__cause__, OSError) else []


def _is_of_an_answer(path: Path) -> bool:
    """Return whether a file is the picture, page or film of an answer."""
    if FILE_NAME not in path.stem:
        return False
    if path.suffix.lower() in (".png", ".html"):
        return path.with_suffix(".png").is_file() and path.with_suffix(".html").is_file()
    try:
        return path.suffix.lower() == ".mp4" and FILM_COMMENT.encode() in path.read_bytes()
    except OSError:
        return False  # reading it as a clip says what is wrong


def _clip_of(record: Record, folder: Path) -> Wanted:
    for name in record.cells:
        if isinstance(cell := record[name], Unreadable):
            raise ValueError(f"{name} is {cell}")
    path = record.text("path")
    if not path:
        raise ValueError("path is empty")
    numbers = [_frame_number(name, record.text(name)) for name in _INTERVAL]
    missing = [name for name, number in zip(_INTERVAL, numbers, strict=True) if number is None]
    onset, apex, offset = numbers
    interval = None
    if onset is not None and apex is not None and offset is not None:
        interval = (onset, apex, offset)
    elif len(missing) < len(_INTERVAL):
        raise ValueError(
            f"{' and '.join(missing)} missing; onset, apex and offset must be three whole numbers, or all empty"
        )
    return Wanted(folder / os.path.expanduser(path), record.text("label"), interval)


def _frame_number(name: str, text: str) -> int | None:
    """Return a frame number that may be written as ``12`` or ``12.0``; None where it is missing.

    Raises:
        ValueError: It is no whole number.
    """
    if text.lower() in _MISSING:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not number.is_integer():
        raise ValueError(
            f"{name} is {text!r}; onset, apex and offset must be three whole numbers, or all empty"
        ) from None
    return int(number)


def _unused_columns(sheet: Sheet) -> list[str]:
    """Return the titles of the header, the first row with a title for ``path``, that mean nothing here."""
    known = {_normalised(title): name for name, titles in _COLUMNS.items() for title in titles}
    for row in sheet.rows:
        titles = [cell for cell in row if isinstance(cell, str)]
        if "path" in {known.get(_normalised(title)) for title in titles}:
            return [title for title in titles if _normalised(title) not in known]
    return []


def _normalised(title: str) -> str:
    return "".join(title.split()).replace("_", "").lower()


def _warn(place: Path, names: Sequence[str], what: str) -> None:
    if names:
        _logger.warning("%s: %s: %s", place, what, _some(names))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
