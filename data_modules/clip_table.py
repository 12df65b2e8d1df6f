"""One table for all databases: a row a clip, in canonical columns, validated in one place."""

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal, get_args

from data_modules.action_units import ActionUnit, parse_action_units
from data_modules.databases.sheets import Cell, describe
from data_modules.objective_class import objective_class
from data_modules.video.crop import Box
from data_modules.video.frames import FrameReader

Kind = Literal["micro", "macro"]

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
"""How some workbooks write the objective classes 1 to 7."""

_NO_APEX = ("", "/", "-", "nan", "none", "n/a")


@dataclass(frozen=True)
class Source:
    """Where a value was read, for messages.

    Attributes:
        file: Name of the file, without its folder.
        sheet: Sheet of a workbook, or an empty string.
        row: Row as a spreadsheet program numbers it, from 1; 0 where the file has no rows.
    """

    file: str
    sheet: str = ""
    row: int = 0

    def __str__(self) -> str:
        parts = [self.file, f"sheet {self.sheet!r}" if self.sheet else "", f"row {self.row}" if self.row else ""]
        return ", ".join(part for part in parts if part)


class Place(Enum):
    """A frame that the annotation does not number: the first or the last that the clip has on disk."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True)
class Annotation:
    """One expression as its database writes it down, before anything is checked.

    Attributes:
        subject: Person in the database's canonical spelling, e.g. ``sub01``.
        clip: Name of the clip, no other of the person's has it.
        kind: ``micro`` or ``macro``.
        onset: Cell of the first frame of the movement.
        apex: Cell of the frame of the strongest movement.
        offset: Cell of the last frame of the movement.
        fps: Cell of the frames a second, or None for the database's own.
        emotion: Cell of the emotion; None where the database gives none.
        action_units: Cell of the action units.
        objective_class: Cell of the objective class, 1..7 or I..VII.
        source: Where it was read.
        box: Where the face is in the first frame, if the database says so.
    """

    subject: str
    clip: str
    kind: Kind
    onset: Cell | Place
    apex: Cell | Place
    offset: Cell | Place
    source: Source
    fps: Cell = None
    emotion: Cell = None
    action_units: Cell = None
    objective_class: Cell = None
    box: Box | None = None


@dataclass(frozen=True)
class ClipRow:
    """One clip of a database.

    Attributes:
        database: Short name of the database, e.g. ``casme2``.
        people: Short name of the database that the person's name belongs to: SAMM Long Videos shows those of SAMM.
        subject: Person within that database.
        clip: Clip of the person.
        kind: ``micro`` or ``macro``.
        onset: Number of the first frame of the movement, as the files or the video's frames are numbered.
        apex: Number of the frame of the strongest movement, onset < apex <= offset, or the one frame there is; None if
            not known.
        offset: Number of the last frame of the movement.
        fps: Frames a second.
        emotion: Emotion as written, or None.
        action_units: Action units, parsed.
        action_units_raw: Action units as written.
        objective_class: Objective class 1..7, as annotated or else as the action units have it; None without either.
        root: The database's folder, which the frames do not leave.
        path: Folder with the frames, a single image or a video file.
        numbers: Numbers of the frames on disk from onset to offset, ascending; some may be missing in between.
        source: Where the row was read.
        box: Where the face is in the first frame, if the database says so.
        first_number: Number of a video's first frame.
    """

    database: str
    people: str
    subject: str
    clip: str
    kind: Kind
    onset: int
    apex: int | None
    offset: int
    fps: float
    emotion: str | None
    action_units: tuple[ActionUnit, ...]
    action_units_raw: str
    objective_class: int | None
    root: Path
    path: Path
    numbers: tuple[int, ...]
    source: Source
    box: Box | None = None
    first_number: int = 0

    @property
    def subject_id(self) -> str:
        """Name of the person that no other database has, e.g. ``casme2/sub01``."""
        return f"{self.people}/{self.subject}"

    @property
    def clip_id(self) -> str:
        """Name of the clip that no other person has, e.g. ``casme2/sub01/EP02_01f``."""
        return f"{self.database}/{self.subject}/{self.clip}"


@dataclass
class Report:
    """What was noticed on the way: faults, which stop the reading at its end, and notes, which do not."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fault(self, where: Source | str, what: str) -> None:
        """Add a fault: where, what is wrong, what to do."""
        self.faults.append(f"{where}: {what}")

    def note(self, where: Source | str, what: str) -> None:
        """Add a note: something that was repaired, tolerated or left out."""
        self.notes.append(f"{where}: {what}")


