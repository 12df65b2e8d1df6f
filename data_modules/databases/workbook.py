"""What readers of databases with a coding workbook share: one row per expression, below a header."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from data_modules.annotations import Annotation, Kind, Report
from data_modules.databases.base import Database
from data_modules.databases.sheets import Record, Sheet, first_sheet, table
from data_modules.databases.tree import require


class WorkbookDatabase(Database):
    """Reader of a database whose annotation is a workbook; subclasses say what differs.

    Attributes:
        workbooks: Names of the workbook in order of preference.
        columns: Accepted titles of the columns ``subject``, ``clip``, ``onset``, ``apex``, ``offset``, ``emotion``,
            ``units``, ``class`` and ``fps``, as far as the workbook has them, and of others that the reader uses.
        optional: Names of the columns that may be missing.
    """

    workbooks: ClassVar[Sequence[str]]
    columns: ClassVar[Mapping[str, Sequence[str]]]
    optional: ClassVar[Sequence[str]] = ()

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the coding workbook."""
        rows = (self.annotation(record, report) for record in self.records(self.sheet(root)))
        return [row for row in rows if row is not None]

    def sheet(self, root: Path) -> Sheet:
        """Return the sheet with the annotation.

        Raises:
            DataError: The workbook is missing or damaged.
        """
        return first_sheet(require(root, self.workbooks, "the coding workbook"))

    def records(self, sheet: Sheet) -> Iterator[Record]:
        """Return the rows of a sheet.

        Raises:
            DataError: A column is missing.
        """
        return table(sheet, self.columns, self.optional)

    def subject(self, record: Record) -> str:
        """Return a row's subject in the database's canonical spelling."""
        return record.text("subject")

    def annotation(self, record: Record, report: Report, kind: Kind = "micro") -> Annotation | None:
        """Return a row's annotation, or None with a fault in the report.

        Args:
            record: The row.
            report: Collects faults and notes.
            kind: Kind of expression.
        """
        cells = record.cells
        return Annotation(
            subject=self.subject(record),
            clip=record.text("clip"),
            kind=kind,
            onset=record["onset"],
            apex=record["apex"],
            offset=record["offset"],
            fps=cells.get("fps"),
            emotion=cells.get("emotion"),
            action_units=cells.get("units"),
            objective_class=cells.get("class"),
            source=record.source,
        )
