"""Databases of stills in pairs."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.clip_corpus import ClipCorpus
from data_modules.databases.ckplus_pairs import CKPlusPairs
from data_modules.databases.jaffe import JAFFE
from data_modules.databases.kdef import KDEF
from data_modules.databases.london_faces import LondonFaces
from data_modules.databases.mmew_pairs import MMEWPairs
from data_modules.databases.yale_faces import YaleFaces
from data_modules.representations.flow_image import ApexFlow
from data_modules.video.frames import open_frames
from lightmannet.errors import DataError
from tests.archives.mmew import STILLS
from tests.archives.stills import (
    write_ckplus_pairs,
    write_jaffe,
    write_kdef,
    write_london_faces,
    write_mmew_pairs,
    write_yale_faces,
)
from tests.unit.databases.reader_promises import ReaderPromises


class TestJAFFE(ReaderPromises):
    reader = JAFFE
    write = staticmethod(write_jaffe)
    clips = 12
    workbook = None

    def test_expressions_are_paired_with_the_first_neutral_face_and_others_are_noted(self, root: Path) -> None:
        table = self.table(root)
        assert {row.neutral.name for row in table.rows if row.neutral} == {"KA.NE1.00.tiff", "YM.NE1.10.tiff"}
        assert [note for note in table.notes if "KA.NE2.01.tiff: a further neutral face of KA" in note]
        assert (table.rows[0].clip_id, table.rows[0].emotion) == ("jaffe/KA/AN1", "anger")

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        for path in (root / "jaffe").glob("KA.NE*"):
            path.unlink()
        with pytest.raises(DataError, match=r"KA\.AN1\.02\.tiff: there is no neutral face of KA to pair it with"):
            self.table(root)
        assert len(self.table(root, faulty="leave_out").rows) == 6

    def test_other_names_are_a_fault(self, root: Path) -> None:
        (root / "jaffe" / "KA.XX1.39.tiff").write_bytes(b"")
        with pytest.raises(DataError, match=r"KA\.XX1\.39\.tiff: a name such as KA\.AN1\.39\.tiff, with one"):
            self.table(root)

    def test_two_sizes_are_named_when_they_are_read(self, root: Path) -> None:
        row = self.table(root).rows[0]
        cv2.imwrite(str(row.path), np.zeros((40, 50), np.uint8))
        with pytest.raises(DataError, match=r"KA\.NE1\.00\.tiff and KA\.AN1\.02\.tiff differ in size \(32 × 32 and"):
            open_frames(row.path, row.root, neutral=row.neutral).read([0, 1], "gray")

    def test_pairs_make_a_corpus(self, root: Path, tmp_path: Path) -> None:
        representation = ApexFlow(method="dis")
        source = ClipCorpus(
            [], [JAFFE(str(root))], representation=representation, cache=str(tmp_path / "cache"), workers=0
        )
        corpus = source.load()
        assert corpus.macro is not None
        assert corpus.macro.inputs.shape == (12, 1, 3, 28, 28)
        assert (corpus.macro.inputs[:, 0, :2].abs().amax((1, 2, 3)) > 0).all()


class TestCKPlusPairs(ReaderPromises):
    reader = CKPlusPairs
    write = staticmethod(write_ckplus_pairs)
    clips = 14
    workbook = None

    def test_each_sequence_has_a_neutral_face_of_its_own(self, root: Path) -> None:
        row = next(row for row in self.table(root).rows if row.emotion == "fear")
        assert row.neutral is not None
        assert (row.path.name, row.neutral.name) == ("S005_004_00000014.png", "S005_004_00000001.png")
        assert (row.subject_id, row.clip_id) == ("ckplus/S005", "ckplus_pairs/S005/004")

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        (root / "CK+" / "neutral" / "S005_001_00000001.png").unlink()
        with pytest.raises(DataError, match=r"there is no neutral face of S005, take 001, to pair it with"):
            self.table(root)
        assert len(self.table(root, faulty="leave_out").rows) == 13

    def test_case_of_folders_does_not_matter(self, root: Path) -> None:
        for entry in list((root / "CK+").iterdir()):
            entry.rename(entry.with_name(entry.name.upper()))
        assert len(self.table(root).rows) == self.clips

    def test_other_names_are_a_fault(self, root: Path) -> None:
        (root / "CK+" / "boredom").mkdir()
        (root / "CK+" / "fear" / "x.png").write_bytes(b"")
        with pytest.raises(
            DataError, match=r"(?s)boredom: a folder named like an emotion.*fear/x\.png: a name such as"
        ):
            self.table(root)

    def test_neutral_faces_alone_are_no_database(self, root: Path) -> None:
        for folder in (root / "CK+").iterdir():
            if folder.name != "neutral":
                folder.rename(root / folder.name)
        with pytest.raises(DataError, match="no expressive picture is in"):
            self.table(root)


class TestKDEF(ReaderPromises):
    reader = KDEF
    write = staticmethod(write_kdef)
    clips = 18
    workbook = None
    folder = Path("KDEF_and_AKDEF/KDEF")

    def test_both_series_show_one_person_and_have_a_neutral_face_each(self, root: Path) -> None:
        rows = self.table(root).rows
        assert {row.subject_id for row in rows} == {"kdef/F01", "kdef/M02"}
        row = next(row for row in rows if row.clip == "BF01HAS")
        assert row.neutral is not None
        assert (row.path.name, row.neutral.name, row.emotion) == ("BF01HAS.JPG", "BF01NES.JPG", "happiness")

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        (root / self.folder / "BF01" / "BF01NES.JPG").unlink()
        with pytest.raises(DataError, match=r"BF01HAS\.JPG: there is no neutral face of F01, take B, to pair it with"):
            self.table(root)
        assert len(self.table(root, faulty="leave_out").rows) == 12

    def test_pictures_in_one_folder_and_with_two_extensions_are_read(self, root: Path) -> None:
        for path in list((root / self.folder).rglob("*.JPG")):
            path.rename(root / self.folder / f"{path.name.lower()}.jpg")
        for folder in (root / self.folder).iterdir():
            if folder.is_dir():
                (folder / "Thumbs.db").unlink(missing_ok=True)
                folder.rmdir()
        assert len(self.table(root).rows) == self.clips

    def test_a_picture_that_is_there_twice_is_a_fault(self, root: Path) -> None:
        folder = root / self.folder / "AF01"
        (folder / "AF01HAS.png").write_bytes((folder / "AF01HAS.JPG").read_bytes())
        with pytest.raises(DataError, match=r"AF01HAS\.png: shows the same as AF01HAS\.JPG by their names; remove one"):
            self.table(root)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("AF01XXS.JPG", r"AF01XXS\.JPG: a name such as AF01HAS\.JPG, with one of AFS, ANS"),
            ("AF01H~1.JPG", r"is expected; DOS has shortened it, copy the files with their full names"),
        ],
    )
    def test_other_names_are_a_fault(self, root: Path, name: str, message: str) -> None:
        (root / self.folder / "AF01" / name).write_bytes(b"")
        with pytest.raises(DataError, match=message):
            self.table(root)


class TestYaleFaces(ReaderPromises):
    reader = YaleFaces
    write = staticmethod(write_yale_faces)
    clips = 8
    workbook = None

    def test_another_person_s_picture_is_left_out_and_noted(self, root: Path) -> None:
        table = self.table(root)
        assert not [row for row in table.rows if (row.subject, row.emotion) == ("y04", "sadness")]
        assert "subject04.sad: shows another person than its name says, so it is left out" in table.notes

    def test_gifs_are_decoded_whatever_their_names_end_in(self, root: Path) -> None:
        for row in self.table(root).rows:
            frames = open_frames(row.path, row.root, neutral=row.neutral).read([0, 1], "gray")
            assert frames.shape == (2, 32, 32, 1)
            assert np.ptp(frames) > 100

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        (root / "yalefaces" / "subject01.normal").unlink()
        with pytest.raises(DataError, match=r"subject01\.happy: there is no neutral face of y01 to pair it with"):
            self.table(root)
        assert len(self.table(root, faulty="leave_out").rows) == 5

    def test_other_names_are_a_fault(self, root: Path) -> None:
        (root / "yalefaces" / "subject01.bored").write_bytes(b"")
        with pytest.raises(DataError, match=r"subject01\.bored: a name such as subject01\.happy, with one of happy"):
            self.table(root)


class TestLondonFaces(ReaderPromises):
    reader = LondonFaces
    write = staticmethod(write_london_faces)
    clips = 3
    workbook = None

    def test_a_smile_is_paired_with_the_neutral_face(self, root: Path) -> None:
        row = self.table(root).rows[2]
        assert row.neutral is not None
        assert (row.clip_id, row.path.name, row.neutral.name) == (
            "london_faces/L172/smiling",
            "172_08.jpg",
            "172_03.jpg",
        )

    def test_a_folder_of_named_states_is_read_too(self, root: Path) -> None:
        for path in list((root / "inst").rglob("*.jpg")):
            state = "neutral" if path.stem.endswith("03") else "smiling"
            path.rename(root / f"{path.stem[:3]}_{state}.jpg")
        (root / "inst").rename(root / "rest")
        assert len(self.table(root).rows) == 3

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        (root / "inst/neutral_front/001_03.jpg").unlink()
        with pytest.raises(DataError, match=r"001_08\.jpg: there is no neutral face of L001 to pair it with"):
            self.table(root)
        assert len(self.table(root, faulty="leave_out").rows) == 2

    def test_other_names_are_a_fault(self, root: Path) -> None:
        (root / "inst/smiling_front/173_09.jpg").write_bytes(b"")
        with pytest.raises(DataError, match=r"173_09\.jpg: a name such as 001_03\.jpg \(neutral\) or"):
            self.table(root)


class TestMMEWPairs(ReaderPromises):
    reader = MMEWPairs
    write = staticmethod(write_mmew_pairs)
    clips = len(STILLS)
    workbook = None

    def test_the_neutral_face_is_a_still_or_the_first_frame_of_a_micro_expression(self, root: Path) -> None:
        neutral = {row.subject: row.neutral for row in self.table(root).rows}
        assert str(neutral["S02"]).endswith("Macro_Expression/S02/neutral/S02-00-001.jpg")
        assert str(neutral["S01"]).endswith("Micro_Expression/anger/S01-07-001/1.jpg")
        assert {row.subject_id for row in self.table(root).rows} == {"mmew/S01", "mmew/S02", "mmew/S03"}

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        shutil.rmtree(root / "Micro_Expression")
        with pytest.raises(DataError, match=r"S01-07-001\.jpg: there is no neutral face of S01 to pair it with"):
            self.table(root)
        assert {row.subject for row in self.table(root, faulty="leave_out").rows} == {"S02"}

    def test_other_names_and_emotions_are_a_fault(self, root: Path) -> None:
        folder = root / "Macro_Expression" / "S01"
        (folder / "anger" / "x.jpg").write_bytes(b"")
        (folder / "happiness").rename(folder / "bored")
        with pytest.raises(
            DataError, match=r"(?s)x\.jpg: a name such as S01-07-001\.jpg is.*emotion 'bored' is unknown"
        ):
            self.table(root)