@dataclass(frozen=True)
class ClipTable:
    """The clips of one or several databases.

    Attributes:
        rows: One a clip, in the order of the annotation.
        notes: What was repaired, tolerated or left out while reading.
    """

    rows: tuple[ClipRow, ...]
    notes: tuple[str, ...] = ()


def whole_number(cell: Cell | Place) -> int | None:
    """Return a cell's whole number (``46``, ``46.0``, ``"46"``), or None if it holds none."""
    number = _number(cell)
    return int(number) if number is not None and number == number // 1 else None


def _number(cell: Cell | Place) -> float | None:
    if isinstance(cell, str) and "_" not in cell:  # Python reads 006_1_2, the name of a clip, as 612
        with contextlib.suppress(ValueError):
            cell = float(cell)
    number = cell if isinstance(cell, int | float) and not isinstance(cell, bool) else None
    return number if number is not None and abs(number) < 1e15 else None  # beyond, floats skip whole numbers


def has_no_apex(cell: Cell | Place) -> bool:
    """Return whether a cell says that there is no apex: empty, ``/``, 0, -1 and their like."""
    number = whole_number(cell)
    if number is not None:
        return number <= 0
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _NO_APEX)


@dataclass(frozen=True)
class Expression:
    """An annotation whose cells were understood, before the frames are looked at."""

    annotation: Annotation
    onset: int | Place
    apex: int | Place | None
    offset: int | Place
    fps: float
    emotion: str | None
    action_units: tuple[ActionUnit, ...]
    action_units_raw: str
    objective_class: int | None


def understand(
    annotations: list[Annotation], fps: float, emotions: Collection[str], report: Report
) -> list[Expression]:
    """Return the annotations whose cells make sense; every cell that does not becomes a fault.

    Args:
        annotations: What a reader found.
        fps: Frames a second where the annotation gives none.
        emotions: Emotions the database is known to use, in lower case.
        report: Takes the faults and notes.
    """
    places: dict[tuple[str, str], Source] = {}
    understood = []
    for annotation in annotations:
        faults = len(report.faults)
        name = (annotation.subject, annotation.clip)
        if name in places:
            report.fault(
                annotation.source, f"clip {'/'.join(name)} is already at {places[name]}; remove one of the two rows"
            )
        places.setdefault(name, annotation.source)
        expression = _understand_one(annotation, fps, emotions, report)
        if expression is not None and len(report.faults) == faults:
            understood.append(expression)
    _note_blank_emotions(understood, report)
    return understood


def _note_blank_emotions(expressions: Sequence[Expression], report: Report) -> None:
    """Note expressions without an emotion where others of their kind have one: a blank cell, or not labelled."""
    for kind in get_args(Kind):
        of_kind = [expression for expression in expressions if expression.annotation.kind == kind]
        blank = [expression.annotation.source for expression in of_kind if expression.emotion is None]
        if 0 < len(blank) < len(of_kind):
            report.note(blank[0], f"no emotion; so it is with {len(blank)} of {len(of_kind)} {kind}-expressions")


def _understand_one(annotation: Annotation, fps: float, emotions: Collection[str], report: Report) -> Expression | None:
    where = annotation.source
    for name in (annotation.subject, annotation.clip):
        if name.strip(". ") == "" or any(sign in name for sign in "/\\") or not name.isprintable():
            report.fault(where, f"{name!r} is no plain name; it becomes part of a path")
            return None
    onset = _frame("onset", annotation.onset, annotation, report)
    offset = _frame("offset", annotation.offset, annotation, report)
    apex = None
    if not has_no_apex(annotation.apex):
        apex = _frame("apex", annotation.apex, annotation, report)
    elif annotation.apex is not None:
        report.note(where, f"apex {describe(annotation.apex)} says that there is none")
    rate = _number(annotation.fps) if annotation.fps is not None else fps
    if rate is None or not 0 < rate < 10_000:
        report.fault(where, f"frames a second: a number is expected, {describe(annotation.fps)} found")
    if isinstance(onset, int) and isinstance(offset, int) and offset < onset:
        report.fault(where, f"offset {offset} lies before onset {onset}; look the clip up and correct the row")
    emotion = _emotion(annotation, emotions, report)
    stated_class = _objective_class(annotation, report)
    units = _units_text(annotation, report)
    if onset is None or offset is None or rate is None:
        return None
    return Expression(
        annotation, onset, apex, offset, float(rate), emotion, parse_action_units(units), units, stated_class
    )


