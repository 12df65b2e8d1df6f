from pathlib import Path
from typing import ClassVar

import pytest

from data_modules.databases.dfme import DFME
from lightmannet.errors import ConfigurationError, DataError
from tests.archives.dfme import ANNOTATION, TEST_A, TEST_B, TRAIN, WORKBOOK, write_dfme
from tests.archives.writing import set_cell
from tests.unit.databases.reader_promises import ReaderPromises


class TestDFME(ReaderPromises):
    reader = DFME
    write = staticmethod(write_dfme)
    clips = len(TRAIN) + len(TEST_A) + len(TEST_B)
    workbook: ClassVar[str] = WORKBOOK
    cells: ClassVar[dict[str, str]] = {"header": "C1", "onset": "C2", "emotion": "F2"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[1]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("dfme/train_sub0001/sub0001_02", 109, 112, 115)
        assert (row.kind, row.emotion, row.action_units_raw) == ("micro", "happiness", "AD38")
        assert row.numbers == tuple(range(109, 116))

    def test_frames_may_be_numbered_from_0(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.onset, row.numbers[0]) == (0, 0)

    def test_each_row_has_its_own_frames_a_second(self, root: Path) -> None:
        assert {row.subject: row.fps for row in self.table(root).rows} == {
            "train_sub0001": 500,
            "train_sub0016": 300,
            "train_sub0111": 200,
            "test_A_sub0001": 300,
            "test_B_sub0001": 200,
        }

    def test_people_of_different_splits_are_different_people(self, root: Path) -> None:
        subjects = {row.subject_id for row in self.table(root).rows}
        assert {"dfme/train_sub0001", "dfme/test_A_sub0001", "dfme/test_B_sub0001"} < subjects

    def test_only_the_splits_asked_for_need_be_there(self, root: Path) -> None:
        (root / ANNOTATION / "testA_full_with_AU.xlsx").unlink()
        assert len(self.table(root, splits=["test_B", "train"]).rows) == len(TRAIN) + len(TEST_B)
        with pytest.raises(DataError, match=r"annotation of the split test_A \(.*`splits`\) is missing: .*testA_full"):
            self.table(root)

    def test_a_missing_folder_of_frames_is_named(self, root: Path) -> None:
        (root / "test_data_A").rename(root / "elsewhere")
        with pytest.raises(DataError, match="folder of the split test_A is missing: test_data_A is expected"):
            self.table(root)

    @pytest.mark.parametrize("splits", [[], ["validation"], ["train", "train"]])
    def test_impossible_splits_are_refused(self, splits: list[str]) -> None:
        with pytest.raises(ConfigurationError, match="splits: each of train, test_A, test_B may be named once"):
            DFME(splits=splits)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("cell", "value", "message"),
        [
            ("H2", None, r"row 2: frame rate: a number of frames per second is expected, '' found"),
            ("H2", 0, r"row 2: frame rate: a number of frames per second is expected, 0 found"),
            ("B2", "sub0001_09", r"row 2: .*its folder of frames is missing: sub0001_09 is expected in .*train_data"),
        ],
    )
    def test_a_bad_cell_is_a_fault_that_names_file_sheet_and_row(
        self, root: Path, cell: str, value: object, message: str
    ) -> None:
        set_cell(root / WORKBOOK, "Sheet1", cell, value)
        with pytest.raises(DataError, match=message):
            self.table(root)
