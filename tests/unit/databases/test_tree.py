import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.databases.tree import files, find, folders, inside, listing, require
from lightmannet.errors import DataError


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text("")


def test_the_first_name_that_is_there_is_found(tmp_path: Path) -> None:
    make(tmp_path, "new.xlsx", "old.xlsx")
    assert find(tmp_path, ["newest.xlsx", "new.xlsx", "old.xlsx"]) == tmp_path / "new.xlsx"


@pytest.mark.parametrize("name", ["sub01/EP01", "SUB01/ep01", "Sub01/Ep01"])
def test_case_does_not_matter(tmp_path: Path, name: str) -> None:
    make(tmp_path, "sub01/EP01/", "other/")
    assert find(tmp_path, [name]) == tmp_path / "sub01" / "EP01"


@pytest.mark.parametrize("name", ["j", "J"])
def test_of_two_names_that_differ_in_case_the_one_asked_for_is_found(tmp_path: Path, name: str) -> None:
    make(tmp_path, "j/", "J/")
    assert find(tmp_path, [name]) == tmp_path / name


def test_a_doubled_folder_is_looked_into(tmp_path: Path) -> None:
    make(tmp_path, "Cropped/cropped/sub01/", "book.xlsx")
    assert find(tmp_path, ["Cropped"]) == tmp_path / "Cropped" / "cropped"
    assert find(tmp_path, ["Cropped/sub01"]) == tmp_path / "Cropped" / "cropped" / "sub01"


def test_a_file_named_as_its_folder_does_not_double_it(tmp_path: Path) -> None:
    make(tmp_path, "sub01/sub01", "other/")
    assert find(tmp_path, ["sub01"]) == tmp_path / "sub01"


def test_single_folders_are_looked_into_however_deep(tmp_path: Path) -> None:
    make(tmp_path, "download/CASME2/book.xlsx", "download/.DS_Store", ".hidden")
    assert find(tmp_path, ["book.xlsx"]) == tmp_path / "download" / "CASME2" / "book.xlsx"


def test_one_of_several_folders_is_not_looked_into(tmp_path: Path) -> None:
    make(tmp_path, "a/book.xlsx", "b/")
    assert find(tmp_path, ["book.xlsx"]) is None


def test_a_folder_that_links_to_itself_ends_the_search(tmp_path: Path) -> None:
    os.symlink(tmp_path, tmp_path / "loop")
    assert find(tmp_path, ["book.xlsx"]) is None


def test_what_was_added_since_is_found(tmp_path: Path) -> None:
    assert find(tmp_path, ["a"]) is None
    make(tmp_path, "a")
    assert find(tmp_path, ["a"]) == tmp_path / "a"


def test_an_old_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a", "b")
    os.utime(tmp_path, (1e9, 1e9))
    listed = []
    real: Callable[[Path], list[str]] = os.listdir

    def listdir(folder: Path) -> list[str]:
        listed.append(folder)
        return real(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    assert find(tmp_path, ["a"]) == tmp_path / "a"
    assert find(tmp_path, ["b"]) == tmp_path / "b"
    assert listed.count(tmp_path) == 1


@given(st.text(max_size=20))
def test_any_name_is_found_or_not(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "names"
    make(folder, "a/b")
    found = find(folder, [name])
    assert found is None or found.exists()


def test_what_is_required_and_missing_is_named_with_what_is_there(tmp_path: Path) -> None:
    make(tmp_path, "notes.txt", "frames/")
    with pytest.raises(
        DataError,
        match=r"the workbook is missing: a.xlsx or b.xlsx is expected in .*, which holds frames, notes.txt$",
    ):
        require(tmp_path, ["a.xlsx", "b.xlsx"], "the workbook")


def test_a_listing_is_short(tmp_path: Path) -> None:
    assert listing(tmp_path) == "which is empty"
    assert listing(tmp_path / "nowhere") == "which is not a folder"
    make(tmp_path, *"abcde", ".hidden")
    assert listing(tmp_path, shown=3) == "which holds a, b, c and 2 more"


def test_folders_and_files_come_by_name_without_hidden_ones(tmp_path: Path) -> None:
    make(tmp_path, "b/", "a/", ".git/", "2.JPG", "1.jpg", ".3.jpg", "4.lnk", "5.jpg/")
    assert [path.name for path in folders(tmp_path)] == ["5.jpg", "a", "b"]
    assert [path.name for path in files(tmp_path, [".jpg"])] == ["1.jpg", "2.JPG"]
    assert folders(tmp_path / "nowhere") == []


def test_links_out_of_the_root_are_outside(tmp_path: Path) -> None:
    make(tmp_path, "root/in/", "out/")
    root = tmp_path / "root"
    os.symlink(tmp_path / "out", root / "away")
    os.symlink(root / "in", root / "near")
    assert inside(root / "in", root)
    assert inside(root / "near", root)
    assert not inside(root / "away", root)
    assert not inside(root / ".." / "out", root)
