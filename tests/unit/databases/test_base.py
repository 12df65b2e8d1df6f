import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.annotations import Annotation, Place, Report
from data_modules.clip_table import ClipTable
from data_modules.databases import corrections, sheets
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.casme2 import CASME2
from data_modules.databases.sheets import CellValue, Sheet, Source
from data_modules.databases.tree import find_frames
from data_modules.video import frames
from lightmannet.errors import DataError
from tests.archives.casme2 import HEADER, write_casme2
from tests.archives.writing import write_images
from tests.cells import CELLS

DESCRIPTION = Description(
    name="small",
    title="SMALL",
    variable="SMALL_ROOT",
    fps=100,
    emotions=("happiness", "others"),
    expected={"micro": Expected()},
    certainty="experimental",
    licence="none",
    request="Ask for it.",
    tree="SMALL/s1/c1/1.jpg",
)


class Small(Database):
    """A database whose annotation is given to it; frames are in subject/clip."""

    description = DESCRIPTION

    def __init__(
        self,
        root: Path | str,
        annotations: Sequence[Annotation],
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(str(root), faulty)
        self.given = list(annotations)

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        return self.given

    def locate(self, root: Path, annotation: Annotation) -> Path:
        return find_frames(root, [f"{annotation.subject}/{annotation.clip}"], "its folder")


class SamePeople(Small):
    description = Description(**(vars(DESCRIPTION) | {"people": "large"}))


def annotation(row: int = 2, **changes: Any) -> Annotation:
    values: dict[str, Any] = {"subject": "s1", "clip": "c1", "onset": 2, "apex": 4, "offset": 6} | changes
    return Annotation(kind="micro", source=Source("book.xlsx", "Sheet1", row), **values)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for clip in ("c1", "c2"):
        write_images((tmp_path / "root" / "s1" / clip / f"img{n}.jpg" for n in range(1, 9)), seed=0)
    return tmp_path / "root"


def read(root: Path, *annotations: Annotation, leave_out: bool = False) -> ClipTable:
    return Small(root, annotations, "leave_out" if leave_out else "refuse").table()


def test_a_clip_is_read(root: Path) -> None:
    (row,) = read(root, annotation()).rows
    assert (row.clip_id, row.subject_id, row.fps, row.numbers) == ("small/s1/c1", "small/s1", 100, (2, 3, 4, 5, 6))
    assert row.path == root / "s1" / "c1"


def test_people_shown_by_two_databases_have_one_id(root: Path) -> None:
    (row,) = SamePeople(root, [annotation()]).table().rows
    assert (row.subject_id, row.clip_id) == ("large/s1", "small/s1/c1")


@pytest.mark.parametrize("given", ["nowhere", "~nobody-of-this-name/x", "a\0b", "x" * 300, "\udcff"])
def test_a_root_that_cannot_be_is_named(given: str) -> None:
    with pytest.raises(DataError, match=r"SMALL: root names '.*', which does not exist\. Ask for it\."):
        Small(given, []).table()


def test_the_root_may_begin_with_the_home_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root.parent))
    assert Small("~/root", [annotation()]).table().rows[0].path == root / "s1" / "c1"


def test_an_annotation_without_clips_is_a_fault(root: Path) -> None:
    with pytest.raises(DataError, match=r"SMALL in .*: 1 fault\n  - annotation: it contains no clips"):
        read(root)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"onset": "soon"}, r"row 2: onset of clip s1/c1: a frame number is expected, 'soon' found"),
        ({"onset": 7}, r"row 2: offset 6 is before onset 7"),
        ({"onset": 0}, r"row 2: clip s1/c1 spans frames 0 to 6, but c1 has 1 to 8"),
        ({"offset": 9}, r"row 2: clip s1/c1 spans frames 2 to 9, but c1 has 1 to 8"),
        ({"onset": -1}, r"row 2: onset of clip s1/c1: a frame number is expected, -1 found"),
        ({"emotion": "bored"}, r"row 2: emotion 'bored' is unknown; one of happiness, others is expected"),
        ({"clip": "c9"}, r"row 2: clip s1/c9: its folder is missing: s1/c9 is expected in .*, which holds s1"),
        ({"clip": ".."}, r"row 2: '\.\.' is not a valid name"),
        ({"clip": "a\0"}, r"row 2: 'a\\x00' is not a valid name"),
    ],
)
def test_a_fault_says_where_and_what(root: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=rf"(?s)SMALL in .*: 1 fault\n  - book.xlsx, sheet 'Sheet1', {message}"):
        read(root, annotation(**changes))


