from pathlib import Path
from typing import ClassVar

import pytest

from data_modules.databases.casme_sq import CASMESquared
from data_modules.video.frames import open_frames
from lightmannet.errors import DataError
from tests.archives.casme_sq import MICRO, PERSONS, ROWS, STIMULI, WORKBOOK, write_casme_sq
from tests.archives.writing import set_cell, write_workbook
from tests.unit.databases.reader_promises import ReaderPromises


class TestCASMESquared(ReaderPromises):
    reader = CASMESquared
    write = staticmethod(write_casme_sq)
    clips = len(ROWS)
    workbook: ClassVar[str] = WORKBOOK
    sheet = "CASFEcode_final"
    cells: ClassVar[dict[str, str]] = {"onset": "C2", "offset": "E2", "emotion": "G2"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[1]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("casme_sq/s15/disgust1_1", 12, 14, 17)
        assert (row.kind, row.fps, row.emotion, row.action_units_raw) == ("micro", 30, "negative", "9")
        assert row.numbers == tuple(range(12, 18))

    def test_the_first_row_is_no_header(self, root: Path) -> None:
        assert self.table(root).rows[0].clip == "anger2_1"

    def test_both_kinds_are_told_apart_by_the_type_column(self, root: Path) -> None:
        kinds = [row.kind for row in self.table(root).rows]
        assert kinds == ["micro" if row[7] == MICRO else "macro" for row in ROWS]

    def test_an_offset_of_0_ends_the_clip_with_its_apex_and_is_noted(self, root: Path) -> None:
        table = self.table(root)
        assert (table.rows[0].apex, table.rows[0].offset) == (1001, 1001)
        assert any("row 1: the offset is 0, so the clip ends with its apex" in note for note in table.notes)

    @pytest.mark.parametrize("frames", ["selected", "raw", "video"])
    def test_each_form_of_frames_is_read(self, root: Path, frames: str) -> None:
        rows = self.table(root, frames=frames).rows
        assert len(rows) == self.clips
        assert rows[0].numbers == tuple(range(997, 1002))

    def test_expressions_of_a_long_video_share_its_folder(self, root: Path) -> None:
        rows = [row for row in self.table(root, frames="raw").rows if row.clip_id.startswith("casme_sq/s15/happy2")]
        assert {row.path.name for row in rows} == {"15_0503unnyfarting"}
        assert len({row.numbers for row in rows}) == 4

    def test_the_first_frame_of_a_video_has_number_1(self, root: Path) -> None:
        row = next(row for row in self.table(root, frames="video").rows if row.clip == "happy2_1")
        reader = open_frames(row.path, root, row.first_number)
        assert (row.first_number, reader.numbers[0], reader.numbers[-1]) == (1, 1, 24)

    def test_long_videos_may_be_mp4(self, root: Path) -> None:
        for video in (root / "rawvideo").rglob("*.avi"):
            video.rename(video.with_suffix(".mp4"))
        assert len(self.table(root, frames="video").rows) == self.clips

    def test_an_expression_that_was_not_cropped_is_a_fault_that_can_be_left_out(self, root: Path) -> None:
        message = r"1 fault\n.*row 12: clip s16/happy2_4: its folder of frames is missing: happy2_4 is expected in .*16"
        with pytest.raises(DataError, match=message):
            self.table(root, frames="cropped")
        table = self.table(root, frames="cropped", faulty="leave_out")
        assert len(table.rows) == self.clips - 1
        assert any(note.startswith("left out") and "s16/happy2_4" in note for note in table.notes)

    def test_a_stimulus_code_that_lost_its_zero_is_found(self, root: Path) -> None:
        set_cell(root / WORKBOOK, "naming rule2", "A1", 101)
        assert len(self.table(root, frames="raw").rows) == self.clips

    def test_a_person_without_a_folder_is_named(self, root: Path) -> None:
        (root / "rawpic" / "s16").rename(root / "rawpic" / "s99")
        with pytest.raises(DataError, match=r"the subject's folder is missing: s16 or 16 is expected in .*rawpic"):
            self.table(root, frames="raw")

    def test_a_missing_long_video_is_named_by_its_digits(self, root: Path) -> None:
        (root / "rawvideo" / "s16" / "16_0503unnyfarting.avi").unlink()
        with pytest.raises(DataError, match="the long video is missing: 16_0503… is expected in"):
            self.table(root, frames="video")

    def test_a_workbook_without_its_sheets_of_names_is_refused(self, root: Path) -> None:
        write_workbook(root / WORKBOOK, {"CASFEcode_final": ROWS})
        with pytest.raises(DataError, match=r"three sheets are expected \(codes, subjects, stimuli\), 1 found"):
            self.table(root)

    def test_a_code_sheet_with_too_few_columns_is_refused(self, root: Path) -> None:
        write_workbook(root / WORKBOOK, {"a": [row[:5] for row in ROWS], "b": PERSONS, "c": STIMULI})
        with pytest.raises(DataError, match=r"row 1: 8 columns or more are expected, 5 found"):
            self.table(root)

    @pytest.mark.parametrize(
        ("cell", "value", "message"),
        [
            ("A2", 3, r"row 2: subject 3 is unknown; its folder has to be in the second sheet"),
            ("A2", None, r"row 2: subject nothing is unknown"),
            ("B2", "joy1_1", r"row 2: clip 'joy1_1': stimulus 'joy1' is not in the third sheet"),
            ("D1", "/", r"row 1: offset 0 is before onset 997"),
            ("H2", "blink", r"row 2: type 'blink' is unknown; one of macro-expression, micro-expression is expected"),
        ],
    )
    def test_a_bad_cell_is_a_fault_that_names_file_sheet_and_row(
        self, root: Path, cell: str, value: object, message: str
    ) -> None:
        set_cell(root / WORKBOOK, "CASFEcode_final", cell, value)
        with pytest.raises(DataError, match=message):
            self.table(root)

    def test_blank_rows_are_passed_over(self, root: Path) -> None:
        write_workbook(root / WORKBOOK, {"a": [*ROWS[:3], (None,) * 9, *ROWS[3:]], "b": PERSONS, "c": STIMULI})
        assert len(self.table(root).rows) == self.clips
