import shutil
from pathlib import Path
from typing import Literal

import pytest

from data_modules.databases.oulu_casia import OuluCASIA
from lightmannet.errors import DataError
from tests.archives.oulu_casia import EMOTIONS, FRAMES, PEOPLE, write_oulu_casia
from tests.unit.databases.reader_promises import ReaderPromises


class TestOuluCASIA(ReaderPromises):
    reader = OuluCASIA
    write = staticmethod(write_oulu_casia)
    clips = len(PEOPLE) * len(EMOTIONS)
    workbook = None

    def test_the_folder_is_the_clip_from_neutral_to_peak(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.kind, row.fps) == ("oulu_casia/P001/VL_Strong_Anger", "macro", 25)
        assert (row.onset, row.apex, row.offset) == (0, FRAMES - 1, FRAMES - 1)
        assert row.path.parts[-5:] == ("PreProcess_Img", "VL_Acropped", "Strong", "P001", "Anger")

    @pytest.mark.parametrize("outer", ["PreProcess_Img", "PreProcessImg", "PreProcess"])
    def test_each_spelling_of_the_outer_folder_is_found(
        self, tmp_path: Path, outer: Literal["PreProcess_Img", "PreProcessImg", "PreProcess"]
    ) -> None:
        write_oulu_casia(tmp_path, outer)
        assert self.table(tmp_path).rows[0].path.parts[-5] == outer

    @pytest.mark.parametrize(
        ("camera", "frames", "folder"),
        [
            ("NI", "cropped", "PreProcess_Img/NI_Acropped"),
            ("VL", "original", "OriginalImg/VL"),
            ("NI", "original", "OriginalImg/NI"),
        ],
    )
    def test_camera_and_frames_choose_the_folder(self, root: Path, camera: str, frames: str, folder: str) -> None:
        rows = self.table(root, camera=camera, frames=frames).rows
        assert len(rows) == self.clips
        assert {row.path.parents[2] for row in rows} == {root / folder}

    def test_both_cameras_can_be_used_side_by_side(self, root: Path) -> None:
        rows = [row for camera in ("VL", "NI") for row in self.table(root, camera=camera).rows]
        assert len({row.clip_id for row in rows}) == 2 * self.clips
        assert len({row.subject_id for row in rows}) == len(PEOPLE)

    def test_a_light_that_is_not_unpacked_is_named(self, root: Path) -> None:
        with pytest.raises(DataError, match=r"PreProcess_Img/VL_Acropped/Dark or .* is expected in"):
            self.table(root, illumination="Dark")

    def test_an_emotion_that_a_person_lacks_is_a_fault(self, root: Path) -> None:
        shutil.rmtree(root / "PreProcess_Img/VL_Acropped/Strong/P002/Fear")
        with pytest.raises(DataError, match="clip P002/VL_Strong_Fear: its folder of frames is missing: P002/Fear"):
            self.table(root)

    def test_a_folder_without_people_is_named(self, root: Path) -> None:
        people = root / "PreProcess_Img/VL_Acropped/Strong"
        for person in PEOPLE:
            (people / person).rename(people / f"person{person}")
        with pytest.raises(DataError, match=r"no subject's folder \(P001, P002, …\) is in .* which holds"):
            self.table(root)
