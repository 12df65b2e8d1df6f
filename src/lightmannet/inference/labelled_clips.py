"""Finding a user's clips: a path, a folder of clips, a table of clips, or labelled clips of a person."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_modules.clip_folder import SYSTEM, clips_in, some
from data_modules.databases.sheets import Record, Sheet, Unreadable, read_workbook, table
from lightmannet.errors import ClipError, DataError, faults_message

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
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """A user's clip to recognise.

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
        ClipError: It is neither, has no clips or unreadable ones, or has an unknown class.
    """
    source = Path(os.path.expanduser(source))
    found = list(_clips_by_class(source) if source.is_dir() else clips_of_table(source))
    clips = [clip for clip in found if isinstance(clip, Wanted)]
    if faults := [str(clip) for clip in found if isinstance(clip, ClipError)]:
        raise ClipError(faults_message(str(source), faults))
    if not clips:
        raise ClipError(f"{source}: contains no labelled clip; make a subfolder for each of {', '.join(classes)}")
    names = {name.lower(): name for name in classes}
    for clip in clips:
        if clip.label.lower() not in names:
            what = f"is labelled {clip.label!r}, which is not a class" if clip.label else "has no label"
            raise ClipError(f"{source}: {clip.path.name} {what}; the classes are {', '.join(classes)}")
    return [replace(clip, label=names[clip.label.lower()]) for clip in clips]


def wanted_clips(source: str | Path) -> Iterator[Wanted | ClipError]:
    """Yield the clips of a path: itself, those in a folder of clips, or the rows of a table.

    Unreadable parts of a folder are yielded as errors, so that the other clips can still be recognised. Files that are
    not clips are listed in a warning.

    Args:
        source: The path; ``~`` is the home folder.

    Raises:
        ClipError: A folder without clips, or a table that cannot be read.
    """
    path = Path(os.path.expanduser(source))
    if path.suffix.lower() in TABLES and not path.is_dir():
        yield from clips_of_table(path)
    elif path.is_dir():
        for clip in clips_in(path, _logger.warning):
            yield Wanted(clip) if isinstance(clip, Path) else clip
    else:
        yield Wanted(path)


def clips_of_table(path: Path) -> Iterator[Wanted]:
    """Yield the rows of a table with the column ``path`` and, optionally, ``label``, ``onset``, ``apex``, ``offset``.

    Case, blanks and underscores in the header do not matter, blank rows are ignored, and unused columns are listed in
    a warning. Empty cells, ``/``, ``-`` and ``NaN`` mean that a frame number is missing.

    Args:
        path: A CSV file (``,`` or ``;``) or a workbook, of which the first sheet is read.

    Raises:
        ClipError: It cannot be read, has no column ``path``, or has faulty rows, which are all listed.
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
    names = sorted(path.name for path in folder.iterdir() if path.name[0] != "." and path.name.lower() not in SYSTEM)
    _warn(folder, [n for n in names if not (folder / n).is_dir()], "files outside the classes' folders are ignored")
    for name in names:
        if (folder / name).is_dir():
            for clip in clips_in(folder / name, _logger.warning):
                yield Wanted(clip, label=name) if isinstance(clip, Path) else clip


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
    """Return a frame number, written as ``12`` or ``12.0``; None if it is missing.

    Raises:
        ValueError: It is not a whole number.
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
    """Return the unknown titles in the header, the first row with a title for ``path``."""
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
        _logger.warning("%s: %s: %s", place, what, some(names))
