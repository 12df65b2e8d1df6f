import shutil
from pathlib import Path

import pytest

from data_modules.annotations import Report
from data_modules.clip_table import ClipTable
from data_modules.databases.casme2 import CASME2
from data_modules.databases.megc2019_list import MEGC2019List
from data_modules.databases.samm import SAMM
from data_modules.databases.smic import SMIC
from lightmannet.errors import DataError
from tests.archives.megc2019_list import HTNET, LISTED, OFFICIAL, write_list, write_megc2019_list


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("written")
    write_megc2019_list(root)
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "root")
    return tmp_path / "root"


def reader(root: Path, leave_out: bool = False) -> MEGC2019List:
    return MEGC2019List(
        CASME2(str(root / "casme2")),
        SMIC(str(root / "smic")),
        SAMM(str(root / "samm")),
        root=str(root),
        faulty="leave_out" if leave_out else "refuse",
    )


def table(root: Path, leave_out: bool = False) -> ClipTable:
    return reader(root, leave_out).table()


def test_exactly_the_listed_clips_are_read_in_the_order_of_the_list(written: Path) -> None:
    ids = [row.clip_id for row in table(written).rows]
    assert ids == [f"{d}/{s}/{clip.replace('s0', 's') if d == 'smic' else clip}" for d, s, clip, _ in LISTED]
    assert not {"casme2/sub04/EP12_01f", "casme2/sub09/EP09f", "samm/011/011_4_2"} & set(ids)


def test_rows_are_those_of_the_three_readers(written: Path) -> None:
    theirs = [row for own in reader(written).readers for row in own.table().rows]
    assert set(table(written).rows) < set(theirs)
    assert {row.fps for row in table(written).rows} == {100, 200}


def test_both_forms_of_the_list_say_the_same(root: Path) -> None:
    official = table(root).rows
    (root / OFFICIAL).unlink()
    write_list(root, "htnet")
    assert table(root).rows == official


def test_the_official_form_is_preferred(root: Path) -> None:
    (root / HTNET).write_text("nothing,of,use")
    assert len(table(root).rows) == len(LISTED)


def test_the_order_of_columns_does_not_matter_below_a_header(root: Path) -> None:
    lines = (root / OFFICIAL).read_text().split()
    (root / OFFICIAL).write_text(
        "Class,Filename,Subject,Dataset\n" + "\n".join(",".join(line.split(",")[::-1]) for line in lines)
    )
    assert len(table(root).rows) == len(LISTED)


def test_expressions_are_the_listed_ones_and_need_no_frames(root: Path) -> None:
    for folder in ("006", "SAMM_CROP"):
        shutil.rmtree(root / "samm" / folder)
    report = Report()
    assert len(reader(root).expressions(report)) == len(LISTED)
    assert not report.faults


def test_everything_may_be_named_by_the_environment(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEGC2019_ROOT", str(written))
    for name in ("casme2", "smic", "samm"):
        monkeypatch.setenv(f"{name.upper()}_ROOT", str(written / name))
    assert len(MEGC2019List().table().rows) == len(LISTED)


def test_the_folder_holds_the_frames_of_all_three(written: Path) -> None:
    own = reader(written)
    assert own.folder() == written
    assert all(row.path.is_relative_to(own.folder()) for row in own.table().rows)


def test_the_annotations_are_those_of_the_three_and_each_reader_locates_its_own(written: Path) -> None:
    own = reader(written)
    found = own.annotations(written, Report())
    assert len(found) == sum(len(each.table().rows) for each in own.readers)
    with pytest.raises(NotImplementedError, match="call locate of one of `readers`"):
        own.locate(written, found[0])


def test_without_a_list_the_error_says_what_is_expected(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / OFFICIAL).unlink()
    with pytest.raises(DataError, match=r"MEGC2019 list in .*: the list is missing: combined_3class_gt.csv or "):
        table(root)
    monkeypatch.delenv("MEGC2019_ROOT", raising=False)
    with pytest.raises(DataError, match="MEGC2019 list: no root folder is given"):
        MEGC2019List().table()


def test_a_list_that_leaves_the_root_is_refused(root: Path, tmp_path: Path) -> None:
    (root / OFFICIAL).rename(tmp_path / "outside.csv")
    (root / OFFICIAL).symlink_to(tmp_path / "outside.csv")
    with pytest.raises(DataError, match=r"combined_3class_gt.csv is a link that leaves"):
        table(root)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("casme2,sub01,EP99_01,0", "clip casme2/sub01/EP99_01 is not among those that were read; restore it"),
        (
            "casme2,sub09,EP09f,0",
            r"clip .*EP09f is negative in the list and of no class by .* \(emotion 'others', CASME2",
        ),
        ("samm,11,011_4_2,1", r"clip .*011_4_2 is positive in the list and of no class by"),
        ("casme2,sub04,EP12_01f,0", "clip .*EP12_01f is negative in the list and of no class by the scheme megc2019"),
        ("casme2,sub01,EP02_01f,1", "clip casme2/sub01/EP02_01f is already in row 1; remove one"),
        ("smic,s1,s1_ne_01,0", "clip smic/s01/s1_ne_01 is already in row"),
        ("casme3,sub01,EP02_01f,1", "database 'casme3' is unknown; casme2, smic or samm is expected"),
        ("casme2,sub01,EP02_01f,3", r"class '3' is unknown; one of 0 \(negative\), 1 \(positive\), 2 \(surprise\)"),
        ("casme2,sub01", "database, subject and clip are expected, 'casme2', 'sub01', nothing, nothing found"),
        ("casme2,nobody,EP02_01f,1", "database, subject and clip are expected, 'casme2', 'nobody'"),
    ],
)
def test_a_bad_row_is_a_fault_that_names_it_and_can_be_left_out(root: Path, row: str, message: str) -> None:
    with (root / OFFICIAL).open("a") as file:
        file.write(f"\n{row}\n")
    with pytest.raises(DataError, match=f"{OFFICIAL}, row {len(LISTED) + 2}: {message}"):
        table(root)
    left = table(root, leave_out=True)
    assert len(left.rows) == len(LISTED)
    assert [note for note in left.notes if note.startswith(f"left out: {OFFICIAL}, row {len(LISTED) + 2}")]


def test_a_class_that_the_scheme_contradicts_is_a_fault(root: Path) -> None:
    write_list(root, "official", [(*LISTED[0][:3], 0), *LISTED[1:]])
    message = (
        r"row 1: clip casme2/sub01/EP02_01f is negative in the list and positive by .* \(emotion 'happiness', CASME2"
    )
    with pytest.raises(DataError, match=message):
        table(root)


def test_a_listed_clip_without_frames_is_a_fault_of_its_reader_and_of_the_list(root: Path) -> None:
    shutil.rmtree(root / "samm" / "006" / "006_1_2")
    with pytest.raises(
        DataError, match=r"(?s)clip 006/006_1_2: .* is missing.*row \d+: clip samm/006/006_1_2 is not among"
    ):
        table(root)
    assert len(table(root, leave_out=True).rows) == len(LISTED) - 1


def test_a_database_of_which_no_clip_is_listed_is_a_fault(root: Path) -> None:
    write_list(root, "official", [entry for entry in LISTED if entry[0] != "samm"])
    with pytest.raises(DataError, match=f"{OFFICIAL}: no clip of SAMM is listed; give the whole list"):
        table(root)
