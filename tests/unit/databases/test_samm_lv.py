import shutil
from functools import partial
from pathlib import Path
from typing import ClassVar

import openpyxl
import pytest

from data_modules.databases.samm_lv import SAMMLongVideos
from lightmannet.errors import DataError
from tests.archives.samm_lv import (
    EMOTIONS,
    MACRO,
    MICRO_WORKBOOK,
    ROWS,
    SHEET,
    WORKBOOK,
    Row,
    write_samm_lv,
    write_samm_lv_workbook,
)
from tests.archives.writing import set_cell, write_images
from tests.unit.databases.reader_promises import ReaderPromises


class TestSAMMLongVideos(ReaderPromises):
    reader = partial(SAMMLongVideos, onset_zero="first_frame")
    write = staticmethod(write_samm_lv)
    clips = len(ROWS)
    workbook: ClassVar[str] = WORKBOOK
    sheet = SHEET
    cells: ClassVar[dict[str, str]] = {"header": "H10", "onset": "D11", "offset": "F11"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("samm_lv/006/006_1_1", 2, 5, 9)
        assert (row.kind, row.fps, row.emotion, row.action_units_raw) == ("macro", 200, None, "4(B/C)+7B")
        assert row.numbers == tuple(range(2, 10))
        assert row.source.row == 11

    def test_its_people_are_those_of_samm(self, root: Path) -> None:
        assert {row.subject_id for row in self.table(root).rows} == {"samm/006", "samm/008", "samm/011", "samm/028"}

    def test_micro_expressions_take_emotions_from_samms_workbook_in_the_root(self, root: Path) -> None:
        rows = self.table(root).rows
        assert {row.clip: row.emotion for row in rows if row.kind == "micro"} == EMOTIONS
        assert {row.emotion for row in rows if row.kind == "macro"} == {None}
        assert {row.objective_class for row in rows if row.kind == "micro"} == {7}

    def test_samms_workbook_may_lie_elsewhere(self, root: Path, tmp_path: Path) -> None:
        moved = shutil.move(root / MICRO_WORKBOOK, tmp_path / "codes.xlsx")
        rows = self.table(root, micro_workbook=str(moved)).rows
        assert {row.clip: row.emotion for row in rows if row.kind == "micro"} == EMOTIONS

    def test_without_samms_workbook_there_are_no_emotions_and_a_note(self, root: Path) -> None:
        (root / MICRO_WORKBOOK).unlink()
        table = self.table(root)
        assert {row.emotion for row in table.rows} == {None}
        assert any("SAMM's workbook is missing" in note for note in table.notes)

    def test_a_workbook_of_emotions_that_is_not_there_is_an_error(self, root: Path) -> None:
        with pytest.raises(DataError, match=r"nowhere\.xlsx: no such file"):
            self.table(root, micro_workbook="nowhere.xlsx")

    def test_a_micro_expression_that_samms_workbook_lacks_is_noted(self, root: Path) -> None:
        set_cell(root / MICRO_WORKBOOK, "MICRO_ONLY", "B15", "006_9_9")
        table = self.table(root)
        assert next(row for row in table.rows if row.clip == "006_1_2").emotion is None
        assert any("clip 006_1_2 is not in SAMM's workbook" in note for note in table.notes)

    def test_an_onset_of_zero_may_begin_with_the_first_frame_and_is_noted(self, root: Path) -> None:
        table = self.table(root)
        row = next(row for row in table.rows if row.clip == "008_5_1")
        assert (row.onset, row.apex, row.offset) == (1, 4, 9)
        assert any("row 15: clip 008_5_1: its onset is 0" in note for note in table.notes)

    def test_an_onset_of_zero_is_left_out_unless_told_otherwise(self, root: Path) -> None:
        table = SAMMLongVideos(str(root)).table()
        assert len(table.rows) == self.clips - 1
        assert any(
            "row 15: clip 008_5_1: its onset is 0, i.e. not known, so it is left out" in note for note in table.notes
        )

    def test_frames_are_rounded(self, root: Path) -> None:
        set_cell(root / WORKBOOK, SHEET, "D11", 2.2)
        assert self.table(root).rows[0].onset == 2

    def test_a_sheet_of_another_name_is_read_if_it_is_the_first(self, root: Path) -> None:
        book = openpyxl.load_workbook(root / WORKBOOK)
        book[SHEET].title = "Sheet1"
        book.save(root / WORKBOOK)
        assert len(self.table(root).rows) == self.clips

    @pytest.mark.parametrize(
        ("row", "last"),
        [
            (("020", "020_6_5", 3532.0, 4312.0, 5476.0, MACRO, "6D"), 5001),
            (("036", "036_7_4", 5873.0, 6296.0, 8298.0, MACRO, "25+26"), 8201),
        ],
    )
    def test_the_two_known_offsets_past_the_last_frame_are_corrected(self, root: Path, row: Row, last: int) -> None:
        write_samm_lv_workbook(root / WORKBOOK, [row])
        video = row[1][:5]
        folder = root / "SAMM_longvideos" / video
        write_images((folder / f"{video}_{number:04d}.jpg" for number in (1, int(row[2]), last)), seed=0)
        table = self.table(root)
        assert [read.offset for read in table.rows] == [last]
        assert any(f"corrected from {row[4]:.0f} to {last}: the video ends" in note for note in table.notes)

    @pytest.mark.parametrize(
        ("cell", "value", "message"),
        [
            ("H11", "Mega", r"row 11: type 'Mega' is unknown; Macro or Micro - 1/2 is expected"),
            ("H11", None, r"row 11: type nothing is unknown"),
            ("B11", "006_9_1", r"row 11: .*its recording is missing: 006_9 is expected in"),
        ],
    )
    def test_a_bad_cell_is_a_fault_that_names_file_sheet_and_row(
        self, root: Path, cell: str, value: object, message: str
    ) -> None:
        set_cell(root / WORKBOOK, SHEET, cell, value)
        with pytest.raises(DataError, match=message):
            self.table(root)
