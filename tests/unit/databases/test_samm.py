import csv
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from data_modules.databases.samm import SAMM
from lightmannet.errors import DataError
from tests.archives.samm import HEADER, ROWS, WORKBOOK, write_samm, write_samm_workbook
from tests.archives.writing import set_cell
from tests.unit.databases.reader_promises import ReaderPromises


class TestSAMM(ReaderPromises):
    reader = SAMM
    write = staticmethod(write_samm)
    clips = len(ROWS)
    workbook: ClassVar[str] = WORKBOOK
    sheet = "MICRO_ONLY"
    cells: ClassVar[dict[str, str]] = {"header": "D14", "onset": "D15", "offset": "F15", "emotion": "J15"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("samm/006/006_1_2", 5562, 5565, 5568)
        assert (row.kind, row.fps, row.emotion, row.objective_class) == ("micro", 200, "Anger", 2)
        assert row.action_units_raw == "4+7"
        assert row.numbers == tuple(range(5562, 5569))
        assert row.source.row == 15

    def test_frames_may_have_four_or_five_digits(self, root: Path) -> None:
        paths = {row.clip: {len(file.stem) for file in row.path.iterdir()} for row in self.table(root).rows}
        assert paths["006_1_3"] == {9}
        assert paths["011_4_2"] == {8}

    def test_an_apex_of_minus_one_is_missing(self, root: Path) -> None:
        missing = [row.clip for row in self.table(root).rows if row.apex is None]
        assert missing == ["028_4_1"]

    def test_the_first_of_two_alternative_action_units_counts_as_unsure(self, root: Path) -> None:
        (unit,) = next(row for row in self.table(root).rows if row.clip == "011_4_2").action_units
        assert (unit.number, unit.side, unit.unsure) == (12, "L", True)

    def test_a_workbook_without_notes_before_the_header_is_read(self, root: Path) -> None:
        write_samm_workbook(root / WORKBOOK, ROWS, notes=[])
        assert self.table(root).rows[0].source.row == 2

    def test_a_csv_export_gives_the_same_clips(self, root: Path) -> None:
        before = self.table(root).rows
        (root / WORKBOOK).unlink()
        with (root / WORKBOOK.replace(".xlsx", ".csv")).open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for subject, clip, onset, apex, offset, units, emotion, number, _ in ROWS:
                cells = (int(subject), clip, 1, onset, apex, offset, 7, "Micro - 1/2", units, emotion, number, "")
                writer.writerow(cells)
        after = self.table(root).rows
        names = ("clip_id", "onset", "apex", "offset", "emotion", "objective_class", "action_units", "numbers")
        assert [[getattr(row, name) for name in names] for row in after] == [
            [getattr(row, name) for name in names] for row in before
        ]

    @pytest.mark.parametrize("folder", ["SAMM", "SAMM/SAMM"])
    def test_the_subjects_may_lie_in_a_folder_of_their_own(self, root: Path, folder: str) -> None:
        (root / folder).mkdir(parents=True)
        for subject in {row[0] for row in ROWS}:
            shutil.move(root / subject, root / folder / subject)
        assert len(self.table(root).rows) == self.clips

    def test_crops_are_read_from_their_folder(self, root: Path) -> None:
        assert all("SAMM_CROP" in row.path.parts for row in self.table(root, frames="cropped").rows)

    def test_crops_that_were_not_made_are_a_fault(self, root: Path) -> None:
        shutil.rmtree(root / "SAMM_CROP")
        with pytest.raises(DataError, match=r"folder of frames is missing: SAMM_CROP/006/006_1_2 is expected in"):
            self.table(root, frames="cropped")

    @pytest.mark.parametrize("typed", [5793, 5379])
    def test_the_mistyped_offset_of_013_1_9_is_corrected_whatever_it_is(self, tmp_path: Path, typed: int) -> None:
        write_samm(tmp_path, [("013", "013_1_9", 5658, 5672, 5739, "7", "Anger", 2, 4)])
        set_cell(tmp_path / WORKBOOK, "MICRO_ONLY", "F15", typed)
        table = self.table(tmp_path)
        assert table.rows[0].offset == 5739
        assert any(f"corrected from {typed} to 5739: mistyped in the original" in note for note in table.notes)

    def test_a_right_offset_of_013_1_9_stays(self, tmp_path: Path) -> None:
        write_samm(tmp_path, [("013", "013_1_9", 5658, 5672, 5739, "7", "Anger", 2, 4)])
        table = self.table(tmp_path)
        assert table.rows[0].offset == 5739
        assert any("already has the new value 5739" in note for note in table.notes)

    @pytest.mark.parametrize(
        ("cell", "value", "message"),
        [
            ("D15", None, r"row 15: onset of clip 006/006_1_2: a frame number is expected, nothing found"),
            ("K15", 8, r"row 15: objective class 8 is unknown"),
        ],
    )
    def test_a_bad_cell_is_a_fault_that_names_file_sheet_and_row(
        self, root: Path, cell: str, value: object, message: str
    ) -> None:
        set_cell(root / WORKBOOK, "MICRO_ONLY", cell, value)
        with pytest.raises(DataError, match=message):
            self.table(root)
