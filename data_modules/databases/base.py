"""What every database reader does: find the root, read the annotation, repair it, find the frames, report faults."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from data_modules.clip_table import (
    Annotation,
    ClipRow,
    ClipTable,
    Expression,
    Kind,
    Report,
    place,
    understand,
)
from data_modules.databases.corrections import correct, read_corrections
from data_modules.databases.tree import listing
from data_modules.video.frames import FrameReader, open_frames
from lightmannet.errors import DataError, faults_message

Certainty = Literal["several sources agree", "one source", "experimental"]


@dataclass(frozen=True)
class Expected:
    """What a complete archive holds of one kind of expression; None or empty where it isn't known.

    Attributes:
        clips: Number of clips.
        subjects: Number of persons.
        emotions: Clips an emotion, in lower case.
    """

    clips: int | None = None
    subjects: int | None = None
    emotions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """A database in words and numbers.

    Attributes:
        name: Short name: the stem of its files and the first part of its clips' ids.
        title: Name as its authors write it.
        variable: Environment variable that may name its root.
        fps: Frames a second.
        emotions: Words that the annotation uses, in lower case.
        expected: What a complete archive holds.
        certainty: How sure it is that archives look as this reader thinks; none was verified on an official one.
        licence: Under what it is given out.
        request: How to get it.
        tree: What the root must look like, as text.
        people: Short name of the database that has the same persons under the same names; empty for this one. Two
            databases of the same people must never be told apart when people are divided.
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
        root: Folder that the archives were unpacked in; None takes the environment variable of the description.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description: Description

    def __init__(self, root: str | None = None, faulty: Literal["refuse", "leave_out"] = "refuse") -> None:
        self.root = root
        self.faulty = faulty

    @abstractmethod
    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return what the annotation files say, one entry an expression; rows that make no sense are faults.

        Raises:
            DataError: A file is missing or damaged, or lacks a sheet or column.
        """

    @abstractmethod
    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return where the frames of an expression are: a folder, an image or a video.

        Raises:
            DataError: They are not there; says what was expected and what was found.
        """

    def first_number(self, path: Path) -> int:
        """Return the number that the annotation gives to the first frame of a video."""
        return 0

    def folder(self) -> Path:
        """Return the root.

        Raises:
            DataError: None is given, or it is no folder.
        """
        d = self.description
        origin = "root" if self.root else d.variable
        given = self.root or os.environ.get(d.variable)
        if not given:
            raise DataError(
                f"{d.title}: no root folder is given. Set `root:` in configs/data/{d.name}.yaml or the environment "
                f"variable {d.variable} to the folder that holds\n{d.tree}\n{d.request}"
            )
        folder = os.path.expanduser(given)  # of os, as Path's methods raise on names that cannot be
        if os.path.isdir(folder):
            return Path(folder)
        problem = "is a file, not a folder" if os.path.isfile(folder) else "does not exist"
        raise DataError(f"{d.title}: {origin} names {given!r}, which {problem}. {d.request}")

    def expressions(self, report: Report) -> list[Expression]:
        """Return the expressions that the annotation describes, corrected and understood, without looking at frames.

        Args:
            report: Takes faults and notes.

        Raises:
            DataError: The root or the annotation files are missing or cannot be read.
        """
        root = self.folder()
        try:
            found = self.annotations(root, report)
        except DataError as error:
            raise DataError(f"{self.description.title} in {root}: {error}") from error
        found = correct(found, read_corrections(self.description.name), report)
        return understand(found, self.description.fps, self.description.emotions, report)

    def read(self, report: Report) -> list[ClipRow]:
        """Return the clips without fault; every fault goes into the report.

        Raises:
            DataError: The root or the annotation files are missing or cannot be read.
        """
        root = self.folder()
        # The expressions of a long video share its folder, which may hold thousands of files.
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
            # One missing folder is one fault, however many clips lie in it.
            alike = f" (and {len(others)} more clips alike)" if others else ""
            report.fault(first.source, f"clip {first.subject}/{first.clip}: {message}{alike}")
        return rows

    def table(self) -> ClipTable:
        """Read everything.

        Raises:
            DataError: Anything is missing, damaged or contradictory; the message lists every fault.
        """
        report = Report()
        rows = self.read(report)
        if not rows and not report.faults:
            report.fault("annotation", "it describes no clip; is the file complete?")
        if report.faults and not (rows and self.faulty == "leave_out"):
            title = f"{self.description.title} in {self.folder()}"
            hint = (
                "\nMend them, or set the database's `faulty` to leave_out to go on without these clips." if rows else ""
            )
            raise DataError(f"{faults_message(title, report.faults)}{hint}")
        return ClipTable(tuple(rows), tuple(report.notes + [f"left out: {fault}" for fault in report.faults]))

    def _row(
        self, root: Path, expression: Expression, opened: Callable[[Path, Path, int], FrameReader], report: Report
    ) -> ClipRow | None:
        path = self.locate(root, expression.annotation)
        first = self.first_number(path)
        people = self.description.people or self.description.name
        return place(expression, self.description.name, people, root, path, opened(path, root, first), report, first)


def missing(what: str, expected: str, folder: Path) -> DataError:
    """Return the error for frames that are not where they should be.

    Args:
        what: What is missing, e.g. ``the folder of frames``.
        expected: Name or names that were looked for.
        folder: Where.
    """
    return DataError(f"{what} is missing: {expected} is expected in {folder}, {listing(folder)}")
