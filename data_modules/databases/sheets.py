"""Workbooks (.xlsx, .xls and .csv) as tables of records, with what a spreadsheet program hides made visible."""

import csv
import datetime
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lightmannet.errors import DataError

# Both packages are imported only when a workbook is read: most commands read none.
if TYPE_CHECKING:
    import xlrd
    from openpyxl.cell.cell import Cell as XlsxCell
    from openpyxl.cell.cell import MergedCell


@dataclass(frozen=True)
class Unreadable:
    """A cell that shows a value in a spreadsheet program but does not contain one.

    Attributes:
        why: What it is and what to do.
    """

    why: str

    def __str__(self) -> str:
        return self.why


_MERGED = Unreadable("a cell merged with others, so split the merged cells")
_FORMULA = Unreadable("a formula without its value, so open and save the file in a spreadsheet program")
_FAILING = Unreadable("a formula that fails, so correct it in a spreadsheet program")
_DATE = Unreadable("a date, so format the cell as a number or as text")

CellValue = int | float | str | bool | datetime.date | datetime.time | datetime.timedelta | Unreadable | None


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Attributes:
        file: Name of the workbook, without its folder.
        name: Name of the sheet; empty for a csv file.
        rows: Its cells; blank cells are None, text is stripped.
    """

    file: str
    name: str
    rows: tuple[tuple[CellValue, ...], ...]

    def __str__(self) -> str:
        return f"{self.file}, sheet {self.name!r}" if self.name else self.file


@dataclass(frozen=True)
class Source:
    """Where a value was read, for messages.

    Attributes:
        file: Name of the file, without its folder.
        sheet: Sheet of a workbook, or an empty string.
        row: Row as a spreadsheet program numbers it, from 1; 0 if the file has no rows.
    """

    file: str
    sheet: str = ""
    row: int = 0

    def __str__(self) -> str:
        parts = [self.file, f"sheet {self.sheet!r}" if self.sheet else "", f"row {self.row}" if self.row else ""]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Record:
    """One row of a table.

    Attributes:
        sheet: The sheet.
        row: Row as a spreadsheet program numbers it, from 1.
        cells: Cells by column name; None where an optional column is missing.
    """

    sheet: Sheet
    row: int
    cells: Mapping[str, CellValue]

    @property
    def source(self) -> Source:
        """Where the row is, for messages."""
        return Source(self.sheet.file, self.sheet.name, self.row)

    def __getitem__(self, name: str) -> CellValue:
        return self.cells[name]

    def text(self, name: str) -> str:
        """Return a cell as stripped text: whole numbers without a decimal point, a blank cell as an empty string.

        Raises:
            DataError: The cell shows a value that cannot be read.
        """
        cell = self.cells[name]
        if isinstance(cell, Unreadable):
            raise DataError(f"{self.source}: {name} is {cell}")
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        return "" if cell is None else str(cell).strip()


def describe(cell: object) -> str:
    """Return a cell as text for a message: ``nothing``, ``'abc'``, ``5.5``, or why it cannot be read."""
    if isinstance(cell, Unreadable):
        return cell.why
    return "nothing" if cell is None else repr(cell)


def read_workbook(path: Path) -> dict[str, Sheet]:
    """Return the sheets of a workbook by name, in their order; a csv file has one, with an empty name.

    A formula without a cached value, one that fails, and a cell merged into another become ``Unreadable``.

    Raises:
        DataError: The file is missing, of another type or damaged, or has no sheet.
    """
    readers = {".xlsx": _read_xlsx, ".xlsm": _read_xlsx, ".xls": _read_xls, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path.name}: a workbook (.xlsx, .xls) or .csv is expected; save it as one")
    try:
        sheets = {name: Sheet(path.name, name, tuple(rows)) for name, rows in reader(path)}
    except FileNotFoundError:
        raise DataError(f"{path.name}: no such file in {path.parent}") from None
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror or error}); copy it again") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}: not UTF-8 text; save it as csv, UTF-8") from error
    except Exception as error:  # whatever the libraries raise on a damaged file
        raise DataError(
            f"{path.name}: damaged, or not a {path.suffix} file ({type(error).__name__}: {error}); copy it again"
        ) from error
    if not sheets:
        raise DataError(f"{path.name}: has no sheet with cells; copy it again")
    return sheets


def first_sheet(path: Path) -> Sheet:
    """Return the first sheet of a workbook.

    Raises:
        DataError: As ``read_workbook``.
    """
    return next(iter(read_workbook(path).values()))


def table(
    sheet: Sheet, columns: Mapping[str, Sequence[str]], optional: Sequence[str] = (), search: int = 40
) -> Iterator[Record]:
    """Return the records below the header, which is the first row with all the columns; blank rows are skipped.

    Args:
        sheet: Where to look.
        columns: Accepted titles of each column; case and blanks don't matter.
        optional: Names of the columns that may be missing.
        search: Number of rows to search for the header.

    Raises:
        DataError: No row has the columns; names those expected and those of the closest row.
    """
    wanted = {name: {_normalized(title) for title in titles} for name, titles in columns.items()}
    closest_row, most = 0, 0
    for number, row in enumerate(sheet.rows[:search]):
        titles = [_normalized(cell) if isinstance(cell, str) else "" for cell in row]
        places = {
            name: next((i for i, t in enumerate(titles) if t in accepted), None) for name, accepted in wanted.items()
        }
        if all(place is not None or name in optional for name, place in places.items()):
            return _records(sheet, number + 1, places)
        found = sum(place is not None for place in places.values())
        if found > most:
            closest_row, most = number, found
    expected = ", ".join(" or ".join(map(repr, titles)) for name, titles in columns.items() if name not in optional)
    closest = "no row has any of them"
    if most:
        held = ", ".join(str(cell) for cell in sheet.rows[closest_row] if cell is not None)
        closest = f"row {closest_row + 1} comes closest with {held}"
    raise DataError(
        f"{sheet}: a header row with the columns {expected} is expected in the first {search} rows; {closest}"
    )


def _records(sheet: Sheet, first: int, places: Mapping[str, int | None]) -> Iterator[Record]:
    for number, row in enumerate(sheet.rows[first:], start=first + 1):
        cells = {name: row[i] if i is not None and i < len(row) else None for name, i in places.items()}
        if any(cell is not None and cell is not _MERGED for cell in cells.values()):
            yield Record(sheet, number, cells)


def _normalized(title: str) -> str:
    return "".join(title.split()).replace("_", "").lower()


def _clean(cell: CellValue) -> CellValue:
    if isinstance(cell, str):
        return cell.strip() or None
    return cell


def _read_xlsx(path: Path) -> Iterator[tuple[str, list[tuple[CellValue, ...]]]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions that do not matter here
        values = openpyxl.load_workbook(path, data_only=True)
        formulas = openpyxl.load_workbook(path)
    for sheet in values.worksheets:
        pairs = zip(sheet.iter_rows(), formulas[sheet.title].iter_rows(), strict=True)
        yield sheet.title, [tuple(map(_xlsx_cell, shown, written)) for shown, written in pairs]


def _xlsx_cell(shown: "XlsxCell | MergedCell", written: "XlsxCell | MergedCell") -> CellValue:
    from openpyxl.cell.cell import MergedCell

    if isinstance(shown, MergedCell):
        return _MERGED
    if shown.value is None and written.data_type == "f":
        return _FORMULA
    return _FAILING if shown.data_type == "e" else _clean(cast(CellValue, shown.value))


def _read_xls(path: Path) -> Iterator[tuple[str, list[tuple[CellValue, ...]]]]:
    import xlrd

    book = xlrd.open_workbook(path, formatting_info=True, logfile=_Silent())
    for sheet in book.sheets():
        merged = {
            (row, column)
            for top, bottom, left, right in sheet.merged_cells
            for row in range(top, bottom)
            for column in range(left, right)
            if (row, column) != (top, left)
        }
        yield (
            sheet.name,
            [
                tuple(_MERGED if (row, column) in merged else _xls_cell(c) for column, c in enumerate(sheet.row(row)))
                for row in range(sheet.nrows)
            ],
        )


def _xls_cell(cell: "xlrd.sheet.Cell") -> CellValue:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_ERROR:
        return _FAILING
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _DATE
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_NUMBER and cell.value.is_integer():
        return int(cell.value)  # the format has floats only
    return _clean(cell.value)


class _Silent:
    """Discards what xlrd prints about unusual files."""

    def write(self, text: str) -> None:
        pass


def _read_csv(path: Path) -> Iterator[tuple[str, list[tuple[CellValue, ...]]]]:
    # utf-8-sig: a spreadsheet program puts a byte-order mark in front of the header.
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.read(4096)
        delimiter = max(",;\t", key=head.count)  # a spreadsheet program writes what its country's numbers leave free
        file.seek(0)
        yield "", [tuple(_clean(field) for field in row) for row in csv.reader(file, delimiter=delimiter, strict=True)]
