"""The cache: what was written is read, what is damaged is dropped, writers do each other no harm."""

import errno
import hashlib
import logging
import multiprocessing
import os
import pickle
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from data_modules.cache import ArrayCache, cache_folder, digest
from lightmannet.errors import DataError

KEY = digest("clip", "options")
NUMBERS = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
ANY_NUMBERS = st.one_of(
    arrays.boolean_dtypes(), arrays.integer_dtypes(), arrays.unsigned_integer_dtypes(), arrays.floating_dtypes()
).flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0, max_side=4)))


def file_of(cache: ArrayCache, key: str = KEY) -> Path:
    return cache.folder / key[:2] / key[2:]


def test_what_was_never_written_is_none_and_makes_no_folder(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path / "cache")
    assert cache.read(KEY) is None
    assert KEY not in cache
    assert not cache.folder.exists()


@given(array=ANY_NUMBERS)
def test_numbers_of_any_type_and_shape_come_back_bit_by_bit(array: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ArrayCache(Path(folder)).write(KEY, array)
        found = ArrayCache(Path(folder)).read(KEY)
    assert found is not None
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()


def test_a_transposed_array_comes_back_as_it_looked(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path)
    cache.write(KEY, NUMBERS.T)
    assert np.array_equal(cache.read(KEY), NUMBERS.T)  # type: ignore[arg-type]


def test_the_reader_owns_its_array(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path)
    cache.write(KEY, NUMBERS)
    first = cache.read(KEY)
    assert first is not None
    first[:] = -1
    assert np.array_equal(cache.read(KEY), NUMBERS)  # type: ignore[arg-type]


def test_a_second_write_replaces_the_first_and_other_keys_stay(tmp_path: Path) -> None:
    cache, other = ArrayCache(tmp_path), digest("other")
    cache.write(other, NUMBERS)
    cache.write(KEY, NUMBERS)
    cache.write(KEY, NUMBERS[:1] + 1)
    assert KEY in cache
    assert np.array_equal(cache.read(KEY), NUMBERS[:1] + 1)  # type: ignore[arg-type]
    assert np.array_equal(cache.read(other), NUMBERS)  # type: ignore[arg-type]


def damage(content: bytes, how: str) -> bytes:
    match how:
        case "empty":
            return b""
        case "cut in the checksum":
            return content[:20]
        case "only a checksum":
            return content[:32]
        case "cut in the numbers":
            return content[:-5]
        case "one bit":
            return content[:-1] + bytes([content[-1] ^ 1])
        case "another shape":
            return content.replace(b"2 3 4\n", b"4 3 2\n")
        case "too long":
            return content + b"\0"
        case _:
            return b"notes of somebody else, kept in the wrong folder"


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "cut in the checksum",
        "only a checksum",
        "cut in the numbers",
        "one bit",
        "another shape",
        "too long",
        "foreign",
    ],
)
def test_a_damaged_file_is_dropped_and_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str) -> None:
    cache = ArrayCache(tmp_path)
    cache.write(KEY, NUMBERS)
    path = file_of(cache)
    before = path.read_bytes()
    path.write_bytes(damage(before, how))
    assert path.read_bytes() != before
    with caplog.at_level(logging.WARNING):
        assert cache.read(KEY) is None
        assert cache.read(KEY) is None
    assert not path.exists()
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} is removed from the cache and will be computed again: its checksum is wrong"
    ]
    cache.write(KEY, NUMBERS)
    assert np.array_equal(cache.read(KEY), NUMBERS)  # type: ignore[arg-type]


def test_the_file_of_another_key_is_dropped(tmp_path: Path) -> None:
    cache, other = ArrayCache(tmp_path), digest("other")
    cache.write(KEY, NUMBERS)
    file_of(cache, other).parent.mkdir(exist_ok=True)
    file_of(cache, other).write_bytes(file_of(cache).read_bytes())
    assert cache.read(other) is None
    assert other not in cache
    assert KEY in cache


@pytest.mark.parametrize(
    "content", [b"", b"no line end", b"\n", b"|O 1\n" + bytes(8), b"nonsense 1\n1234", b"<f4 x\n1234", b"<f4 3\n1234"]
)
def test_content_that_is_no_array_is_dropped_even_with_a_right_checksum(tmp_path: Path, content: bytes) -> None:
    cache = ArrayCache(tmp_path)
    cache.write(KEY, NUMBERS)
    file_of(cache).write_bytes(hashlib.sha256(KEY.encode() + content).digest() + content)
    assert cache.read(KEY) is None
    assert KEY not in cache


