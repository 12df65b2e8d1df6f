"""Databases of stills in pairs: JAFFE and the pairs of CK+."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.clip_corpus import ClipCorpus
from data_modules.databases.ckplus_pairs import CKPlusPairs
from data_modules.databases.jaffe import JAFFE
from data_modules.representations.flow_image import ApexFlow
from data_modules.video.frames import open_frames
from lightmannet.errors import DataError
from tests.archives.stills import write_ckplus_pairs, write_jaffe
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
        with pytest.raises(
            DataError, match=r"KA\.XX1\.39\.tiff: a name such as KA\.AN1\.39\.tiff is expected, with one"
        ):
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