def test_faults_of_cells_and_of_frames_are_in_one_report(root: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)2 faults.*row 2: onset.*row 3: clip s1/c9.*set the database's `faulty`"):
        read(root, annotation(), annotation(2, clip="x", onset="soon"), annotation(3, clip="c9"))


def test_faulty_clips_can_be_left_out_and_are_noted(root: Path) -> None:
    table = read(root, annotation(), annotation(3, clip="c2", onset="soon"), annotation(4, clip="c9"), leave_out=True)
    assert [row.clip for row in table.rows] == ["c1"]
    assert [note.split(":")[0] for note in table.notes] == ["left out", "left out"]


def test_the_first_of_two_equal_clips_is_kept_where_faults_are_left_out(root: Path) -> None:
    table = read(root, annotation(), annotation(3, onset=3), leave_out=True)
    assert [row.onset for row in table.rows] == [2]


def test_that_no_clip_is_left_is_a_fault_also_where_faults_are_left_out(root: Path) -> None:
    with pytest.raises(DataError, match=r"1 fault\n.*its folder is missing.*$"):
        read(root, annotation(clip="c9"), leave_out=True)


def test_an_empty_folder_is_a_fault(root: Path) -> None:
    shutil.rmtree(root / "s1" / "c1")
    (root / "s1" / "c1").mkdir()
    with pytest.raises(DataError, match=r"row 2: clip s1/c1: .*c1: no image \(.*\) lies directly in it"):
        read(root, annotation())


def test_an_unreadable_image_is_an_error_once_it_is_read(root: Path) -> None:
    (root / "s1" / "c1" / "img4.jpg").write_bytes(b"no image")
    (row,) = read(root, annotation()).rows
    with pytest.raises(DataError, match=r"img4.jpg: its content is not a JPEG"):
        frames.open_frames(row.path, root).read(row.numbers, "gray")


def test_a_file_of_another_type_is_a_fault(root: Path) -> None:
    (root / "s1" / "c3.txt").write_text("")
    with pytest.raises(DataError, match=r"row 2: clip s1/c3.txt: .*unknown type of file"):
        read(root, annotation(clip="c3.txt"))


def test_a_missing_number_is_tolerated_and_counted(root: Path) -> None:
    (root / "s1" / "c1" / "img5.jpg").unlink()
    table = read(root, annotation())
    assert table.rows[0].numbers == (2, 3, 4, 6)
    assert "clip s1/c1: 1 of 5 frames are missing" in table.notes[0]


def test_a_folder_that_leaves_the_root_by_a_link_is_a_fault(root: Path) -> None:
    shutil.move(root / "s1" / "c1", root.parent / "elsewhere")
    os.symlink(root.parent / "elsewhere", root / "s1" / "c1")
    with pytest.raises(DataError, match=r"row 2: clip s1/c1: .*c1: leaves the root"):
        read(root, annotation())


def test_a_frame_that_leaves_the_root_by_a_link_is_a_fault(root: Path) -> None:
    frame = root / "s1" / "c1" / "img4.jpg"
    shutil.move(frame, root.parent / "img4.jpg")
    os.symlink(root.parent / "img4.jpg", frame)
    with pytest.raises(DataError, match=r"(?s)row 2: clip s1/c1: .*img4.jpg: leaves the root"):
        read(root, annotation())


def test_frames_that_changed_are_seen_by_the_next_reading(root: Path) -> None:
    database = Small(root, [annotation()])
    assert database.table().notes == ()
    (root / "s1" / "c1" / "img3.jpg").unlink()
    assert "1 of 5 frames are missing" in database.table().notes[0]


