import shutil
from pathlib import Path
from typing import ClassVar

import openpyxl
import pytest

from data_modules.databases.casme2 import CASME2
from lightmannet.errors import DataError
from tests.archives.casme2 import HEADER, ROWS, WORKBOOK, write_casme2
from tests.archives.writing import set_cell, write_workbook
from tests.unit.databases.reader_promises import ReaderPromises


class TestCASME2(ReaderPromises):
    reader = CASME2
    write = staticmethod(write_casme2)
    clips = len(ROWS)
    workbook = WORKBOOK
    cells: ClassVar[dict[str, str]] = {"header": "D1", "onset": "D2", "offset": "F2", "emotion": "I2"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("casme2/sub01/EP02_01f", 46, 49, 51)
        assert (row.kind, row.fps, row.emotion, row.action_units_raw) == ("micro", 200, "happiness", "12")
        assert row.numbers == tuple(range(46, 52))

    def test_an_apex_that_is_a_slash_is_missing(self, root: Path) -> None:
        apexes = {row.clip: row.apex for row in self.table(root).rows}
        assert apexes["EP12_01f"] is None

    @pytest.mark.parametrize("apex", [None, 0, -1, "-1", 46, 45, 52, 4000])
    def test_an_apex_that_cannot_be_is_missing(self, root: Path, apex: object) -> None:
        set_cell(root / WORKBOOK, "Sheet1", "E2", apex)
        table = self.table(root)
        assert table.rows[0].apex is None
        assert any("row 2: apex" in note for note in table.notes) == (apex is not None)

    @pytest.mark.parametrize("frames", ["cropped", "selected", "raw"])
    def test_each_folder_of_frames_is_read(self, root: Path, frames: str) -> None:
        assert len(self.table(root, frames=frames).rows) == self.clips

    def test_subjects_read_as_numbers_are_the_same_people(self, root: Path) -> None:
        set_cell(root / WORKBOOK, "Sheet1", "A2", 1)
        assert self.table(root).rows[0].subject == "sub01"

    @pytest.mark.parametrize(
        ("cell", "value", "message"),
        [
            ("D2", 46.5, r"row 2: onset .* 46.5 found"),
            ("D2", None, r"row 2: onset .* nothing found"),
            ("D2", "=SUM(1,2)", r"row 2: onset .* a formula without its value"),
            ("D2", 52, r"row 2: offset 51 is before onset 52"),
            ("B3", "EP02_01f", r"row 3: clip sub01/EP02_01f is already defined in .*row 2"),
            ("B2", "../../etc", r"row 2: '../../etc' is not a valid name"),
            ("A2", None, r"row 2: '' is not a valid name"),
            ("A2", "=A3", r"row 2: subject is a formula without its value"),
            ("H2", "=A3", r"row 2: action units: .* a formula without its value"),
            (
                "B2",
                "EP02_01",
                r"row 2: clip sub01/EP02_01: its folder of frames is missing: sub01/EP02_01 is expected in",
            ),
        ],
    )
    def test_a_bad_cell_is_a_fault_that_names_file_sheet_and_row(
        self, root: Path, cell: str, value: object, message: str
    ) -> None:
        set_cell(root / WORKBOOK, "Sheet1", cell, value)
        with pytest.raises(DataError, match=message):
            self.table(root)

    def test_merged_subjects_are_named(self, root: Path) -> None:
        book = openpyxl.load_workbook(root / WORKBOOK)
        book["Sheet1"].merge_cells("A2:A4")
        book.save(root / WORKBOOK)
        with pytest.raises(DataError, match=r"row 3: subject is a cell merged with others, so split the merged cells"):
            self.table(root)

    def test_a_workbook_without_rows_describes_no_clip(self, root: Path) -> None:
        write_workbook(root / WORKBOOK, {"Sheet1": [HEADER]})
        with pytest.raises(DataError, match=r"annotation: it contains no clips"):
            self.table(root)

    def test_missing_folders_of_frames_name_those_expected_and_those_there(self, root: Path) -> None:
        shutil.rmtree(root / "Cropped")
        with pytest.raises(
            DataError, match=r"the folder of cropped frames is missing: Cropped or .* which holds CASME2"
        ):
            self.table(root)

    def test_all_faults_are_in_one_report(self, root: Path) -> None:
        set_cell(root / WORKBOOK, "Sheet1", "D2", "soon")
        set_cell(root / WORKBOOK, "Sheet1", "I5", "bored")
        with pytest.raises(DataError, match=r"(?s)2 faults.*soon.*bored"):
            self.table(root)