class Trap:
    """Does harm when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("harm",)


def test_a_pickle_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cache = ArrayCache(tmp_path / "cache")
    cache.write(KEY, NUMBERS)
    content = pickle.dumps(Trap())
    file_of(cache).write_bytes(hashlib.sha256(KEY.encode() + content).digest() + content)
    assert cache.read(KEY) is None
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "array", [np.array([None]), np.array(["text"]), np.zeros(2, "f4,i2"), np.zeros(2, "M8[s]")], ids=str
)
def test_what_is_not_numbers_is_refused_and_nothing_is_written(tmp_path: Path, array: np.ndarray) -> None:
    cache = ArrayCache(tmp_path)
    with pytest.raises(ValueError, match="the cache stores only numbers"):
        cache.write(KEY, array)
    assert os.listdir(tmp_path) == []


def test_a_folder_in_the_place_of_a_file_counts_as_missing(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path)
    file_of(cache).mkdir(parents=True)
    assert cache.read(KEY) is None
    assert KEY not in cache


@pytest.mark.parametrize("key", ["", "../../elsewhere", "ab", KEY.upper(), f"{KEY}\n", KEY + "0"])
def test_a_key_that_digest_did_not_make_is_refused(tmp_path: Path, key: str) -> None:
    cache = ArrayCache(tmp_path)
    with pytest.raises(ValueError, match=r"make keys with digest\(\)"):
        cache.read(key)
    with pytest.raises(ValueError, match=r"make keys with digest\(\)"):
        cache.write(key, NUMBERS)


def test_a_full_disk_is_told_with_the_file_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cache = ArrayCache(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=rf"{file_of(cache)}: .*No space left.*name another folder for the cache"):
        cache.write(KEY, NUMBERS)
    assert KEY not in cache
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = ArrayCache(tmp_path / "cache")
    assert cache.read(KEY) is None
    with pytest.raises(DataError, match="cache cannot be written"):
        cache.write(KEY, NUMBERS)


def test_unfinished_files_are_no_entries_and_old_ones_are_removed_at_the_first_write(tmp_path: Path) -> None:
    cache, other = ArrayCache(tmp_path), digest("other")
    path = file_of(cache)
    path.parent.mkdir()
    fresh, old, foreign = (path.parent / name for name in (f".{path.name}.1.part", ".old.2.part", "notes"))
    for leftover in (fresh, old, foreign):
        leftover.write_bytes(b"unfinished")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    os.utime(foreign, (two_days_ago, two_days_ago))
    assert KEY not in cache
    assert cache.read(KEY) is None
    assert old.exists()
    cache.write(other, NUMBERS)
    assert fresh.exists()
    assert foreign.exists()
    assert not old.exists()


def write_often(folder: Path, value: int) -> None:
    cache = ArrayCache(folder)
    for _ in range(30):
        cache.write(KEY, np.full(5000, value))


def test_two_writers_and_a_reader_of_one_key_do_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = ArrayCache(tmp_path)
    cache.write(KEY, np.full(5000, 0))
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_often, args=(tmp_path, value)) for value in (1, 2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found = cache.read(KEY)
        assert found is not None
        assert (found == found[0]).all()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    found = cache.read(KEY)
    assert found is not None
    assert found[0] in (1, 2)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [KEY[2:]]
    assert not caplog.records


PARTS = st.lists(st.text(), max_size=4)


@given(first=PARTS, second=PARTS)
def test_keys_are_equal_only_for_equal_parts(first: list[str], second: list[str]) -> None:
    assert (digest(*first) == digest(*second)) == (first == second)


@pytest.mark.parametrize(
    ("first", "second"),
    [(("ab", "c"), ("a", "bc")), (("a",), ("a", "")), (("1:a",), ("a",)), ((), ("",)), (("a1:b",), ("a", "b"))],
)
def test_the_split_into_parts_counts(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert digest(*first) != digest(*second)


def test_a_key_stays_the_same_from_run_to_run_and_takes_odd_file_names() -> None:
    assert digest("a", "b") == hashlib.sha256(b"1:a1:b").hexdigest()
    assert digest("\udcff") != digest("\udcfe")


def test_the_folder_is_the_given_one_or_the_environments_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/caches")
    monkeypatch.setenv("LIGHTMANNET_CACHE", "/elsewhere")
    assert cache_folder("~/mine") == Path("/home/somebody/mine")
    assert cache_folder() == Path("/elsewhere")
    monkeypatch.delenv("LIGHTMANNET_CACHE")
    assert cache_folder() == Path("/var/caches/lightmannet")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/somebody/.cache/lightmannet")
