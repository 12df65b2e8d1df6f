from pathlib import Path

import pytest

from data_modules.databases.kdef_landmarks import KDEFLandmarks
from data_modules.video.frames import open_frames
from lightmannet.cli import main
from lightmannet.errors import DataError
from tests.archives.faces import landmarks, text
from tests.archives.kdef_landmarks import TAKES, write_kdef_landmarks
from tests.unit.databases.reader_promises import ReaderPromises

FOLDER = "KDEF_LANDMARKS"


class TestKDEFLandmarks(ReaderPromises):
    reader = KDEFLandmarks
    write = staticmethod(write_kdef_landmarks)
    clips = 6 * len(TAKES)
    workbook = None

    def test_a_clip_is_the_neutral_face_and_the_expression_of_one_take(self, root: Path) -> None:
        row = next(row for row in self.table(root).rows if row.clip == "BF01HAS")
        assert row.neutral is not None
        assert (row.path.name, row.neutral.name) == ("BF01HAS.txt", "BF01NES.txt")
        assert (row.kind, row.emotion, row.onset, row.apex, row.offset) == ("macro", "happiness", 0, 1, 1)

    def test_both_series_show_one_person(self, root: Path) -> None:
        rows = self.table(root).rows
        assert {row.subject_id for row in rows} == {"kdef/F01", "kdef/M02"}
        assert rows[0].clip_id == "kdef_landmarks/F01/AF01AFS"

    def test_names_in_lower_case_are_read(self, root: Path) -> None:
        for path in list((root / FOLDER).glob("*.txt")):
            path.rename(path.with_name(path.name.lower()))
        assert {row.subject for row in self.table(root).rows} == {"F01", "M02"}

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        # There is no list of files, so that an expression that is missing is not missed; a neutral face is.
        (root / FOLDER / "BF01NES.txt").unlink()
        with pytest.raises(DataError, match=r"BF01HAS\.txt: there is no neutral face of F01, take B, to pair it with"):
            self.table(root)
        table = self.table(root, faulty="leave_out")
        assert len(table.rows) == self.clips - 6

    @pytest.mark.parametrize("name", ["AF01HAL.txt", "F01HAS.txt", "notes.txt"])
    def test_other_names_are_a_fault(self, root: Path, name: str) -> None:
        (root / FOLDER / name).write_text("")
        with pytest.raises(DataError, match=f"{name}: a name such as AF01HAS.txt, with one of AFS, ANS"):
            self.table(root)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (text(landmarks()[:67]), r"68 lines of x and y are expected, 67 lines of \[2\] numbers found"),
            (text(landmarks()).replace(" ", " 0 "), r"68 lines of x and y are expected, 68 lines of \[3\] numbers"),
            (text(landmarks()).replace("280.000", "nan"), "a coordinate is infinite or no number; leave the file out"),
            (text(landmarks()[:, ::-1]), "show no upright face .* x and y may be exchanged"),
            (text(landmarks()[::-1]), "show no upright face .* or the points in another order"),
            ("a b\n" * 68, r"numbers are expected \(could not convert string to float: 'a'\)"),
            ("\u2021", r"numbers are expected \('ascii' codec"),
        ],
    )
    def test_a_bad_file_is_named_when_it_is_read(self, root: Path, content: str, message: str) -> None:
        (root / FOLDER / "AF01HAS.txt").write_text(content, encoding="utf-8")
        row = next(row for row in self.table(root).rows if row.clip == "AF01HAS")
        reader = open_frames(row.path, row.root, neutral=row.neutral)
        with pytest.raises(DataError, match=f"AF01HAS.txt: .*{message}"):
            reader.points([0, 1])  # type: ignore[attr-defined]

    def test_databases_check_reads_every_point(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("KDEF_LANDMARKS_ROOT", str(root))
        main(["databases", "check", "kdef_landmarks", "--workers", "0"])
        shown = capsys.readouterr().out
        assert "clips per subject: F01 12, M02 6" in shown
        assert "no faults" in shown
        (root / FOLDER / "AF01HAS.txt").write_text("1 2\n")
        with pytest.raises(SystemExit):
            main(["databases", "check", "kdef_landmarks", "--workers", "0"])
        assert "AF01HAS.txt: 68 lines of x and y are expected, 1 lines" in capsys.readouterr().err

    def test_there_are_no_pictures(self, root: Path) -> None:
        row = self.table(root).rows[0]
        with pytest.raises(DataError, match=r"AF01AFS.txt: holds landmarks and no picture; set the representation to"):
            open_frames(row.path, row.root, neutral=row.neutral).read([0, 1], "gray")
