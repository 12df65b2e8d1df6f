"""One's own clips, in a folder or in a table."""

import math
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openpyxl
import pytest

from data_modules.annotations import NO_SUBJECT
from data_modules.clip_corpus import ClipCorpus
from data_modules.databases.folder import FolderDatabase
from data_modules.databases.registry import own_reader
from data_modules.databases.table import TableDatabase
from data_modules.protocols import LeaveOneSubjectOut, SubjectKFold
from data_modules.representations.flow_image import ApexFlow
from data_modules.video.frames import open_frames
from lightmannet.errors import ConfigurationError, DataError
from tests.bundles import moving_frames, write_film, write_folder

FRAMES = moving_frames([0.0, 1.0, 2.0], size=32)


def corpus(*readers: Any, folder: Path, **options: Any) -> ClipCorpus:
    made: dict[str, Any] = {
        "micro": list(readers),
        "scheme": "labels",
        "representation": ApexFlow(method="dis"),
    } | options
    return ClipCorpus(**made, cache=str(folder / "cache"), workers=0)


def picture(path: Path, number: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), FRAMES[number])


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A video, a folder of frames, and pairs in two ways, of two people."""
    root = tmp_path / "my clips"
    (root / "anna" / "Glad").mkdir(parents=True)
    write_film(root / "anna" / "Glad" / "1.mp4", FRAMES, fps=50)
    write_folder(root / "anna" / "sad" / "2", FRAMES, first=7)
    for name, number in (("a_onset", 0), ("a_apex", 2), ("b-neutral", 0), ("b-apex", 1)):
        picture(root / "ben" / "glad" / f"{name}.png", number)
    for name, number in (("onset", 0), ("apex", 2)):
        picture(root / "ben" / "sad" / "3" / f"{name}.png", number)
    (root / "notes.txt").touch()
    return root


# --- Folders ---


def test_videos_folders_of_frames_and_pairs_are_clips(clips: Path) -> None:
    table = FolderDatabase(str(clips)).table()
    found = {row.clip_id: (row.emotion, row.onset, row.apex, row.offset, row.fps) for row in table.rows}
    nan = pytest.approx(math.nan, nan_ok=True)
    assert found == {
        "my_clips/anna/Glad-1.mp4": ("Glad", 0, None, 2, 50.0),
        "my_clips/anna/sad-2": ("sad", 7, None, 9, nan),
        "my_clips/ben/glad-a": ("glad", 0, 1, 1, nan),
        "my_clips/ben/glad-b": ("glad", 0, 1, 1, nan),
        "my_clips/ben/sad-3": ("sad", 0, 1, 1, nan),
    }
    assert {row.subject_id for row in table.rows} == {"my_clips/anna", "my_clips/ben"}
    assert any("files of unknown type are ignored: notes.txt" in note for note in table.notes)


def test_each_label_is_a_class_and_a_pair_shows_its_motion(clips: Path, tmp_path: Path) -> None:
    found = corpus(FolderDatabase(str(clips)), folder=tmp_path, missing_apex="motion").load()
    assert found.classes == ("glad", "sad")
    assert found.micro.labels.tolist() == [0, 1, 0, 0, 1]
    moved = found.micro.inputs[:, 0, :2].abs().amax((1, 2, 3))
    assert (moved > 0).all()
    assert moved[2] > moved[3]  # two pixels, and one


def test_clips_without_a_subject_are_read_and_train_nothing(tmp_path: Path) -> None:
    for label in ("glad", "sad"):
        write_folder(tmp_path / "mine" / label / "1", FRAMES)
    reader = FolderDatabase(str(tmp_path / "mine"))
    table = reader.table()
    assert {row.subject for row in table.rows} == {NO_SUBJECT}
    assert any("no subject is named" in note for note in table.notes)
    found = corpus(reader, folder=tmp_path).load().micro
    for protocol in (SubjectKFold(k=2), LeaveOneSubjectOut()):
        with pytest.raises(ConfigurationError, match=r"2 of 2 clips name no subject.*different people: a network rec"):
            protocol.check(found, ("glad", "sad"))
        with pytest.raises(ConfigurationError, match="2 of 2 clips name no subject"):
            protocol.fold(found, 0)


def test_a_subject_may_stand_in_the_clip_s_name(tmp_path: Path) -> None:
    for name in ("s01_1", "s02_1"):
        write_folder(tmp_path / "mine" / "glad" / name, FRAMES)
    table = FolderDatabase(str(tmp_path / "mine"), subject="(s[0-9]+)_").table()
    assert [row.subject for row in table.rows] == ["s01", "s02"]
    with pytest.raises(DataError, match=r"glad/s01_1: its name does not match subject: 'p\(\.\)'"):
        FolderDatabase(str(tmp_path / "mine"), subject="p(.)").table()


def test_folders_may_name_the_class_first(tmp_path: Path) -> None:
    write_folder(tmp_path / "mine" / "glad" / "anna" / "1", FRAMES)
    (row,) = FolderDatabase(str(tmp_path / "mine"), layout="class/subject/clip").table().rows
    assert (row.subject, row.emotion) == ("anna", "glad")
    with pytest.raises(DataError, match=r"glad/anna/1: class/clip is expected; move the clip, or set layout"):
        FolderDatabase(str(tmp_path / "mine"), layout="class/clip").table()


def test_clips_at_several_depths_are_named(clips: Path) -> None:
    (clips / "glad").mkdir()
    write_film(clips / "glad" / "deep.mp4", FRAMES)
    write_folder(clips / "a" / "b" / "c" / "d", FRAMES)
    with pytest.raises(DataError) as caught:
        FolderDatabase(str(clips)).table()
    message = str(caught.value)
    assert "class/clip or subject/class/clip is expected, the same for all clips: 3 faults" in message
    for line in ("glad/deep.mp4: class/clip", "a/b/c/d: too deep", "anna/Glad/1.mp4: subject/class/clip"):
        assert line in message


def test_macro_expressions_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    for kind, labels in (("micro", ("glad", "sad")), ("macro", ("glad", "angry"))):
        for label in labels:
            write_folder(tmp_path / "mine" / kind / "anna" / label / "1", FRAMES)
    reader = FolderDatabase(str(tmp_path / "mine"))
    assert reader.kinds() == ("micro", "macro")
    assert reader.labels() == ("glad", "sad")
    found = corpus(reader, folder=tmp_path, macro=[reader]).load()
    assert found.classes == ("glad", "sad")
    assert found.macro is not None
    assert found.macro.ids == ("mine/anna/macro-glad-1",)  # nobody is angry in a micro-expression


def test_a_folder_without_a_clip_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty or holds neither videos nor images"):
        FolderDatabase(str(tmp_path)).table()


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="layout: 'clip' is not one of class/clip, subject/class/clip"):
        FolderDatabase("x", layout="clip")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"subject: '\(' is no regular expression"):
        FolderDatabase("x", subject="(")
    with pytest.raises(ConfigurationError, match="subject: 's' has no group that is the subject"):
        FolderDatabase("x", subject="s")
    with pytest.raises(ConfigurationError, match="name: 'a/b' becomes part of ids"):
        FolderDatabase("x", name="a/b")


def test_a_root_may_be_named_by_the_environment(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OWN_CLIPS", raising=False)
    with pytest.raises(DataError, match=r"(?s)no root folder is given.*configs/data/folder\.yaml.*OWN_CLIPS"):
        FolderDatabase().table()
    monkeypatch.setenv("OWN_CLIPS", str(clips))
    assert len(FolderDatabase().table().rows) == 5


def test_clips_may_be_links_to_elsewhere(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", FRAMES)
    (tmp_path / "mine" / "anna" / "glad").mkdir(parents=True)
    os.symlink(tmp_path / "film.mp4", tmp_path / "mine" / "anna" / "glad" / "1.mp4")
    assert len(FolderDatabase(str(tmp_path / "mine")).table().rows) == 1


# --- Tables ---


def write(path: Path, *lines: str) -> TableDatabase:
    path.write_text("\n".join(lines) + "\n")
    return TableDatabase(str(path))


def test_a_table_says_who_what_and_when(clips: Path) -> None:
    write_film(clips / "long.mp4", moving_frames([0.0] * 12, size=32), fps=25)
    reader = write(
        clips / "own.csv",
        "Path;Person;Class;Onset Frame;Apex;offset;AUs;fps;rating",
        "long.mp4;anna;glad;0;2;4;6+12;;high",
        "long.mp4;anna;sad;6;/;10;;;",
        "anna/sad/2;anna;sad;;;;4;200;",
    )
    first, second, third = reader.table().rows
    assert (first.clip_id, first.onset, first.apex, first.offset) == ("own/anna/long.mp4", 0, 2, 4)
    assert ([unit.number for unit in first.action_units], first.fps) == ([6, 12], 25.0)
    assert (second.clip_id, second.onset, second.apex, second.offset) == ("own/anna/long.mp4@6", 6, None, 10)
    assert (third.clip_id, third.onset, third.offset, third.fps) == ("own/anna/anna-sad-2", 7, 9, 200.0)


def test_a_workbook_and_pairs_and_macro_expressions_are_read(clips: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["path", "neutral", "subject", "label", "kind"],
        ["ben/sad/3/apex.png", "ben/sad/3/onset.png", 7, 1, "macro"],
        [str(clips / "anna" / "Glad" / "1.mp4"), None, 8, 2, None],
    ):
        sheet.append(row)
    book.save(clips / "own.xlsx")
    pair, film = TableDatabase(str(clips / "own.xlsx")).table().rows
    assert (pair.kind, pair.subject, pair.emotion, pair.onset, pair.apex) == ("macro", "7", "1", 0, 1)
    assert open_frames(pair.path, pair.root, neutral=pair.neutral).read([0, 1], "gray").shape == (2, 32, 32, 1)
    assert (film.kind, film.subject, film.emotion) == ("micro", "8", "2")


def test_each_row_s_fault_is_named(clips: Path) -> None:
    reader = write(
        clips / "own.csv",
        "path,subject,label,onset,offset,kind",
        "anna/Glad/1.mp4,anna,,,,",
        "anna/Glad/1.mp4,,glad,,,",
        "anna/Glad/1.mp4,anna,glad,soon,,",
        "anna/Glad/1.mp4,anna,glad,0,9,",
        "anna/Glad/1.mp4,anna,glad,,,huge",
        "anna/Glad/9.mp4,anna,glad,,,",
    )
    with pytest.raises(DataError) as caught:
        reader.table()
    for line in (
        "own.csv, row 2: label is empty; fill the cell, or remove the row",
        "own.csv, row 3: subject is empty",
        "own.csv, row 4: onset of clip anna/anna-Glad-1.mp4: a frame number is expected, 'soon' found",
        "row 5: clip anna/anna-Glad-1.mp4@0 spans frames 0 to 9, but 1.mp4 has 0 to 2",
        "own.csv, row 6: kind is 'huge'; micro or macro is expected",
        "9.mp4: no such file or folder",
    ):
        assert line in str(caught.value)


def test_a_table_without_subjects_is_read(clips: Path) -> None:
    (row,) = write(clips / "own.csv", "path,label", "anna/Glad/1.mp4,glad").table().rows
    assert row.subject == NO_SUBJECT


def test_what_is_no_table_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OWN_TABLE", raising=False)
    with pytest.raises(DataError, match=r"TableDatabase: no table is given\. Set `root:`, or .* OWN_TABLE"):
        TableDatabase().table()
    with pytest.raises(DataError, match="is no file; name a table"):
        TableDatabase(str(tmp_path / "gone.csv")).table()
    with pytest.raises(DataError, match="a header row with the columns 'path' or"):
        write(tmp_path / "own.csv", "who,what", "anna,glad").table()


def test_a_path_tells_its_reader(clips: Path) -> None:
    write(clips / "own.csv", "path,label")
    assert own_reader(str(clips)) is FolderDatabase
    assert own_reader(str(clips / "own.csv")) is TableDatabase
    assert own_reader(str(clips / "notes.txt")) is own_reader("nowhere") is None


def test_frames_of_a_pair_are_those_of_its_files(clips: Path) -> None:
    row = next(row for row in FolderDatabase(str(clips)).table().rows if row.clip == "sad-3")
    frames = open_frames(row.path, row.root, neutral=row.neutral).read(row.numbers, "gray")[..., 0]
    assert np.array_equal(frames, FRAMES[[0, 2]])