def test_a_folder_that_clips_share_is_opened_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def open_frames(path: Path, *others: Any) -> Any:
        opened.append(path)
        return frames.open_frames(path, *others)

    class OneFolder(Small):
        def locate(self, root: Path, annotation: Annotation) -> Path:
            return root / "s1" / "c1"

    monkeypatch.setattr("data_modules.databases.base.open_frames", open_frames)
    OneFolder(root, [annotation(clip=f"c1_{onset}", onset=onset) for onset in range(1, 4)]).table()
    assert opened == [root / "s1" / "c1"]


def test_expressions_are_understood_without_frames(tmp_path: Path) -> None:
    report = Report()
    (expression,) = Small(tmp_path, [annotation()]).expressions(report)
    assert (expression.onset, expression.apex, expression.offset) == (2, 4, 6)


def test_an_error_of_the_annotation_names_database_and_root(root: Path) -> None:
    class Broken(Small):
        def annotations(self, root: Path, report: Report) -> list[Annotation]:
            raise DataError("book.xlsx: damaged")

    with pytest.raises(DataError, match=r"^SMALL in .*root: book.xlsx: damaged$"):
        Broken(root, []).table()


def test_corrections_are_applied_before_cells_are_checked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.yaml").write_text(
        "[{subject: s1, clip: c1, onset: 2, column: offset, old: 0, new: 6, reason: mistyped}]"
    )
    monkeypatch.setattr(
        "data_modules.databases.base.read_corrections", lambda name: corrections.read_corrections(name, tmp_path)
    )
    table = read(root, annotation(offset=0))
    assert table.rows[0].offset == 6
    assert "offset of s1/c1, onset 2, corrected from 0 to 6: mistyped" in table.notes[0]


FRAMES = CELLS | st.sampled_from(Place)
ROWS = st.fixed_dictionaries(
    {"subject": st.just("s1") | st.text(max_size=6), "clip": st.sampled_from(["c1", "c2", ".."]) | st.text(max_size=6)},
    optional={
        "onset": FRAMES,
        "apex": FRAMES,
        "offset": FRAMES,
        "fps": CELLS,
        "emotion": CELLS,
        "action_units": CELLS,
        "objective_class": CELLS,
    },
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("archive")
    for clip in ("c1", "c2"):
        write_images((root / "s1" / clip / f"img{n}.jpg" for n in range(1, 9)), seed=0)
    write_casme2(root / "CASME2")
    return root


@given(rows=st.lists(ROWS, max_size=4), faulty=st.sampled_from(["refuse", "leave_out"]))
def test_any_annotation_gives_a_table_or_a_data_error(
    archive: Path, rows: list[dict[str, Any]], faulty: Literal["refuse", "leave_out"]
) -> None:
    given = [annotation(number, **row) for number, row in enumerate(rows)]
    try:
        table = Small(archive, given, faulty).table()
    except DataError:
        return
    assert table.rows
    assert len({row.clip_id for row in table.rows}) == len(table.rows) <= len(given)
    for row in table.rows:
        assert 1 <= row.onset <= row.numbers[0] <= row.numbers[-1] <= row.offset <= 8


@given(rows=st.lists(st.lists(CELLS, min_size=9, max_size=9).map(tuple), max_size=4))
def test_any_cells_of_a_workbook_give_a_table_or_a_data_error(archive: Path, rows: list[tuple[CellValue, ...]]) -> None:
    sheet = Sheet("book.xlsx", "Sheet1", (HEADER, ("01", "EP02_01f", None, 46, 49, 51, None, 12, "happiness"), *rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "read_workbook", lambda path: {"Sheet1": sheet})
        try:
            table = CASME2(str(archive / "CASME2"), faulty="leave_out").table()
        except DataError as error:
            assert "row" in str(error)  # noqa: PT017
            return
    assert table.rows[0].clip_id == "casme2/sub01/EP02_01f"
