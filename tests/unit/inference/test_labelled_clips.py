"""Which clips a user names."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from lightmannet.errors import ClipError
from lightmannet.inference.labelled_clips import Wanted, labelled_clips, wanted_clips

CLASSES = ("negative", "positive")


def touch(folder: Path, *names: str) -> Path:
    """Make empty files: nothing is opened before a clip is answered for."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def named(source: Path, root: Path) -> list[str]:
    """Return the clips that a path names, relative to the root."""
    clips = list(wanted_clips(source))
    assert all(isinstance(clip, Wanted) for clip in clips)
    return [os.path.relpath(clip.path, root) for clip in clips if isinstance(clip, Wanted)]


# --- Folders ---


def test_a_picture_beside_videos_does_not_hide_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, "IMG_1.MOV", "IMG_1.JPG", "IMG_2.MOV", "IMG_2.JPG", "b.mp4-1a2b3c.png", "c/1.png", "c/2.png")
    assert named(tmp_path, tmp_path) == ["IMG_1.MOV", "IMG_2.MOV", "c"]
    assert caplog.messages == [
        f"{tmp_path}: images next to videos or folders of clips are ignored, as they are not a clip: "
        "IMG_1.JPG, IMG_2.JPG, b.mp4-1a2b3c.png"
    ]


def test_answers_are_no_clips_but_clips_of_such_names_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, "question-answer.mp4", "a/1.png", "a/2.png", "b/1.png", "b/b-answer.png", "b/b-answer.html")
    (tmp_path / "film-answer.mp4").write_bytes(b"... film of an answer by lightmannet ...")
    first, *others = wanted_clips(tmp_path)
    assert [clip.path.name for clip in (first, others[1]) if isinstance(clip, Wanted)] == ["a", "question-answer.mp4"]
    assert str(others[0]) == (
        f"{tmp_path / 'b'}: b-answer.html, b-answer.png among its frames is an answer, not a frame; move it elsewhere"
    )
    assert f"{tmp_path}: answers that lightmannet wrote are ignored: film-answer.mp4" in caplog.messages
    only = touch(tmp_path / "only", "c-answer.png", "c-answer.html")
    with pytest.raises(ClipError, match=r"only answers of lightmannet: c-answer\.html, c-answer\.png"):
        list(wanted_clips(only))


@pytest.mark.parametrize(
    ("names", "clips"),
    [
        (["1.png", "2.png"], ["."]),
        (["1.png"], ["."]),
        (["1.png", "2.png", "more/1.png", "more/2.png"], [".", "more"]),
        (["overview.png", "a/1.png", "a/2.png", "b/1.png", "b/2.png"], ["a", "b"]),
        (["a/b/x.mp4", "a/y.avi", "z.mkv"], ["a/b/x.mp4", "a/y.avi", "z.mkv"]),
        (["a/1.png", "b.mp4", "c/1.png"], ["a", "b.mp4", "c"]),
        (["1.png", "2.png", "empty/x/notes.txt"], ["."]),
    ],
)
def test_a_folder_of_several_kinds_is_several_clips(names: Sequence[str], clips: Sequence[str], tmp_path: Path) -> None:
    assert named(touch(tmp_path, *names), tmp_path) == clips


def test_files_of_unknown_type_and_folders_without_clips_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "a.mp4", "b.heic", "notes.txt", ".hidden", "Thumbs.db", "c/d.ts")
    assert named(tmp_path, tmp_path) == ["a.mp4"]
    assert caplog.messages == [
        f"{tmp_path}: files of unknown type are ignored: b.heic, notes.txt",
        f"{tmp_path}: no clip is in the folders: c",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_of_many_files_five_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, "a.mp4", *(f"{number}.heic" for number in range(8)))
    named(tmp_path, tmp_path)
    assert caplog.messages[0].endswith("0.heic, 1.heic, 2.heic, 3.heic, 4.heic and 3 more")


