"""What every reader promises; the test of each reader inherits it."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_modules.clip_table import ClipTable
from data_modules.databases.base import Database
from data_modules.databases.sheets import CellValue, Sheet, read_workbook
from data_modules.databases.tree import inside
from lightmannet.errors import DataError
from tests.archives.writing import set_cell
from tests.cells import CELLS

TEXT = (".txt", ".xml", ".csv")
BAD_CELLS = {
    "header": ("Start", r"a header row with the columns .* comes closest with "),
    "onset": ("soon", r"row \d+: onset of clip \S+: a frame number is expected, 'soon' found"),
    "offset": (9999, r"row \d+: clip \S+ spans frames \d+ to 9999, but \S+ has \d+ to \d+"),
    "emotion": ("bored", r"row \d+: emotion 'bored' is unknown; one of "),
}
"""What any workbook may have wrong, and the fault."""


class ReaderPromises:
    """Promises that do not depend on the layout.

    Attributes:
        reader: Makes the reader of a root, with the options that are tested.
        write: Writes a valid archive into a folder.
        clips: Number of clips that the archive holds.
        workbook: The annotation workbook within the archive, or None.
        sheet: The workbook's sheet.
        cells: The cells of ``BAD_CELLS`` that the workbook has: a title, and cells of the first row.
    """

    reader: Callable[..., Database]
    write: Callable[[Path], None]
    clips: ClassVar[int]
    workbook: ClassVar[str | None]
    sheet: ClassVar[str] = "Sheet1"
    cells: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        root = tmp_path / "archive"
        root.mkdir()
        type(self).write(root)
        return root

    def table(self, root: Path, **options: Any) -> ClipTable:
        return type(self).reader(str(root), **options).table()

    def test_every_clip_is_read(self, root: Path) -> None:
        table = self.table(root)
        assert len(table.rows) == self.clips
        assert len({row.clip_id for row in table.rows}) == self.clips
        for row in table.rows:
            assert row.onset <= row.offset
            assert row.apex is None or row.onset <= row.apex <= row.offset
            assert row.numbers
            assert row.path.exists()

    def test_the_root_may_be_named_by_the_environment(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        description = type(self).reader().description
        monkeypatch.setenv(description.variable, str(root))
        assert len(type(self).reader().table().rows) == self.clips

    def test_without_a_root_the_error_says_how_to_get_the_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        description = type(self).reader().description
        monkeypatch.delenv(description.variable, raising=False)
        with pytest.raises(DataError, match=f"(?s)no root folder is given.*{description.variable}"):
            type(self).reader().table()

    def test_a_root_that_does_not_exist_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="nowhere', which does not exist"):
            self.table(tmp_path / "nowhere")

    def test_a_root_that_is_a_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match="file', which is a file, not a folder"):
            self.table(tmp_path / "file")

    def test_an_empty_root_says_what_is_expected(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"(?s)expected in .* which is empty"):
            self.table(tmp_path)

    def test_an_archive_one_level_deeper_is_found(self, root: Path, tmp_path: Path) -> None:
        outer = tmp_path / "outer"
        outer.mkdir()
        shutil.move(root, outer / "archive")
        assert len(self.table(outer).rows) == self.clips

    def test_case_of_folders_does_not_matter(self, root: Path) -> None:
        for entry in list(root.iterdir()):
            entry.rename(root / entry.name.swapcase())
        assert len(self.table(root).rows) == self.clips

    def test_a_damaged_workbook_is_named(self, root: Path) -> None:
        if self.workbook is None:
            return
        path = root / self.workbook
        path.write_bytes(path.read_bytes()[:300])
        with pytest.raises(DataError, match=r"damaged, or not"):
            self.table(root)

    def test_a_bad_cell_of_any_workbook_is_a_fault_that_names_its_row(self, root: Path) -> None:
        if self.workbook is None:
            pytest.skip("no workbook")
        path = root / self.workbook
        assert self.cells
        before = path.read_bytes()
        for column, cell in self.cells.items():
            value, message = BAD_CELLS[column]
            set_cell(path, self.sheet, cell, value)
            with pytest.raises(DataError, match=message):
                self.table(root)
            path.write_bytes(before)

    def test_missing_frames_are_a_fault_that_can_be_left_out(self, root: Path) -> None:
        lost = self.table(root).rows[0].path
        shared = {row.clip_id for row in self.table(root).rows if row.path == lost}
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
        with pytest.raises(DataError, match=r"fault"):
            self.table(root)
        table = self.table(root, faulty="leave_out")
        assert len(table.rows) == self.clips - len(shared)
        assert any(note.startswith("left out") for note in table.notes)

    def test_frames_that_leave_the_root_are_a_fault(self, root: Path, tmp_path: Path) -> None:
        path = self.table(root).rows[0].path
        shutil.move(path, tmp_path / path.name)
        os.symlink(tmp_path / path.name, path)
        with pytest.raises(DataError, match="leaves the root"):
            self.table(root)

    @pytest.mark.parametrize("examples", [4, pytest.param(200, marks=pytest.mark.slow)])
    def test_any_annotation_gives_clips_within_the_root_or_a_data_error(self, root: Path, examples: int) -> None:
        texts = sorted(path for path in root.rglob("*") if path.suffix.lower() in TEXT)
        modules = [m for name, m in sys.modules.items() if name.startswith("data_modules.databases.")]
        readers = [module for module in modules if hasattr(module, "read_workbook")]

        def read() -> None:
            try:
                table = self.table(root, faulty="leave_out")
            except DataError:
                return
            assert table.rows
            assert all(inside(row.path, root) for row in table.rows)

        @settings(max_examples=examples)
        @given(data=st.data())
        def cells(data: st.DataObject) -> None:
            def read_changed(path: Path) -> dict[str, Sheet]:
                return {name: changed(sheet, data) for name, sheet in read_workbook(path).items()}

            with pytest.MonkeyPatch.context() as patch:
                for module in readers:
                    patch.setattr(module, "read_workbook", read_changed)
                read()

        @settings(max_examples=examples)
        @given(number=st.integers(0), content=st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
        def files(number: int, content: bytes) -> None:
            path = texts[number % len(texts)]
            before = path.read_bytes()
            path.write_bytes(content)
            read()
            path.write_bytes(before)

        if self.workbook is not None:
            cells()
        if texts:
            files()


def changed(sheet: Sheet, data: st.DataObject) -> Sheet:
    """Return the sheet with some cells below its header replaced by anything."""
    rows = [list(row) for row in sheet.rows]
    for row in data.draw(st.sets(st.integers(1, max(len(rows) - 1, 1)), max_size=2)):
        if row < len(rows) and rows[row]:
            column = data.draw(st.integers(0, len(rows[row]) - 1))
            cell: CellValue = data.draw(CELLS)
            rows[row][column] = cell
    return replace(sheet, rows=tuple(map(tuple, rows)))
