"""One's own clips in a table: a CSV file or a workbook with a row per expression."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, get_args

from data_modules.annotations import NO_SUBJECT, Annotation, Kind, Place, Report
from data_modules.databases.own import OwnDatabase, OwnFiles, own_description
from data_modules.databases.sheets import CellValue, Record, first_sheet, table
from lightmannet.errors import DataError

TABLES = (".csv", ".xlsx", ".xlsm", ".xls")
"""Suffixes of tables of clips."""

_MISSING = ("", "/", "-", "nan", "none", "n/a")


class TableDatabase(OwnDatabase):
    """Reader of a table of labelled clips: columns ``path``, ``subject`` and ``label``, others where they are known.

    Paths are relative to the table; a clip is a video or a folder of frames, or, with a column ``neutral``, a picture
    and that of the same face at rest. ``onset``, ``apex`` and ``offset`` are frame numbers (a video's first frame is
    0); empty, the clip begins at the onset and ends at the offset. ``fps``, ``action units`` (``4+7``) and ``kind``
    (``micro`` or ``macro``) may be there, too. Several rows may name one video.

    Args:
        root: The table, ``.csv`` (with ``,``, ``;`` or tabs) or the first sheet of ``.xlsx`` or ``.xls``; None takes
            the environment variable ``OWN_TABLE``.
        name: First part of the clips' ids; None takes the name of the table.
        fps: Frames per second of clips that do not say; None for unknown. Nothing that is learned depends on it.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.

    Raises:
        ConfigurationError: An impossible name.
    """

    description = own_description(
        "table",
        "OWN_TABLE",
        """\
TABLE.csv
  path,subject,label,onset,apex,offset
  anna/1.mp4,anna,happy,10,22,40         onset, apex and offset may be empty or missing""",
    )
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "path": ("path", "clip", "file", "filename", "video"),
        "label": ("label", "class", "emotion"),
        "subject": ("subject", "person", "participant"),
        "onset": ("onset", "onset frame"),
        "apex": ("apex", "apex frame"),
        "offset": ("offset", "offset frame"),
        "fps": ("fps", "frame rate", "frames per second"),
        "units": ("action units", "action unit", "units", "au", "aus"),
        "kind": ("kind",),
        "neutral": ("neutral", "neutral path", "onset image"),
    }

    @property
    def file(self) -> Path:
        """The table.

        Raises:
            DataError: None is given, or it is no file.
        """
        variable = self.description.variable
        given = self.root or os.environ.get(variable)
        if not given:
            raise DataError(
                f"TableDatabase: no table is given. Set `root:`, or the environment variable {variable}, to a file "
                f"such as\n{self.description.tree}"
            )
        path = Path(os.path.expanduser(given))
        if not path.is_file():
            raise DataError(f"TableDatabase: {given!r} is no file; name a table ({' '.join(TABLES)}).")
        return path

    def folder(self) -> Path:
        """Return the folder of the table."""
        return self.file.absolute().parent

    def clips(self, root: Path, report: Report) -> list[tuple[Annotation, OwnFiles]]:
        """Return the rows of the table."""
        optional = [column for column in self.columns if column not in ("path", "label")]
        found: list[tuple[Annotation, OwnFiles]] = []
        taken: set[tuple[str, str]] = set()
        sheet = first_sheet(self.file)
        records = list(table(sheet, self.columns, optional))
        named = any(record["subject"] is not None for record in records)
        for record in records:
            try:
                clip = self._clip(record, root, named, taken)
            except DataError as error:
                report.fault(record.source, str(error).removeprefix(f"{record.source}: "))
                continue
            taken.add((clip[0].subject, clip[0].clip))
            found.append(clip)
        return found

    def _clip(
        self, record: Record, root: Path, named: bool, taken: set[tuple[str, str]]
    ) -> tuple[Annotation, OwnFiles]:
        """Return a row's clip.

        Raises:
            DataError: A cell that is needed is empty or cannot be read.
        """
        path, label, subject, kind = (record.text(name) for name in ("path", "label", "subject", "kind"))
        for name, text in (("path", path), ("label", label), ("subject", subject if named else NO_SUBJECT)):
            if not text:
                raise DataError(f"{name} is empty; fill the cell, or remove the row")
        kinds: dict[str, Kind] = {name: name for name in get_args(Kind)}
        if kind and kind.lower() not in kinds:
            raise DataError(f"kind is {kind!r}; micro or macro is expected")
        neutral = record.text("neutral")
        onset, offset = record["onset"], record["offset"]
        clip = "-".join(part for part in Path(path).parts if part not in (os.sep, "..", "."))
        subject = subject or NO_SUBJECT
        if (subject, clip) in taken:  # one video may show several expressions
            clip = f"{clip}@{record.text('onset')}"
        apex: CellValue | Place = None if _is_missing(record["apex"]) else record["apex"]
        annotation = Annotation(
            subject=subject,
            clip=clip,
            kind=kinds.get(kind.lower(), "micro"),
            onset=Place.FIRST if neutral or _is_missing(onset) else onset,
            apex=Place.LAST if neutral else apex,
            offset=Place.LAST if neutral or _is_missing(offset) else offset,
            fps=None if _is_missing(record["fps"]) else record["fps"],
            emotion=label,
            action_units=None if _is_missing(record["units"]) else record["units"],
            source=record.source,
        )
        return annotation, OwnFiles(_at(root, path), _at(root, neutral) if neutral else None)


def _at(root: Path, path: str) -> Path:
    return root / os.path.expanduser(path)


def _is_missing(cell: CellValue) -> bool:
    text = isinstance(cell, str) and cell.strip().lower() in _MISSING
    return cell is None or text or (isinstance(cell, float) and math.isnan(cell))
