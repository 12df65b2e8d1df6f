"""One table for all databases: one row per clip, the same columns for every database."""

from dataclasses import dataclass
from pathlib import Path

from data_modules.action_units import ActionUnit
from data_modules.annotations import Kind, ParsedAnnotation, Place, Report
from data_modules.databases.sheets import Source
from data_modules.objective_class import objective_class
from data_modules.video.crop import Box
from data_modules.video.frames import FrameReader


@dataclass(frozen=True)
class ClipRow:
    """One clip of a database.

    Attributes:
        database: Short name of the database, e.g. ``casme2``.
        people: Short name of the database that names the subject: SAMM Long Videos shows the subjects of SAMM.
        subject: Subject within that database.
        clip: Clip of the subject.
        kind: ``micro`` or ``macro``.
        onset: Number of the first frame of the movement, in the numbering of the files or the video's frames.
        apex: Number of the frame of the strongest movement, onset < apex <= offset, or the only frame; None if not
            known.
        offset: Number of the last frame of the movement.
        fps: Frames per second; NaN if unknown, which is possible only for own clips.
        emotion: Emotion as written, or None.
        action_units: Action units, parsed.
        action_units_raw: Action units as written.
        objective_class: Objective class 1..7, as annotated or derived from the action units; None without either.
        root: The database's folder, which contains the frames.
        path: Folder with the frames, a single image or a video file.
        numbers: Numbers of the frames on disk from onset to offset, ascending, possibly with gaps.
        source: Where the row was read.
        box: Bounding box of the face in the first frame, if annotated.
        first_number: Number of a video's first frame.
        neutral: Picture (or landmarks) of the neutral face if the clip is a pair of stills; ``path`` is the other one.
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
    neutral: Path | None = None

    @property
    def subject_id(self) -> str:
        """Name of the subject, unique over all databases, e.g. ``casme2/sub01``."""
        return f"{self.people}/{self.subject}"

    @property
    def clip_id(self) -> str:
        """Name of the clip, unique over all databases, e.g. ``casme2/sub01/EP02_01f``."""
        return f"{self.database}/{self.subject}/{self.clip}"


@dataclass(frozen=True)
class ClipTable:
    """The clips of one or several databases.

    Attributes:
        rows: One per clip, in the order of the annotation.
        notes: What was repaired, tolerated or left out while reading.
    """

    rows: tuple[ClipRow, ...]
    notes: tuple[str, ...] = ()


def clip_row(
    parsed: ParsedAnnotation,
    database: str,
    people: str,
    root: Path,
    path: Path,
    frames: FrameReader,
    report: Report,
    first_number: int = 0,
) -> ClipRow | None:
    """Return the row of an annotation; None, and a fault in the report, if its frames are not on disk.

    Args:
        parsed: The annotation.
        database: Short name of the database.
        people: Short name of the database that names the subject.
        root: The database's folder.
        path: Where the frames are.
        frames: Reader of that path.
        report: Collects faults and notes.
        first_number: Number of a video's first frame.
    """
    annotation, on_disk = parsed.annotation, frames.numbers
    first, last = on_disk[0], on_disk[-1]
    onset = _number(parsed.onset, first, last)
    offset = _number(parsed.offset, first, last)
    apex = None if parsed.apex is None else _number(parsed.apex, first, last)
    if apex is not None and not onset < apex <= offset and not onset == apex == offset:
        report.note(
            annotation.source,
            f"apex {apex} is not between onset {onset} and offset {offset}, so it is treated as no apex",
        )
        apex = None
    if onset < first or offset > last:
        report.fault(
            annotation.source,
            f"clip {annotation.subject}/{annotation.clip} spans frames {onset} to {offset}, but {path.name} has "
            f"{first} to {last}; restore the frames or correct the row",
        )
        return None
    numbers = tuple(number for number in on_disk if onset <= number <= offset)
    if not numbers:
        report.fault(annotation.source, f"{path.name} has no frame from {onset} to {offset}; restore the frames")
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
        fps=parsed.fps,
        emotion=parsed.emotion,
        action_units=parsed.action_units,
        action_units_raw=parsed.action_units_raw,
        objective_class=parsed.objective_class or objective_class([unit.number for unit in parsed.action_units]),
        root=root,
        path=path,
        numbers=numbers,
        source=annotation.source,
        box=annotation.box,
        first_number=first_number,
    )


def _number(frame: int | Place, first: int, last: int) -> int:
    return frame if isinstance(frame, int) else first if frame is Place.FIRST else last
