"""Writing .xlsx workbooks."""

import io
from collections.abc import Mapping, Sequence


def xlsx(sheets: Mapping[str, Sequence[Sequence[int | str | None]]]) -> bytes:
    """Return a workbook's content.

    Args:
        sheets: Rows by the sheet's name; None is a blank cell.
    """
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