def test_a_folder_without_clips_says_what_lies_in_it(tmp_path: Path) -> None:
    with pytest.raises(
        ClipError, match="is empty or holds neither videos nor images; name a clip, or a folder of clips"
    ):
        list(wanted_clips(tmp_path))
    touch(tmp_path, "a.heic")
    with pytest.raises(ClipError, match=r"neither videos nor images \(only a\.heic, of unknown type\); name a clip"):
        list(wanted_clips(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_subfolder_that_cannot_be_listed_is_one_error(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.png", "b.mp4")
    (tmp_path / "a").chmod(0)
    try:
        error, clip = wanted_clips(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o700)
    assert isinstance(error, ClipError)
    assert "cannot be listed" in str(error)
    assert clip == Wanted(tmp_path / "b.mp4")


def test_paths_may_start_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    touch(tmp_path, "clips/a.mp4", "mine/positive/a.mp4")
    (tmp_path / "clips.csv").write_text("path,label\n~/clips/a.mp4,positive\n")
    assert named(Path("~/clips"), tmp_path) == named(Path("~/clips.csv"), tmp_path) == ["clips/a.mp4"]
    assert list(wanted_clips("~/a.mp4")) == [Wanted(tmp_path / "a.mp4")]
    assert labelled_clips("~/mine", CLASSES) == [Wanted(tmp_path / "mine/positive/a.mp4", "positive")]


# --- Labels ---


def test_a_folder_per_class_gives_labels_and_names_what_it_passes_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "Negative/a.mp4", "Negative/a.heic", "positive/1.png", "positive/2.png", "b.mp4")
    assert labelled_clips(tmp_path, CLASSES) == [
        Wanted(tmp_path / "Negative/a.mp4", "negative"),
        Wanted(tmp_path / "positive", "positive"),
    ]
    assert caplog.messages == [
        f"{tmp_path}: files outside the classes' folders are ignored: b.mp4",
        f"{tmp_path / 'Negative'}: files of unknown type are ignored: a.heic",
    ]


def test_a_clip_without_a_label_or_with_another_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path\nx.mp4\n")
    with pytest.raises(ClipError, match=r"a\.csv: x\.mp4 has no label; the classes are negative, positive"):
        labelled_clips(tmp_path / "a.csv", CLASSES)
    (tmp_path / "a.csv").write_text("path,label\nx.mp4,contempt\n")
    with pytest.raises(
        ClipError, match="labelled 'contempt', which is not a class; the classes are negative, positive"
    ):
        labelled_clips(tmp_path / "a.csv", CLASSES)
    with pytest.raises(ClipError, match=r"a workbook \(\.xlsx, \.xls\) or \.csv is expected"):
        labelled_clips(touch(tmp_path, "a.mp4") / "a.mp4", CLASSES)
    (tmp_path / "b").mkdir()
    with pytest.raises(ClipError, match="contains no labelled clip; make a subfolder for each of negative, positive"):
        labelled_clips(tmp_path / "b", CLASSES)


# --- Tables ---


@pytest.mark.parametrize(
    "text",
    [
        "path,label,onset,apex,offset\na.mp4,positive,3,12,20\nb.mp4,,,,\n",
        "Path , LABEL,Onset Frame,apex_frame,OffsetFrame\na.mp4,positive,3.0,12.0,20.0\n\nb.mp4,,NaN,nan,/\n,,,,\n",
        "\ufeffpath;label;onset;apex;offset\r\na.mp4;positive;3;12;20\r\nb.mp4;;-;-;-\r\n",
        "offset\tapex\tonset\tclass\tvideo\n20\t12\t3\tpositive\ta.mp4\n\t\t\t\tb.mp4\n",
    ],
)
def test_a_table_is_read_whatever_program_wrote_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text(text, encoding="utf-8")
    assert list(wanted_clips(tmp_path / "clips.csv")) == [
        Wanted(tmp_path / "a.mp4", "positive", (3, 12, 20)),
        Wanted(tmp_path / "b.mp4"),
    ]


def test_a_workbook_is_a_table_too(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (("path", "onset", "apex", "offset"), ("a.mp4", 3, 12.0, "20"), (7, None, None, None)):
        book.active.append(row)
    book.save(tmp_path / "clips.xlsx")
    assert list(wanted_clips(tmp_path / "clips.xlsx")) == [
        Wanted(tmp_path / "a.mp4", "", (3, 12, 20)),
        Wanted(tmp_path / "7"),
    ]


def test_columns_that_are_not_used_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "clips.csv").write_text("path,onsett,subject,apex\na.mp4,,s1,\n")
    assert list(wanted_clips(tmp_path / "clips.csv")) == [Wanted(tmp_path / "a.mp4")]
    assert caplog.messages == [f"{tmp_path / 'clips.csv'}: columns are not used: onsett, subject"]


def test_all_faulty_rows_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("path,onset,apex,offset\na,1,x,3\nb,1,/,3\n,1,2,3\nc,1,2.5,3\nd,1,2,3\n")
    with pytest.raises(ClipError) as raised:
        list(wanted_clips(tmp_path / "clips.csv"))
    text = str(raised.value)
    assert text.startswith(f"{tmp_path / 'clips.csv'}: 4 faults")
    assert "row 2: apex is 'x'; onset, apex and offset must be three whole numbers, or all empty" in text
    assert "row 3: apex missing; onset, apex and offset must be three whole numbers, or all empty" in text
    assert "row 4: path is empty" in text
    assert "row 5: apex is '2.5'; onset" in text


def test_a_table_without_a_column_of_paths_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("name,onset\na.mp4,1\n")
    with pytest.raises(ClipError, match=r"'path'.*is expected .*; its first line must be path,label,onset,apex,offset"):
        list(wanted_clips(tmp_path / "clips.csv"))
    with pytest.raises(ClipError, match="no such file"):
        list(wanted_clips(tmp_path / "missing.csv"))
