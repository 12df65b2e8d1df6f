import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from data_modules.databases.casme import CASME
from lightmannet.errors import DataError
from tests.archives.casme import ROWS, WORKBOOK, write_casme
from tests.archives.writing import set_cell, write_workbook
from tests.unit.databases.reader_promises import ReaderPromises


class TestCASME(ReaderPromises):
    reader = CASME
    write = staticmethod(write_casme)
    clips = len(ROWS)
    workbook: ClassVar[str] = WORKBOOK
    cells: ClassVar[dict[str, str]] = {"header": "D1", "onset": "D2", "offset": "G2", "emotion": "J2"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("casme/sub01/EP01_5", 8, 10, 13)
        assert (row.kind, row.fps, row.emotion, row.action_units_raw) == ("micro", 60, "disgust", "4")

    def test_numbers_with_and_without_leading_zeros_are_in_order(self, root: Path) -> None:
        numbers = {f"{row.subject}/{row.clip}": row.numbers for row in self.table(root).rows}
        assert numbers["sub01/EP01_5"] == (8, 9, 10, 11, 12, 13)
        assert numbers["sub01/EP01_6"] == numbers["sub07/EP09_1"] == (97, 98, 99, 100, 101, 102)

    def test_of_two_apexes_the_first_is_used_and_the_second_noted(self, root: Path) -> None:
        table = self.table(root)
        assert next(row for row in table.rows if row.clip == "EP03_1").apex == 23
        assert [note for note in table.notes if "second apex" in note] == [
            "casme.xlsx, sheet 'Sheet1', row 4: the second apex, 25, is not used"
        ]

    def test_an_empty_apex_is_missing(self, root: Path) -> None:
        assert [row.clip for row in self.table(root).rows if row.apex is None] == ["EP04_3"]

    @pytest.mark.parametrize("frames", ["cropped", "selected", "raw"])
    def test_each_folder_of_frames_is_read(self, root: Path, frames: str) -> None:
        assert len(self.table(root, frames=frames).rows) == self.clips

    def test_full_recordings_lie_in_two_sections(self, root: Path) -> None:
        rows = self.table(root, frames="raw").rows
        sections = {row.path.parts[-3] for row in rows}
        assert sections == {"Section A", "Section B"}

    def test_a_workbook_of_another_name_is_found_as_the_only_one(self, root: Path, tmp_path: Path) -> None:
        (root / WORKBOOK).rename(root / "coding.xlsx")
        (root / "~$coding.xlsx").write_bytes(b"the lock of an open workbook")
        assert len(self.table(root).rows) == self.clips
        (tmp_path / "outer").mkdir()
        shutil.move(root, tmp_path / "outer" / "archive")
        assert len(self.table(tmp_path / "outer").rows) == self.clips

    def test_of_several_workbooks_the_one_with_the_columns_is_found(self, root: Path) -> None:
        (root / WORKBOOK).rename(root / "coding.xlsx")
        write_workbook(root / "people.xlsx", {"Sheet1": [("Subject", "Age"), (1, 22)]})
        (root / "damaged.xls").write_bytes(b"no workbook")
        assert len(self.table(root).rows) == self.clips

    def test_two_workbooks_with_the_columns_are_an_error(self, root: Path) -> None:
        shutil.copy(root / WORKBOOK, root / "a.xlsx")
        (root / WORKBOOK).rename(root / "b.xlsx")
        with pytest.raises(DataError, match=r"a\.xlsx and b\.xlsx in .* both look like the coding workbook; rename"):
            self.table(root)

    def test_without_a_workbook_the_columns_are_named(self, root: Path) -> None:
        (root / WORKBOOK).unlink()
        with pytest.raises(
            DataError, match=r"the coding workbook is missing: casme\.xlsx, or another with the columns"
        ):
            self.table(root)

    def test_a_clip_without_frames_is_named(self, root: Path) -> None:
        set_cell(root / WORKBOOK, "Sheet1", "B2", "EP99_1")
        with pytest.raises(DataError, match=r"row 2: .*folder of frames is missing: sub01/EP99_1 is expected in"):
            self.table(root)
