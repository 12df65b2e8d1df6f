import shutil
from functools import partial
from pathlib import Path
from typing import ClassVar

import openpyxl
import pytest

from data_modules.databases.smic import SMIC
from lightmannet.errors import DataError
from tests.archives.smic import CLIPS, EXTENDED, LENGTH, TWICE, VIS, WORKBOOK, write_smic
from tests.archives.writing import set_cell
from tests.unit.databases.reader_promises import ReaderPromises

COUNT = sum(len(clips) for clips in CLIPS.values())


class TestSMIC(ReaderPromises):
    reader = SMIC
    write = staticmethod(write_smic)
    clips = COUNT
    workbook: ClassVar[None] = None

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        # There is no annotation beside the folders, so a folder that is gone is not missed; an empty one is.
        lost = self.table(root).rows[0].path
        for file in lost.iterdir():
            file.unlink()
        with pytest.raises(DataError, match=r"micro/negative/s1_ne_01: clip s01/s1_ne_01: .*no image"):
            self.table(root)
        table = self.table(root, faulty="leave_out")
        assert len(table.rows) == self.clips - 1
        assert any(note.startswith("left out") for note in table.notes)

    def test_the_folder_is_the_clip(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("smic/s01/s1_ne_01", 34208, None, 34211)
        assert (row.kind, row.fps, row.emotion, row.action_units) == ("micro", 100, "negative", ())
        assert row.numbers == tuple(range(34208, 34212))

    def test_subjects_are_padded_and_clips_are_named_as_on_disk(self, root: Path) -> None:
        rows = self.table(root).rows
        assert {row.subject for row in rows} == {"s01", "s03", "s11"}
        assert {row.clip for row in rows} == {clip for clips in CLIPS.values() for clip in clips}

    def test_counters_of_any_width_are_in_order(self, root: Path) -> None:
        numbers = {row.clip: row.numbers for row in self.table(root).rows}
        assert numbers["s1_sur_01"] == (99997, 99998, 99999, 100000)
        assert numbers["s11_ne_01"][0] == 17581039

    def test_a_missing_frame_inside_is_tolerated_and_noted(self, root: Path) -> None:
        table = self.table(root)
        row = next(row for row in table.rows if row.clip == "s3_sur_01")
        assert (len(row.numbers), row.onset, row.offset) == (LENGTH - 1, 308970, 308973)
        assert any("clip s03/s3_sur_01: 1 of 4 frames are missing" in note for note in table.notes)

    def test_clips_without_expression_are_ignored(self, root: Path) -> None:
        assert not [row for row in self.table(root).rows if "non_micro" in row.path.parts]

    def test_raw_frames_are_read_from_their_folder(self, root: Path) -> None:
        rows = self.table(root, frames="raw").rows
        assert len(rows) == self.clips
        assert all("SMIC_all_raw" in row.path.parts for row in rows)

    def test_the_slow_cameras_are_experimental(self, root: Path) -> None:
        reader = SMIC(str(root), camera="VIS")
        rows = reader.table().rows
        assert (len(rows), {row.fps for row in rows}) == (len(VIS[11]), {25})
        assert reader.description.certainty == "experimental"
        assert reader.description.expected["micro"].clips == 71
        assert SMIC.description.fps == 100

    def test_a_camera_that_is_not_there_is_named(self, root: Path) -> None:
        with pytest.raises(
            DataError, match=r"folder of cropped frames is missing: SMIC_all_cropped/NIR is expected in"
        ):
            self.table(root, camera="NIR")

    def test_a_folder_of_no_known_emotion_is_a_fault(self, root: Path) -> None:
        folder = root / "SMIC_all_raw" / "HS" / "s1" / "micro"
        (folder / "negative").rename(folder / "disgust")
        with pytest.raises(DataError, match=r"s1_ne_01: emotion 'disgust' is unknown; one of negative"):
            self.table(root, frames="raw")

    def test_a_clip_with_two_emotions_is_a_fault(self, root: Path) -> None:
        folder = root / "SMIC_all_raw" / "HS" / "s1" / "micro"
        shutil.copytree(folder / "negative" / "s1_ne_01", folder / "surprise" / "s1_ne_01")
        with pytest.raises(
            DataError, match=r"clip s01/s1_ne_01 is already defined in SMIC_all_raw/HS/s1/micro/negative"
        ):
            self.table(root, frames="raw")


class TestExtendedSMIC(ReaderPromises):
    reader = staticmethod(partial(SMIC, frames="extended"))
    write = staticmethod(write_smic)
    clips = COUNT + 1
    workbook: ClassVar[str] = f"{EXTENDED}/HS_long/{WORKBOOK}"
    cells: ClassVar[dict[str, str]] = {"header": "D1", "onset": "D2", "emotion": "Q2"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("smic/s01/s1_ne_01", 34208, None, 34211)
        assert (row.kind, row.fps, row.emotion, row.numbers) == ("micro", 100, "negative", tuple(range(34208, 34212)))
        assert len(list(row.path.iterdir())) > len(row.numbers)

    def test_each_expression_of_a_recording_is_a_clip(self, root: Path) -> None:
        rows = [row for row in self.table(root).rows if row.clip.startswith(TWICE)]
        assert [(row.clip, row.onset, row.offset) for row in rows] == [
            ("s3_ne_02", 308600, 308603),
            ("s3_ne_02_308604", 308604, 308607),
        ]
        assert rows[0].path == rows[1].path

    def test_without_columns_of_further_expressions_a_note_says_so(self, root: Path) -> None:
        book = openpyxl.load_workbook(root / self.workbook)
        book["Sheet1"].delete_cols(6, 4)
        book.save(root / self.workbook)
        table = self.table(root)
        assert len(table.rows) == COUNT
        assert any("no row has an Onset2F" in note for note in table.notes)

    def test_a_subject_that_is_no_number_is_a_fault_unless_the_row_is_a_remark(self, root: Path) -> None:
        set_cell(root / self.workbook, "Sheet1", "A2", "one")
        with pytest.raises(DataError, match=r"1 fault(?s:.*)row 2: subject: a number is expected, 'one' found"):
            self.table(root)

    @pytest.mark.parametrize("name", ["SMIC-HS-E_annotation_2019.xlsx", f"SMIC-HS-E/{WORKBOOK}"])
    def test_the_workbook_may_have_other_names_and_places(self, root: Path, name: str) -> None:
        shutil.move(root / self.workbook, root / EXTENDED / "HS_long" / name)
        assert len(self.table(root).rows) == self.clips

    def test_the_recordings_may_lie_one_folder_deeper(self, root: Path) -> None:
        rows = self.table(root, camera="VIS").rows
        assert (len(rows), {row.fps for row in rows}) == (len(VIS[11]), {25})

    def test_a_recording_that_is_not_there_is_named(self, root: Path) -> None:
        set_cell(root / self.workbook, "Sheet1", "B2", "s1_ne_09")
        with pytest.raises(
            DataError, match=r"row 2: .*folder of frames is missing: SMIC-HS-E/s01/s1_ne_09 is expected"
        ):
            self.table(root)
