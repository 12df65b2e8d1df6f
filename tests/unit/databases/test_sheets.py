import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.chart import BarChart

from data_modules.databases.sheets import CellValue, Record, Sheet, Unreadable, describe, read_workbook, table
from lightmannet.errors import DataError
from tests.archives.writing import write_workbook

COLUMNS = {"subject": ("Subject", "sub"), "onset": ("OnsetFrame",), "apex": ("ApexFrame",)}
HEADER = ("Subject", "OnsetFrame", "ApexFrame")


def write_xls(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(number, column, cell)
    book.save(str(path))


def write_csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    path.write_text("\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows))


def write(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    if path.suffix == ".xlsx":
        write_workbook(path, {"Sheet1": rows})
    else:
        (write_xls if path.suffix == ".xls" else write_csv)(path, rows)
    return path


def only_sheet(path: Path) -> Sheet:
    (sheet,) = read_workbook(path).values()
    return sheet


def sheet_of(*rows: Sequence[CellValue]) -> Sheet:
    return Sheet("book.xlsx", "Sheet1", tuple(map(tuple, rows)))


@pytest.mark.parametrize("name", ["book.xlsx", "book.xls", "book.csv", "BOOK.XLSX"])
def test_each_type_of_file_gives_the_same_records(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(tmp_path / name.lower(), [HEADER, ("01", 46, None), (None, None, None), (" 02 ", "8", "/")])
    if not path.exists():
        (tmp_path / name.lower()).rename(path)
    first, second = table(only_sheet(path), COLUMNS)
    assert (first.row, first.text("subject"), first.text("onset"), first["apex"]) == (2, "01", "46", None)
    assert (second.row, second.text("subject"), second.text("onset"), second["apex"]) == (4, "02", "8", "/")


def test_whole_numbers_of_xls_are_whole(tmp_path: Path) -> None:
    sheet = only_sheet(write(tmp_path / "book.xls", [(46, 46.5, True, datetime.date(2014, 5, 8))]))
    assert [type(cell) for cell in sheet.rows[0][:3]] == [int, float, bool]


def test_sheets_come_by_name_in_their_order(tmp_path: Path) -> None:
    write_workbook(tmp_path / "book.xlsx", {"label": [("a",)], "Sheet1": [], "Sheet3": []})
    sheets = read_workbook(tmp_path / "book.xlsx")
    assert list(sheets) == ["label", "Sheet1", "Sheet3"]
    assert sheets["label"].rows == (("a",),)
    assert str(sheets["label"]) == "book.xlsx, sheet 'label'"


def test_a_csv_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("Subject\n01\n", encoding="utf-8-sig")
    assert only_sheet(tmp_path / "book.csv").rows == (("Subject",), ("01",))


# --- What a spreadsheet hides ---


def test_merged_cells_of_xlsx_are_visible(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", [HEADER, ("01", 1, 2), ("01", 3, 4)])
    book = openpyxl.load_workbook(path)
    book["Sheet1"].merge_cells("A2:A3")
    book.save(path)
    first, second = table(only_sheet(path), COLUMNS)
    assert first.text("subject") == "01"
    assert "merged with others" in describe(second["subject"])
    with pytest.raises(DataError, match=r"book.xlsx, sheet 'Sheet1', row 3: subject is a cell merged with others"):
        second.text("subject")


def test_merged_cells_of_xls_are_visible(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    sheet.write_merge(0, 1, 0, 0, "01")
    sheet.write(1, 1, 3)
    book.save(str(tmp_path / "book.xls"))
    rows = only_sheet(tmp_path / "book.xls").rows
    assert rows[0][0] == "01"
    assert "merged with others" in describe(rows[1][0])


def test_a_note_that_spans_rows_adds_no_record(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", [HEADER, ("01", 1, 2), ("a note", None, None), (None, None, None)])
    book = openpyxl.load_workbook(path)
    book["Sheet1"].merge_cells("A3:C4")
    book.save(path)
    assert [record.row for record in table(only_sheet(path), COLUMNS)] == [2, 3]


def test_a_formula_without_its_value_is_visible(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", [HEADER, ("01", "=SUM(1,2)", 5)])
    (record,) = table(only_sheet(path), COLUMNS)
    assert "a formula without its value, so open and save the file" in describe(record["onset"])


def test_a_row_of_nothing_but_formulas_is_no_blank_row(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", [HEADER, ("=A1", "=SUM(1,2)", "=SUM(1,2)")])
    assert len(list(table(only_sheet(path), COLUMNS))) == 1


def test_a_formula_that_fails_is_visible(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    cell = book.worksheets[0]["A1"]
    cell.value = "#REF!"
    cell.data_type = "e"
    book.save(tmp_path / "book.xlsx")
    assert "a formula that fails" in describe(only_sheet(tmp_path / "book.xlsx").rows[0][0])


def test_a_failing_formula_and_a_date_of_xls_are_visible(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    sheet.row(0).set_cell_error(0, "#REF!")
    sheet.write(0, 1, datetime.date(2014, 5, 8), xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    book.save(str(tmp_path / "book.xls"))
    failing, date = only_sheet(tmp_path / "book.xls").rows[0]
    assert "a formula that fails" in describe(failing)
    assert "a date, so format the cell" in describe(date)


# --- Files that are none ---


@pytest.mark.parametrize("name", ["book.xlsx", "book.xls"])
@pytest.mark.parametrize("size", [0, 10, 300, 2000])
def test_a_file_cut_short_is_named(tmp_path: Path, name: str, size: int) -> None:
    path = write(tmp_path / name, [HEADER, ("01", 1, 2)])
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=rf"{name}: damaged, or not a {path.suffix} file .*; copy it again"):
        read_workbook(path)


@pytest.mark.parametrize("name", ["book.xlsx", "book.xls"])
def test_text_under_the_name_of_a_workbook_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Subject,OnsetFrame\n01,46\n")
    with pytest.raises(DataError, match=rf"{name}: damaged, or not"):
        read_workbook(tmp_path / name)


def test_a_csv_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_bytes("Subject,é".encode("latin-1"))
    with pytest.raises(DataError, match=r"book.csv: not UTF-8 text; save it as csv, UTF-8"):
        read_workbook(tmp_path / "book.csv")


def test_a_csv_file_with_an_open_quote_is_named(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text('Subject\n"01')
    with pytest.raises(DataError, match=r"book.csv: damaged, or not a .csv file"):
        read_workbook(tmp_path / "book.csv")


def test_a_workbook_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"book.xlsx: no such file in"):
        read_workbook(tmp_path / "book.xlsx")


def test_a_folder_in_place_of_a_workbook_is_named(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").mkdir()
    with pytest.raises(DataError, match=r"book.xlsx: cannot be read \(Is a directory\)"):
        read_workbook(tmp_path / "book.xlsx")


def test_another_type_of_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"book.ods: a workbook \(.xlsx, .xls\) or .csv is expected; save it as one"):
        read_workbook(tmp_path / "book.ods")


def test_a_workbook_without_a_sheet_of_cells_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_chartsheet("chart").add_chart(BarChart())
    book.remove(book.worksheets[0])
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(DataError, match=r"book.xlsx: has no sheet with cells"):
        read_workbook(tmp_path / "book.xlsx")


@given(st.binary(max_size=200), st.sampled_from([".xlsx", ".xls", ".csv"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content)
    try:
        sheets = read_workbook(path)
    except DataError:
        return
    assert suffix == ".csv"
    assert list(sheets) == [""]


# --- Finding the header ---


def test_notes_may_come_before_the_header() -> None:
    sheet = sheet_of(*[("a note", None, 3)] * 13, HEADER, ("006", 1, 2))
    (record,) = table(sheet, COLUMNS)
    assert (record.row, record.text("subject")) == (15, "006")


def test_blank_titles_and_other_columns_are_passed_over() -> None:
    sheet = sheet_of(("Subject", None, "Remarks", "OnsetFrame", None, "ApexFrame"), ("01", 7, "x", 46, 8, 49))
    (record,) = table(sheet, COLUMNS)
    assert record.cells == {"subject": "01", "onset": 46, "apex": 49}


def test_case_blanks_and_underscores_of_titles_do_not_matter() -> None:
    (record,) = table(sheet_of(("SUB", "onset_frame ", "Apex Frame"), ("01", 1, 2)), COLUMNS)
    assert record.text("subject") == "01"


def test_a_short_row_is_blank_at_its_end() -> None:
    (record,) = table(sheet_of(HEADER, ("01",)), COLUMNS)
    assert record["apex"] is None


def test_an_optional_column_may_be_missing() -> None:
    (record,) = table(sheet_of(("Subject", "OnsetFrame"), ("01", 1)), COLUMNS, optional=["apex"])
    assert record["apex"] is None


def test_a_missing_column_is_named_with_the_likeliest_row() -> None:
    sheet = sheet_of(("a note",), ("Subject", "Start", "ApexFrame"), ("01", 1, 2))
    with pytest.raises(
        DataError,
        match=r"book.xlsx, sheet 'Sheet1': a header row with the columns 'Subject' or 'sub', 'OnsetFrame', 'ApexFrame' "
        r"is expected in the first 40 rows; row 2 comes closest with Subject, Start, ApexFrame",
    ):
        table(sheet, COLUMNS)


@pytest.mark.parametrize("rows", [[], [(1, 2, 3)], [(None, None)]])
def test_a_sheet_without_any_of_the_columns_is_named(rows: list[tuple[CellValue, ...]]) -> None:
    with pytest.raises(DataError, match=r"no row has any of them"):
        table(sheet_of(*rows), COLUMNS, optional=["apex"])


def test_a_header_without_rows_gives_no_record() -> None:
    assert list(table(sheet_of(HEADER), COLUMNS)) == []


@pytest.mark.parametrize(
    ("cell", "text"), [(None, ""), (1.0, "1"), (1.5, "1.5"), (7, "7"), (" a ", "a"), (True, "True")]
)
def test_text_of_a_cell(cell: CellValue, text: str) -> None:
    assert Record(sheet_of(), 1, {"x": cell}).text("x") == text


@pytest.mark.parametrize(
    ("cell", "text"), [(None, "nothing"), ("abc", "'abc'"), (5.5, "5.5"), (Unreadable("why"), "why")]
)
def test_a_cell_in_a_message(cell: CellValue, text: str) -> None:
    assert describe(cell) == text
