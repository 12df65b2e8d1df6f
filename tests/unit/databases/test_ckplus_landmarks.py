from pathlib import Path

import numpy as np
import pytest

from data_modules.clip_corpus import ClipCorpus
from data_modules.databases.ckplus_landmarks import CKPlusLandmarks
from data_modules.representations.landmark_flow import LandmarkFlow, landmark_motion
from data_modules.video.frames import open_frames
from data_modules.video.landmarks import LandmarkFrames
from lightmannet.errors import DataError
from tests.archives.ckplus import SEQUENCES, draw_landmarks, write_ckplus
from tests.archives.faces import landmarks
from tests.unit.databases.reader_promises import ReaderPromises


def write(root: Path) -> None:
    write_ckplus(root)
    draw_landmarks(root)


class TestCKPlusLandmarks(ReaderPromises):
    reader = CKPlusLandmarks
    write = staticmethod(write)
    clips = len(SEQUENCES)
    workbook = None

    def test_people_are_those_of_ckplus_and_frames_go_from_neutral_to_peak(self, root: Path) -> None:
        row = self.table(root).rows[1]
        assert (row.subject_id, row.clip_id) == ("ckplus/S005", "ckplus_landmarks/S005/002")
        assert (row.onset, row.apex, row.offset, row.emotion) == (1, 5, 5, "happy")
        reader = open_frames(row.path, row.root)
        assert isinstance(reader, LandmarkFrames)
        assert reader.numbers == (1, 2, 3, 4, 5)

    def test_phases_are_the_motion_during_each(self, root: Path, tmp_path: Path) -> None:
        flow = LandmarkFlow(full_scale=0.2, phases=2)
        source = ClipCorpus([], [CKPlusLandmarks(str(root))], representation=flow, cache=str(tmp_path), workers=0)
        corpus = source.load()
        assert corpus.macro is not None
        assert corpus.macro.inputs.shape[1:] == (2, 3, 28, 28)
        clip = corpus.macro.inputs[corpus.macro.ids.index("ckplus_landmarks/S005/002")]
        for phase, (first, second) in enumerate(((0.0, 8.0), (8.0, 16.0))):
            expected = landmark_motion(landmarks(smile=first), landmarks(smile=second)) / (2 * 0.2 * 28)
            np.testing.assert_allclose(clip[phase, :2].numpy(), expected, atol=0.01)

    def test_a_file_without_a_number_is_a_fault(self, root: Path) -> None:
        (root / "Landmarks/S005/001/notes.txt").write_text("")
        with pytest.raises(DataError, match="text files of landmarks with a frame number each are expected"):
            self.table(root)
