"""What all database readers do: find the root, read and correct the annotation, find the frames, report faults."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from data_modules.annotations import Annotation, Kind, ParsedAnnotation, Report, parse_annotations
from data_modules.clip_table import ClipRow, ClipTable, clip_row
from data_modules.databases.corrections import correct, read_corrections
from data_modules.video.frames import FrameReader, open_frames
from lightmannet.errors import AbsentDataError, DataError, faults_message

Certainty = Literal["several sources agree", "one source", "experimental"]


@dataclass(frozen=True)
class Expected:
    """What a complete archive has of one kind of expression; None or empty where it is not known.

    Attributes:
        clips: Number of clips.
        subjects: Number of subjects.
        emotions: Clips per emotion, in lower case.
    """

    clips: int | None = None
    subjects: int | None = None
    emotions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """Facts about a database.

    Attributes:
        name: Short name: the stem of its files and the first part of its clips' ids.
        title: Name as its authors write it.
        variable: Environment variable that may name its root.
        fps: Frame rate, in frames per second.
        emotions: Emotions that the annotation uses, in lower case.
        expected: What a complete archive has of each kind of expression.
        certainty: How sure it is that archives have this layout; none was verified on an official archive.
        licence: Terms under which it is distributed.
        request: How to get it.
        tree: Layout of the root, as text.
        people: Short name of the database that has the same subjects under the same names; empty for this one. When
            people are divided into folds, they are the same people in both.
    """

    name: str
    title: str
    variable: str
    fps: float
    emotions: tuple[str, ...]
    expected: Mapping[Kind, Expected]
    certainty: Certainty
    licence: str
    request: str
    tree: str
    people: str = ""


class Database(ABC):
    """Reader of one database's official files.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable of the description.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description: Description

    def __init__(self, root: str | None = None, faulty: Literal["refuse", "leave_out"] = "refuse") -> None:
        self.root = root
        self.faulty = faulty

    @abstractmethod
    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return what the annotation files say, one entry per expression; invalid rows are reported as faults.

        Args:
            root: The database's folder.
            report: Collects faults and notes.

        Raises:
            DataError: A file is missing or damaged, or lacks a sheet or column.
        """

    @abstractmethod
    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the folder, image or video with the frames of an expression.

        Args:
            root: The database's folder.
            annotation: The expression.

        Raises:
            DataError: It is missing; the message says what was expected and found.
        """

    @property
    def address(self) -> str:
        """What ``lightmannet databases check`` calls it."""
        return self.description.name

    def first_number(self, path: Path) -> int:
        """Return the number that the annotation gives to the first frame of a video."""
        return 0

    def folder(self) -> Path:
        """Return the root.

        Raises:
            AbsentDataError: None is given.
            DataError: It is not a folder.
        """
        d = self.description
        origin = "root" if self.root else d.variable
        given = self.root or os.environ.get(d.variable)
        if not given:
            raise AbsentDataError(
                f"{d.title}: no root folder is given ({d.variable} is not set). Set `root:` in "
                f"configs/data/{d.name}.yaml or the environment variable {d.variable} to the folder that holds\n"
                f"{d.tree}\n{d.request}"
            )
        folder = os.path.expanduser(given)  # not Path.expanduser, which raises on impossible names
        if os.path.isdir(folder):
            return Path(folder)
        problem = "is a file, not a folder" if os.path.isfile(folder) else "does not exist"
        raise DataError(f"{d.title}: {origin} names {given!r}, which {problem}. {d.request}")

    def expressions(self, report: Report) -> list[ParsedAnnotation]:
        """Return the annotated expressions, corrected and parsed, without looking for frames.

        Args:
            report: Collects faults and notes.

        Raises:
            DataError: The root or the annotation files are missing or cannot be read.
        """
        root = self.folder()
        try:
            found = self.annotations(root, report)
        except DataError as error:
            raise DataError(f"{self.description.title} in {root}: {error}") from error
        found = correct(found, read_corrections(self.description.name), report)
        return parse_annotations(found, self.description.fps, self.description.emotions, report)

    def read(self, report: Report) -> list[ClipRow]:
        """Return the clips without fault; every fault goes into the report.

        Raises:
            DataError: The root or the annotation files are missing or cannot be read.
        """
        root = self.folder()
        # The expressions of a long video share its folder, which may contain thousands of files.
        opened = lru_cache(maxsize=16)(open_frames)
        rows = []
        failed: dict[str, list[Annotation]] = {}
        for expression in self.expressions(report):
            try:
                row = self._row(root, expression, opened, report)
            except DataError as error:
                failed.setdefault(str(error), []).append(expression.annotation)
                continue
            if row is not None:
                rows.append(row)
        for message, (first, *others) in failed.items():
            # One missing folder is one fault, however many clips are in it.
            alike = f" (and the same for {len(others)} more clips)" if others else ""
            report.fault(first.source, f"clip {first.subject}/{first.clip}: {message}{alike}")
        return rows

    def table(self) -> ClipTable:
        """Read the whole database.

        Raises:
            DataError: Anything is missing, damaged or contradictory; the message lists every fault.
        """
        report = Report()
        rows = self.read(report)
        if not rows and not report.faults:
            report.fault("annotation", "it contains no clips; is the file complete?")
        if report.faults and not (rows and self.faulty == "leave_out"):
            title = f"{self.description.title} in {self.folder()}"
            hint = (
                "\nCorrect them, or set the database's `faulty` to leave_out to go on without these clips."
                if rows
                else ""
            )
            raise DataError(f"{faults_message(title, report.faults)}{hint}")
        return ClipTable(tuple(rows), tuple(report.notes + [f"left out: {fault}" for fault in report.faults]))

    def _row(
        self, root: Path, expression: ParsedAnnotation, opened: Callable[[Path, Path, int], FrameReader], report: Report
    ) -> ClipRow | None:
        path = self.locate(root, expression.annotation)
        first = self.first_number(path)
        people = self.description.people or self.description.name
        return clip_row(expression, self.description.name, people, root, path, opened(path, root, first), report, first)
