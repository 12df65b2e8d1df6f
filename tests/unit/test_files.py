"""Files that are either whole or not there."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lightmannet.files import digest_of_files, set_default_permissions, write_atomically, write_bytes_atomically


@pytest.fixture
def umask() -> Iterator[int]:
    """A umask that is neither the usual one nor that of private files."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_text_is_written_as_utf_8_into_folders_that_it_makes(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    write_atomically(path, "α → β\r\n")
    assert path.read_bytes() == "α → β\r\n".encode()


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.bin"
    write_bytes_atomically(path, b"old")
    write_bytes_atomically(path, bytes(range(256)))
    assert path.read_bytes() == bytes(range(256))
    assert os.listdir(path.parent) == ["b.bin"]


def test_an_old_file_is_replaced_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("a longer text than the new one")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["c.txt"]


def test_until_the_new_file_is_whole_the_old_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "c.txt", []
    path.write_text("old")
    replace = os.replace

    def watched(source: str, target: Path) -> None:
        seen.append((path.read_text(), Path(source).read_text(), Path(source).parent))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    write_atomically(path, "new" * 100_000)
    # In the same folder, because only within one file system a name is moved at once.
    assert seen == [("old", "new" * 100_000, tmp_path)]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["c.txt"]


def test_an_interruption_before_the_last_step_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "c.txt", "new")
    assert os.listdir(tmp_path) == []


def test_the_file_may_be_read_by_whom_other_new_files_may(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "c.txt"
    write_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    assert os.umask(umask) == umask  # it is as it was


@pytest.mark.parametrize(("make", "mode"), [(Path.touch, 0o640), (Path.mkdir, 0o750)])
def test_default_permissions_are_those_of_any_new_file(tmp_path: Path, make: Callable[[Path], None], mode: int) -> None:
    path = tmp_path / "new"
    make(path)
    path.chmod(0o700)
    before = os.umask(0o027)
    try:
        set_default_permissions(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


def test_a_digest_of_files_depends_on_names_and_content_and_not_on_their_order_or_folder(tmp_path: Path) -> None:
    for root, names in (("a", "xy"), ("b", "xy"), ("c", "xz")):
        (tmp_path / root).mkdir()
        for name in names:
            (tmp_path / root / name).write_text("1")
    a, b, c = (digest_of_files(list((tmp_path / root).iterdir()), tmp_path / root) for root in "abc")
    assert a == b == digest_of_files(sorted((tmp_path / "a").iterdir(), reverse=True), tmp_path / "a") != c
    (tmp_path / "a" / "x").write_text("2")
    assert digest_of_files((tmp_path / "a").iterdir(), tmp_path / "a") not in (a, c)
