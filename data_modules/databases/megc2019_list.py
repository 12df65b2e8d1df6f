"""The official list of the MEGC2019 composite: which clips of CASME II, SMIC and SAMM count, and their classes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data_modules.annotations import Annotation, ParsedAnnotation, Report
from data_modules.clip_table import ClipRow
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.casme2 import CASME2
from data_modules.databases.samm import SAMM
from data_modules.databases.sheets import Record, Sheet, Source, describe, first_sheet, table
from data_modules.databases.smic import SMIC
from data_modules.databases.tree import require
from data_modules.schemes import CLASSES, read_scheme
from lightmannet.errors import DataError

_FILES = ("combined_3class_gt.csv", "combined_3_class2_for_optical_flow.csv")
# In the order of the official file, which has no header.
_COLUMNS = {
    "database": ("dataset",),
    "subject": ("sub", "subject"),
    "clip": ("filename_o", "filename"),
    "label": ("label", "class"),
}
_Key = tuple[str, str, str]


@dataclass(frozen=True)
class ListedClip:
    """One row of the list.

    Attributes:
        key: Database, subject and clip as the readers name them: ``("smic", "s01", "s1_ne_01")``.
        label: Class, an index of ``CLASSES``.
        source: Row of the list.
    """

    key: _Key
    label: int
    source: Source


class MEGC2019List(Database):
    """The clips of the official list, read from the three databases' own files.

    It replaces the three readers: its rows are theirs, in the order of the list. A listed clip that the readers lack is
    a fault, and so is one with another class in the list than by the scheme ``megc2019``. Clips that are not listed are
    left out, but their faults count as they would for their reader.

    Args:
        casme2: Reader of CASME II; None takes one without options. The readers' own ``faulty`` is ignored.
        smic: Reader of SMIC.
        samm: Reader of SAMM.
        root: Folder of the list: the official ``combined_3class_gt.csv`` without header (database, subject, clip,
            class), or HTNet's ``combined_3_class2_for_optical_flow.csv``; None takes the environment variable
            ``MEGC2019_ROOT``, which also names the folder of flow images.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="megc2019_list",
        title="MEGC2019 list",
        variable="MEGC2019_ROOT",
        fps=200,  # not used: each row has its database's
        emotions=tuple(
            dict.fromkeys(CASME2.description.emotions + SMIC.description.emotions + SAMM.description.emotions)
        ),
        expected={"micro": Expected(clips=442, subjects=68)},
        certainty="several sources agree",
        licence="that of CASME II, SMIC and SAMM",
        request="The GitHub repository wangzhifengharrison/HTNet contains the list.",
        tree="""\
MEGC2019/
  combined_3class_gt.csv                    or HTNet's combined_3_class2_for_optical_flow.csv""",
    )

    def __init__(
        self,
        casme2: CASME2 | None = None,
        smic: SMIC | None = None,
        samm: SAMM | None = None,
        root: str | None = None,
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.readers: tuple[Database, ...] = (casme2 or CASME2(), smic or SMIC(), samm or SAMM())

    def clips(self, report: Report) -> list[ListedClip]:
        """Return the valid rows of the list; every other is a fault.

        Raises:
            DataError: The list is missing or damaged.
        """
        root = self.folder()
        try:
            path = require(root, _FILES, "the list")
            sheet = first_sheet(path)
            records = list(_records(sheet))
        except DataError as error:
            raise DataError(f"{self.description.title} in {root}: {error}") from error
        listed: dict[_Key, ListedClip] = {}
        for record in records:
            source = Source(sheet.file, row=record.row)
            clip = _parse(record, source, report)
            if clip is not None and clip.key in listed:
                report.fault(
                    source,
                    f"clip {'/'.join(clip.key)} is already in row {listed[clip.key].source.row}; remove one of them",
                )
            elif clip is not None:
                listed[clip.key] = clip
        for reader in self.readers:
            if all(key[0] != reader.description.name for key in listed):
                report.fault(path.name, f"no clip of {reader.description.title} is listed; give the whole list")
        return list(listed.values())

    def expressions(self, report: Report) -> list[ParsedAnnotation]:
        """Return the listed expressions as the three readers parse them, without looking for frames."""
        found: dict[_Key, ParsedAnnotation] = {}
        for reader in self.readers:
            for e in reader.expressions(report):
                found[reader.description.name, e.annotation.subject, e.annotation.clip] = e
        return [found[clip.key] for clip in self.clips(report) if clip.key in found]

    def read(self, report: Report) -> list[ClipRow]:
        """Return the listed clips without fault; every fault goes into the report.

        Raises:
            DataError: The list, a root or the annotation files are missing or cannot be read.
        """
        listed = self.clips(report)
        found = {(row.database, row.subject, row.clip): row for reader in self.readers for row in reader.read(report)}
        scheme = read_scheme("megc2019")
        rows = []
        for clip in listed:
            row = found.get(clip.key)
            name = f"clip {'/'.join(clip.key)}"
            if row is None:
                report.fault(
                    clip.source, f"{name} is not among those that were read; restore it, or see the faults above"
                )
                continue
            label = scheme.label(row)
            if label != clip.label:
                by_scheme = "of no class" if label is None else CLASSES[label]
                report.fault(
                    clip.source,
                    f"{name} is {CLASSES[clip.label]} in the list and {by_scheme} by the scheme megc2019 (emotion "
                    f"{row.emotion!r}, {row.source}); correct one of the two",
                )
                continue
            rows.append(row)
        return rows

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the annotations of the three databases, listed or not; each looks in its own root."""
        return [a for reader in self.readers for a in reader.annotations(reader.folder(), report)]

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Raise: the three readers find their own frames."""
        raise NotImplementedError("An annotation does not say its database; call locate of one of `readers`")


def _records(sheet: Sheet) -> Iterator[Record]:
    """Return the rows; only HTNet's file has a header."""
    first = [cell.lower() if isinstance(cell, str) else "" for cell in sheet.rows[0]] if sheet.rows else []
    if "dataset" in first:
        return table(sheet, _COLUMNS, search=1)
    return (
        # A short row lacks cells, which is reported as a fault of the row.
        Record(sheet, number, dict(zip(_COLUMNS, (*cells, *[None] * len(_COLUMNS)), strict=False)))
        for number, cells in enumerate(sheet.rows, start=1)
        if any(cell is not None for cell in cells)
    )


def _parse(record: Record, source: Source, report: Report) -> ListedClip | None:
    database, subject, clip, label = (record.text(column) for column in _COLUMNS)
    number = re.fullmatch(r"[a-z]*(\d+)", subject.lower())
    database = database.lower()
    if number is None or not clip:
        report.fault(source, f"database, subject and clip are expected, {_cells(record)} found; correct the row")
    elif label not in ("0", "1", "2"):
        classes = ", ".join(f"{index} ({name})" for index, name in enumerate(CLASSES))
        report.fault(source, f"class {describe(record['label'])} is unknown; one of {classes} is expected")
    elif database == "casme2":
        return ListedClip((database, f"sub{number[1].zfill(2)}", clip), int(label), source)
    elif database == "smic":
        # On disk the clip is s1_ne_01, in the list s01_ne_01.
        return ListedClip((database, f"s{number[1].zfill(2)}", re.sub("^s0+", "s", clip)), int(label), source)
    elif database == "samm":
        return ListedClip((database, number[1].zfill(3), clip), int(label), source)
    else:
        report.fault(source, f"database {describe(record['database'])} is unknown; casme2, smic or samm is expected")
    return None


def _cells(record: Record) -> str:
    return ", ".join(describe(record[column]) for column in _COLUMNS)