def _frame(column: str, cell: Cell | Place, annotation: Annotation, report: Report) -> int | Place | None:
    if isinstance(cell, Place):
        return cell
    number = whole_number(cell)
    if number is not None and number >= 0:
        return number
    clip = f"{annotation.subject}/{annotation.clip}"
    report.fault(
        annotation.source,
        f"{column} of clip {clip}: a frame number is expected, {describe(cell)} found; correct the cell",
    )
    return None


def _emotion(annotation: Annotation, emotions: Collection[str], report: Report) -> str | None:
    if annotation.emotion is None:
        return None
    word = str(annotation.emotion).strip()
    if word.lower() not in emotions:
        known = ", ".join(sorted(emotions))
        report.fault(
            annotation.source, f"emotion {describe(annotation.emotion)} is unknown; one of {known} is expected"
        )
    return word


def _objective_class(annotation: Annotation, report: Report) -> int | None:
    cell = annotation.objective_class
    if cell is None:
        return None
    word = str(cell).strip()
    number = ROMAN.index(word) + 1 if word in ROMAN else whole_number(cell)
    if number is None or not 1 <= number <= len(ROMAN):
        report.fault(annotation.source, f"objective class {describe(cell)} is unknown; 1 to 7 or I to VII is expected")
        return None
    return number


def _units_text(annotation: Annotation, report: Report) -> str:
    cell = annotation.action_units
    if cell is None or isinstance(cell, str):
        return (cell or "").strip()
    number = whole_number(cell)
    if number is None:  # 4.7 or a date is what a spreadsheet program made of a list
        report.fault(annotation.source, f"action units: text or a whole number is expected, {describe(cell)} found")
    return "" if number is None else str(number)


def place(
    expression: Expression,
    database: str,
    people: str,
    root: Path,
    path: Path,
    frames: FrameReader,
    report: Report,
    first_number: int = 0,
) -> ClipRow | None:
    """Return an expression's row once its frames are found on disk; None, and a fault, if they are not.

    Args:
        expression: What the annotation says.
        database: Short name of the database.
        people: Short name of the database that the person's name belongs to.
        root: The database's folder.
        path: Where the frames are.
        frames: Reader of that path.
        report: Takes faults and notes.
        first_number: Number of a video's first frame.
    """
    annotation, there = expression.annotation, frames.numbers
    first, last = there[0], there[-1]
    onset = _placed(expression.onset, first, last)
    offset = _placed(expression.offset, first, last)
    apex = None if expression.apex is None else _placed(expression.apex, first, last)
    if apex is not None and not onset < apex <= offset and not onset == apex == offset:
        report.note(
            annotation.source, f"apex {apex} is not within onset {onset} and offset {offset}, so it counts as missing"
        )
        apex = None
    if onset < first or offset > last:
        report.fault(
            annotation.source,
            f"clip {annotation.subject}/{annotation.clip} goes from frame {onset} to {offset}, but {path.name} holds "
            f"{first} to {last}; restore the frames or correct the row",
        )
        return None
    numbers = tuple(number for number in there if onset <= number <= offset)
    if not numbers:
        report.fault(annotation.source, f"{path.name} holds no frame from {onset} to {offset}; restore the frames")
        return None
    missing = offset - onset + 1 - len(numbers)
    if missing:
        report.note(
            annotation.source,
            f"clip {annotation.subject}/{annotation.clip}: {missing} of {offset - onset + 1} frames are missing",
        )
    return ClipRow(
        database=database,
        people=people,
        subject=annotation.subject,
        clip=annotation.clip,
        kind=annotation.kind,
        onset=onset,
        apex=apex,
        offset=offset,
        fps=expression.fps,
        emotion=expression.emotion,
        action_units=expression.action_units,
        action_units_raw=expression.action_units_raw,
        objective_class=expression.objective_class
        or objective_class([unit.number for unit in expression.action_units]),
        root=root,
        path=path,
        numbers=numbers,
        source=annotation.source,
        box=annotation.box,
        first_number=first_number,
    )


def _placed(frame: int | Place, first: int, last: int) -> int:
    return frame if isinstance(frame, int) else first if frame is Place.FIRST else last
