"""What readers of pairs share: a neutral and an expressive still of one person, as pictures or as landmarks."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from data_modules.annotations import Annotation, ParsedAnnotation, Place, Report
from data_modules.clip_table import ClipRow, clip_row
from data_modules.databases.base import Database
from data_modules.databases.sheets import Source
from data_modules.video.frames import FrameReader
from data_modules.video.still_pair import open_pair


@dataclass(frozen=True)
class Still:
    """One picture, or the landmarks of one.

    Attributes:
        person: Person in the database's canonical spelling.
        take: Name of the take, series or session, each with its own neutral face; empty for one per person.
        emotion: Word of the database for the emotion; None for a neutral face.
        name: Name of the clip that the picture is the apex of; no other of the person's has it.
        path: Its file.
    """

    person: str
    take: str
    emotion: str | None
    name: str
    path: Path


class PairDatabase(Database):
    """Reader of a database of stills: each expressive one makes a clip, with the neutral face of its person and take.

    Onset is the neutral face (frame 0), apex and offset are the expressive one (frame 1). Of several neutral faces of a
    person and take the first by name counts, and a note says so. An expression without a neutral face is a fault, and
    so is one that is there twice, as with two extensions.
    """

    @abstractmethod
    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the pictures that there are; files whose names make no sense are faults.

        Raises:
            DataError: A folder is missing.
        """

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return an expression for each expressive picture that has a neutral one."""
        self._files: dict[tuple[str, str], tuple[Path, Path]] = {}
        neutral: dict[tuple[str, str], Path] = {}
        stills = sorted(self.stills(root, report), key=lambda still: still.path.name)
        for still in stills:
            if still.emotion is not None:
                continue
            first = neutral.setdefault((still.person, still.take), still.path)
            if first != still.path:
                report.note(still.path.name, f"a further neutral face of {still.person}; {first.name} is taken")
        found = []
        for still in stills:
            if still.emotion is None:
                continue
            face = neutral.get((still.person, still.take))
            if face is None:
                take = f", take {still.take}," if still.take else ""
                report.fault(still.path.name, f"there is no neutral face of {still.person}{take} to pair it with")
                continue
            first, second = self._files.setdefault((still.person, still.name), (face, still.path))
            if second != still.path:
                report.fault(still.path.name, f"shows the same as {second.name} by their names; remove one of the two")
                continue
            found.append(
                Annotation(
                    subject=still.person,
                    clip=still.name,
                    kind="macro",
                    onset=Place.FIRST,
                    apex=Place.LAST,
                    offset=Place.LAST,
                    emotion=still.emotion,
                    source=Source(still.path.name),
                )
            )
        return found

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the file of the expressive picture."""
        return self._files[annotation.subject, annotation.clip][1]

    def _row(
        self, root: Path, expression: ParsedAnnotation, opened: Callable[[Path, Path, int], FrameReader], report: Report
    ) -> ClipRow | None:
        annotation = expression.annotation
        neutral, apex = self._files[annotation.subject, annotation.clip]
        people = self.description.people or self.description.name
        frames = open_pair(neutral, apex, root)
        row = clip_row(expression, self.description.name, people, root, apex, frames, report)
        return None if row is None else replace(row, neutral=neutral)


def name_fault(path: Path, expected: str) -> str:
    """Return what is wrong with a file's name, which DOS may have shortened (``KAAN1~1.TIF``).

    Args:
        path: The file.
        expected: A right name, and what it may consist of.
    """
    shortened = "; DOS has shortened it, copy the files with their full names" if "~" in path.name else ""
    return f"a name such as {expected} is expected{shortened}"
