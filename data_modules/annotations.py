"""What a database's files say about each expression, checked before any frame is read."""

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, get_args

from data_modules.action_units import ActionUnit, parse_action_units
from data_modules.databases.sheets import CellValue, Source, describe
from data_modules.video.crop import Box

Kind = Literal["micro", "macro"]

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
"""How some workbooks write the objective classes 1 to 7."""

NO_SUBJECT = "(no subject)"
"""Subject of clips that nothing names one for; protocols refuse them."""

_NO_APEX = ("", "/", "-", "nan", "none", "n/a")


class Place(Enum):
    """A frame given by position instead of number: the first or the last one of the clip on disk."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True)
class Annotation:
    """One expression as written in its database, before any check.

    Attributes:
        subject: Subject in the database's canonical spelling, e.g. ``sub01``.
        clip: Name of the clip, unique for the subject.
        kind: ``micro`` or ``macro``.
        onset: Cell of the first frame of the movement.
        apex: Cell of the frame of the strongest movement.
        offset: Cell of the last frame of the movement.
        fps: Cell of the frame rate; None for the database's own.
        emotion: Cell of the emotion; None if it was not annotated.
        action_units: Cell of the action units.
        objective_class: Cell of the objective class, 1..7 or I..VII.
        source: Where it was read.
        box: Bounding box of the face in the first frame, if annotated.
    """

    subject: str
    clip: str
    kind: Kind
    onset: CellValue | Place
    apex: CellValue | Place
    offset: CellValue | Place
    source: Source
    fps: CellValue = None
    emotion: CellValue = None
    action_units: CellValue = None
    objective_class: CellValue = None
    box: Box | None = None


@dataclass
class Report:
    """Findings while reading: faults, which are raised together once everything has been read, and notes."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fault(self, where: Source | str, what: str) -> None:
        """Add a fault: where it is, what is wrong, what to do."""
        self.faults.append(f"{where}: {what}")

    def note(self, where: Source | str, what: str) -> None:
        """Add a note about something that was repaired, tolerated or left out."""
        self.notes.append(f"{where}: {what}")


def whole_number(cell: CellValue | Place) -> int | None:
    """Return a cell's integer (``46``, ``46.0``, ``"46"``), or None if it is not one."""
    number = _number(cell)
    return int(number) if number is not None and number == number // 1 else None


def _number(cell: CellValue | Place) -> float | None:
    if isinstance(cell, str) and "_" not in cell:  # Python reads 006_1_2, the name of a clip, as 612
        with contextlib.suppress(ValueError):
            cell = float(cell)
    number = cell if isinstance(cell, int | float) and not isinstance(cell, bool) else None
    return number if number is not None and abs(number) < 1e15 else None  # larger floats skip whole numbers


def has_no_apex(cell: CellValue | Place) -> bool:
    """Return whether a cell means that no apex was annotated: empty, ``/``, 0, -1 and the like."""
    number = whole_number(cell)
    if number is not None:
        return number <= 0
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _NO_APEX)


@dataclass(frozen=True)
class ParsedAnnotation:
    """An annotation with parsed cells, before its frames are located; attributes as in ``ClipRow``."""

    annotation: Annotation
    onset: int | Place
    apex: int | Place | None
    offset: int | Place
    fps: float
    emotion: str | None
    action_units: tuple[ActionUnit, ...]
    action_units_raw: str
    objective_class: int | None


def parse_annotations(
    annotations: list[Annotation], fps: float, emotions: Collection[str], report: Report
) -> list[ParsedAnnotation]:
    """Return the valid annotations; every invalid cell is reported as a fault.

    Args:
        annotations: What a reader found.
        fps: Frame rate of annotations that give none, in frames per second.
        emotions: Emotions that the database uses, in lower case.
        report: Collects faults and notes.
    """
    places: dict[tuple[str, str], Source] = {}
    parsed = []
    for annotation in annotations:
        faults = len(report.faults)
        name = (annotation.subject, annotation.clip)
        if name in places:
            report.fault(
                annotation.source,
                f"clip {'/'.join(name)} is already defined in {places[name]}; remove one of the two rows",
            )
        places.setdefault(name, annotation.source)
        expression = _parse(annotation, fps, emotions, report)
        if expression is not None and len(report.faults) == faults:
            parsed.append(expression)
    _note_blank_emotions(parsed, report)
    return parsed


def _note_blank_emotions(expressions: Sequence[ParsedAnnotation], report: Report) -> None:
    """Add a note about clips without an emotion where others of their kind have one."""
    for kind in get_args(Kind):
        of_kind = [expression for expression in expressions if expression.annotation.kind == kind]
        blank = [expression.annotation.source for expression in of_kind if expression.emotion is None]
        if 0 < len(blank) < len(of_kind):
            report.note(blank[0], f"no emotion, as for {len(blank)} of {len(of_kind)} {kind}-expressions")


def _parse(annotation: Annotation, fps: float, emotions: Collection[str], report: Report) -> ParsedAnnotation | None:
    where = annotation.source
    for name in (annotation.subject, annotation.clip):
        if name.strip(". ") == "" or any(sign in name for sign in "/\\") or not name.isprintable():
            report.fault(where, f"{name!r} is not a valid name: it becomes part of a path; correct the cell")
            return None
    onset = _frame("onset", annotation.onset, annotation, report)
    offset = _frame("offset", annotation.offset, annotation, report)
    apex = None
    if not has_no_apex(annotation.apex):
        apex = _frame("apex", annotation.apex, annotation, report)
    elif annotation.apex is not None:
        report.note(where, f"apex {describe(annotation.apex)} is treated as no apex")
    rate = _number(annotation.fps) if annotation.fps is not None else fps
    if rate is None or not 0 < rate < 10_000:
        report.fault(where, f"frame rate: a number of frames per second is expected, {describe(annotation.fps)} found")
    if isinstance(onset, int) and isinstance(offset, int) and offset < onset:
        report.fault(where, f"offset {offset} is before onset {onset}; correct the row")
    emotion = _emotion(annotation, emotions, report)
    stated_class = _objective_class(annotation, report)
    units = _units_text(annotation, report)
    if onset is None or offset is None or rate is None:
        return None
    return ParsedAnnotation(
        annotation, onset, apex, offset, float(rate), emotion, parse_action_units(units), units, stated_class
    )


def _frame(column: str, cell: CellValue | Place, annotation: Annotation, report: Report) -> int | Place | None:
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
    emotion = str(annotation.emotion).strip()
    if emotion.lower() not in emotions:
        known = ", ".join(sorted(emotions))
        report.fault(
            annotation.source, f"emotion {describe(annotation.emotion)} is unknown; one of {known} is expected"
        )
    return emotion


def _objective_class(annotation: Annotation, report: Report) -> int | None:
    cell = annotation.objective_class
    if cell is None:
        return None
    text = str(cell).strip()
    number = ROMAN.index(text) + 1 if text in ROMAN else whole_number(cell)
    if number is None or not 1 <= number <= len(ROMAN):
        report.fault(annotation.source, f"objective class {describe(cell)} is unknown; 1 to 7 or I to VII is expected")
        return None
    return number


def _units_text(annotation: Annotation, report: Report) -> str:
    cell = annotation.action_units
    if cell is None or isinstance(cell, str):
        return (cell or "").strip()
    number = whole_number(cell)
    if number is None:  # e.g. 4.7 or a date, into which a spreadsheet program converted a list
        report.fault(annotation.source, f"action units: text or a whole number is expected, {describe(cell)} found")
    return "" if number is None else str(number)
