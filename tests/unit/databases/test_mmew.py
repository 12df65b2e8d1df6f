from pathlib import Path
from typing import ClassVar

import pytest

from data_modules.databases.mmew import MMEW
from lightmannet.errors import DataError
from tests.archives.mmew import ROWS, STILLS, WORKBOOK, write_mmew
from tests.archives.writing import set_cell
from tests.unit.databases.reader_promises import ReaderPromises


class TestMMEW(ReaderPromises):
    reader = MMEW
    write = staticmethod(write_mmew)
    clips = len(ROWS) + len(STILLS)
    workbook: ClassVar[str] = WORKBOOK
    cells: ClassVar[dict[str, str]] = {"header": "C1", "onset": "C2", "offset": "E2", "emotion": "G2"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[1]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("mmew/S01/S01-02-001", 2, 4, 7)
        assert (row.kind, row.fps, row.emotion, row.action_units_raw) == ("micro", 90, "surprise", "1+2")
        assert row.numbers == (2, 3, 4, 5, 6, 7)

    def test_micro_expressions_are_found_in_folders_of_persons_too(self, tmp_path: Path) -> None:
        write_mmew(tmp_path, nesting="subject")
        table = self.table(tmp_path)
        assert len(table.rows) == self.clips
        assert table.rows[0].path == tmp_path / "Micro_Expression/S01/happiness/S01-01-001"

    def test_the_workbook_and_not_the_folder_names_the_emotion_of_a_micro_expression(self, root: Path) -> None:
        row = next(row for row in self.table(root).rows if row.clip == "S02-04-001")
        assert (row.emotion, row.path.parent.name) == ("others", "repression")

    def test_frames_numbered_as_in_the_recording_are_moved_to_the_files_and_noted(self, root: Path) -> None:
        table = self.table(root)
        row = next(row for row in table.rows if row.clip == "S03-03-002")
        assert (row.onset, row.apex, row.offset) == (1, 4, 7)
        assert any("S03-03-002: frames are numbered as in the recording, 214 more" in note for note in table.notes)

    def test_frames_that_would_not_fit_after_moving_stay_a_fault(self, root: Path) -> None:
        set_cell(root / WORKBOOK, "Sheet1", "E11", 300)
        with pytest.raises(DataError, match="S03-03-002 spans frames 215 to 300, but S03-03-002 has 1 to 7"):
            self.table(root)

    def test_macro_expressions_are_single_images_with_the_emotion_of_their_folder(self, root: Path) -> None:
        rows = [row for row in self.table(root).rows if row.kind == "macro"]
        assert [row.path.name for row in rows] == [Path(still).name for still in sorted(STILLS)]
        assert all(row.onset == row.apex == row.offset and len(row.numbers) == 1 for row in rows)
        assert [row.emotion for row in rows] == [still.split("/")[1] for still in sorted(STILLS)]

    def test_a_micro_and_a_macro_expression_of_one_name_are_two_clips(self, root: Path) -> None:
        ids = {row.clip_id for row in self.table(root).rows}
        assert {"mmew/S01/S01-07-001", "mmew/S01/macro_S01-07-001"} < ids

    def test_without_macro_expressions_micro_expressions_are_read_and_it_is_noted(self, root: Path) -> None:
        (root / "Macro_Expression").rename(root / "elsewhere")
        table = self.table(root)
        assert len(table.rows) == len(ROWS)
        assert any("no folder Macro_Expression, so no macro-expression is read" in note for note in table.notes)

    def test_a_clip_that_is_there_twice_is_a_fault(self, root: Path) -> None:
        (root / "Micro_Expression/others/S01-01-001").mkdir(parents=True)
        with pytest.raises(DataError, match=r"S01-01-001: is in .*happiness and in .*others; remove one"):
            self.table(root)

    def test_a_still_of_another_name_is_a_fault(self, root: Path) -> None:
        still = root / "Macro_Expression" / STILLS[0]
        still.rename(still.with_name("portrait.jpg"))
        with pytest.raises(DataError, match=r"portrait.jpg: a name such as S01-07-001 is expected"):
            self.table(root)

    def test_a_still_in_a_folder_that_is_no_emotion_is_a_fault(self, root: Path) -> None:
        folder = root / "Macro_Expression/S01/anger"
        folder.rename(folder.with_name("bored"))
        with pytest.raises(DataError, match=r"S01-07-001.jpg: emotion 'bored' is unknown"):
            self.table(root)

    def test_a_missing_folder_of_frames_is_named(self, root: Path) -> None:
        (root / "Micro_Expression/anger/S01-07-001").rename(root / "elsewhere")
        with pytest.raises(DataError, match=r"row 4: .*is missing: S01-07-001, at any depth, is expected in .*Micro"):
            self.table(root)

    def test_subjects_read_as_numbers_are_the_same_people(self, root: Path) -> None:
        set_cell(root / WORKBOOK, "Sheet1", "A2", 1)
        assert self.table(root).rows[0].subject == "S01"

    @pytest.mark.parametrize(
        ("cell", "value", "message"),
        [
            ("A2", "S02", r"row 2: clip S01-01-001 does not belong to Subject 'S02'; correct the row"),
            ("B2", "happy clip", r"row 2: clip 'happy clip': a name such as S13-07-001 is expected"),
        ],
    )
    def test_a_bad_cell_is_a_fault_that_names_file_sheet_and_row(
        self, root: Path, cell: str, value: object, message: str
    ) -> None:
        set_cell(root / WORKBOOK, "Sheet1", cell, value)
        with pytest.raises(DataError, match=message):
            self.table(root)
