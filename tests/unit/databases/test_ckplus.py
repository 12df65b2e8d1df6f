import shutil
from pathlib import Path

import pytest

from data_modules.databases.ckplus import CKPlus
from data_modules.video.crop import Box
from lightmannet.errors import DataError
from tests.archives.ckplus import BOX, SEQUENCES, write_ckplus
from tests.unit.databases.reader_promises import ReaderPromises

EMOTION = "Emotion/S005/001/S005_001_00000004_emotion.txt"
UNITS = "FACS/S005/001/S005_001_00000004_facs.txt"
POINTS = "Landmarks/S005/001/S005_001_00000001_landmarks.txt"


class TestCKPlus(ReaderPromises):
    reader = CKPlus
    write = staticmethod(write_ckplus)
    clips = len(SEQUENCES)
    workbook = None

    def test_the_folder_is_the_clip_from_neutral_to_peak(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.kind, row.emotion) == ("ckplus/S005/001", "macro", "disgust")
        assert (row.onset, row.apex, row.offset) == (1, 4, 4)

    def test_sequences_without_a_label_folder_or_with_an_empty_one_have_no_emotion(self, root: Path) -> None:
        emotions = {f"{row.subject}/{row.clip}": row.emotion for row in self.table(root).rows}
        assert [place for place, emotion in emotions.items() if emotion is None] == ["S010/001", "S010/003"]

    def test_codes_become_words(self, root: Path) -> None:
        words = {row.clip: row.emotion for row in self.table(root).rows if row.subject == "S999"}
        assert words == {"001": "contempt", "002": "fear", "003": "happy", "005": "sadness", "006": "surprise"}

    def test_intensities_of_action_units_become_letters(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert row.action_units_raw == "1+2D+25"
        assert [(unit.number, unit.intensity) for unit in row.action_units] == [(1, ""), (2, "D"), (25, "")]

    def test_the_box_bounds_the_points_of_the_first_frame(self, root: Path) -> None:
        assert self.table(root).rows[0].box == Box(*BOX)

    @pytest.mark.parametrize(
        ("images", "emotion", "facs"),
        [
            ("extended-cohn-kanade-images", "Emotion_labels/Emotion", "FACS_labels/FACS"),
            ("extended-cohn-kanade-images/cohn-kanade-images", "Emotion_labels", "FACS_labels"),
        ],
    )
    def test_other_names_of_the_outer_folders_are_found(
        self, tmp_path: Path, images: str, emotion: str, facs: str
    ) -> None:
        write_ckplus(tmp_path, images, emotion, facs)
        rows = self.table(tmp_path).rows
        assert len(rows) == self.clips
        assert (rows[0].emotion, rows[0].action_units_raw) == ("disgust", "1+2D+25")

    def test_facs_and_landmarks_may_be_missing_and_are_noted(self, root: Path) -> None:
        shutil.rmtree(root / "FACS")
        shutil.rmtree(root / "Landmarks")
        table = self.table(root)
        assert len(table.rows) == self.clips
        assert {(row.action_units_raw, row.box) for row in table.rows} == {("", None)}
        assert [note for note in table.notes if "there is no folder FACS" in note]
        assert [note for note in table.notes if "there is no folder Landmarks" in note]

    def test_without_the_folder_of_emotions_nothing_is_read(self, root: Path) -> None:
        shutil.rmtree(root / "Emotion")
        with pytest.raises(DataError, match="the folder of emotions is missing: Emotion or Emotion_labels/Emotion"):
            self.table(root)

    def test_a_neutral_label_counts_as_none_and_is_noted(self, root: Path) -> None:
        (root / EMOTION).write_text("0.0000000e+00")
        table = self.table(root)
        assert table.rows[0].emotion is None
        assert [note for note in table.notes if "S005/001: S005_001_00000004_emotion.txt says neutral" in note]

    def test_an_archive_without_people_is_named(self, root: Path) -> None:
        for folder in ("cohn-kanade-images", "Emotion", "FACS"):
            for person in (root / folder).iterdir():
                person.rename(person.with_name(f"x{person.name}"))
        with pytest.raises(DataError, match=r"no subject's folder \(S005, S010, …\) is in"):
            self.table(root)

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            (EMOTION, "8.0", r"S005/001: S005_001_00000004_emotion.txt: emotion 8 is unknown; one of 1 anger"),
            (EMOTION, "1.5", r"emotion 1.5 is unknown"),
            (EMOTION, "", r"one number is expected, 0 found"),
            (EMOTION, "1 2", r"one number is expected, 2 found"),
            (EMOTION, "happy", r"numbers are expected \(could not convert string to float: 'happy'\)"),
            (EMOTION, "nan", r"a number is not finite"),
            (EMOTION, "\u2021", r"numbers are expected \('ascii' codec"),
            (UNITS, "1 6", r"S005_001_00000004_facs.txt: an action unit and its intensity 0 to 5 .* '1 6' found"),
            (UNITS, "1", r"an action unit and its intensity 0 to 5 are expected in a line, '1' found"),
            (POINTS, "1 2\n3 4", r"S005_001_00000001_landmarks.txt: 68 lines of x and y are expected, 2 lines found"),
        ],
    )
    def test_a_bad_text_file_is_a_fault_that_can_be_left_out(
        self, root: Path, file: str, content: str, message: str
    ) -> None:
        (root / file).write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=message):
            self.table(root)
        assert len(self.table(root, faulty="leave_out").rows) == self.clips - 1

    def test_two_labels_of_one_sequence_are_a_fault(self, root: Path) -> None:
        shutil.copy(root / EMOTION, root / EMOTION.replace("00000004", "00000003"))
        with pytest.raises(DataError, match=r"S005/001: one emotion file is expected, .* found; remove one"):
            self.table(root)

    def test_a_label_that_leaves_the_root_is_a_fault(self, root: Path, tmp_path: Path) -> None:
        shutil.move(root / EMOTION, tmp_path / "outside.txt")
        (root / EMOTION).symlink_to(tmp_path / "outside.txt")
        with pytest.raises(DataError, match=r"S005/001: S005_001_00000004_emotion.txt leaves the root"):
            self.table(root)

    def test_a_label_that_cannot_be_read_is_a_fault(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: Path, encoding: str) -> str:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_text", refuse)
        with pytest.raises(DataError, match=r"emotion.txt: cannot be read \(Permission denied\)"):
            self.table(root)
