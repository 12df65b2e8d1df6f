"""Answers for many clips: faults are ignored, a killed run is gone on with."""

import json
from pathlib import Path

import pytest

from lightmannet.commands.predict import predict
from lightmannet.errors import ClipError, ConfigurationError
from lightmannet.inference.look import look
from tests.bundles import moving_frames, rise_and_fall, write_film, write_folder, write_small_bundle

FRAMES = moving_frames(rise_and_fall(25, 3.0), size=64)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_small_bundle(tmp_path / "bundle")
    for name in ("a", "b"):
        write_folder(tmp_path / "clips" / name, FRAMES)
    return tmp_path


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_batch_goes_on_after_faults_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "clips" / "broken.mp4").write_bytes(b"no video")
    (folder / "empty").mkdir()
    code = predict(["clips", "missing.mp4", "empty", "--model", "bundle", "--fps", "100", "--output", "out/a.jsonl"])
    said = capsys.readouterr()
    assert code == 1
    assert "2 answered, 3 failed" in said.err
    assert "broken.mp4: cannot be read as a video" in said.err
    assert "missing.mp4: no such file or folder" in said.err
    assert "empty: is empty or holds neither videos nor images" in said.err
    written = [line["clip"] for line in lines(folder / "out/a.jsonl")]
    assert written == ["clips/a", "clips/b", "clips/broken.mp4", "missing.mp4"]
    assert said.out.count("clips/a: ") == 1


def test_where_nothing_can_be_written_no_clip_is_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "file").write_text("no folder")
    for option in ("--output", "--picture", "--video"):
        with pytest.raises(ConfigurationError, match=rf"{option} file/below: cannot be written \(\w.*\); use another"):
            predict(["clips", "--model", "bundle", option, "file/below"])
    assert "clips/a" not in capsys.readouterr().out
    assert (folder / "file").read_text() == "no folder"


def test_nothing_is_said_of_databases(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "clips" / "a" / "img7.png").write_bytes(b"damaged")
    write_folder(folder / "mixed", FRAMES[:3])
    write_folder(folder / "other", FRAMES[:1, :40])
    (folder / "other" / "img1.png").rename(folder / "mixed" / "img2.png")
    (folder / "empty.mp4").touch()
    names = ["missing.mp4", "clips/a", "mixed", "empty.mp4", "a.txt", "x" * 300]
    (folder / "a.txt").touch()
    assert predict([*names, "--model", "bundle", "--fps", "100"]) == 2
    said = capsys.readouterr().err
    assert said.count("error: ") == len(names)
    assert "missing.mp4: no such file or folder; check the name" in said
    assert "img7.png" in said
    assert "File name too long" in said
    assert "database" not in said
    assert "annotation" not in said


def test_exit_codes(folder: Path) -> None:
    assert predict(["clips/a", "--model", "bundle", "--fps", "100"]) == 0
    assert predict(["missing.mp4", "--model", "bundle"]) == 2


def test_a_killed_run_is_gone_on_with(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["clips", "--model", "bundle", "--fps", "100", "--output", "out.jsonl"]
    assert predict(words) == 0
    first, second = (folder / "out.jsonl").read_text().splitlines(keepends=True)
    (folder / "out.jsonl").write_text(first + second[:40])  # killed while it wrote
    capsys.readouterr()
    assert predict(words) == 0
    assert "1 answered, 1 skipped" in capsys.readouterr().err
    again = lines(folder / "out.jsonl")
    assert [line["clip"] for line in again] == ["clips/a", "clips/b"]
    assert again[1]["probabilities"] == json.loads(second)["probabilities"]


def test_answers_of_another_bundle_are_not_mixed(folder: Path) -> None:
    words = ["clips/a", "--fps", "100", "--output", "out.jsonl"]
    predict([*words, "--model", "bundle"])
    write_small_bundle(folder / "other", threshold=0.5)
    with pytest.raises(ConfigurationError, match="contains answers of another bundle"):
        predict([*words, "--model", "other"])
    (folder / "out.jsonl").write_text("my notes\n")
    with pytest.raises(ConfigurationError, match="contains something other than answers"):
        predict([*words, "--model", "bundle"])
    assert (folder / "out.jsonl").read_text() == "my notes\n"


def test_a_table_gives_clips_and_intervals(folder: Path) -> None:
    (folder / "clips.csv").write_text("path,onset,apex,offset\nclips/a,3,12,20\nclips/b,,,\n")
    assert predict(["clips.csv", "--model", "bundle", "--fps", "100", "--output", "out.jsonl"]) == 0
    a, b = (line["interval"] for line in lines(folder / "out.jsonl"))
    assert isinstance(a, dict)
    assert isinstance(b, dict)
    assert (a["onset"], a["apex"], a["offset"], a["source"]) == (3, 12, 20, "given")
    assert b["source"] == "spotted"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "path,onset,apex,offset\nclips/a,3,x,20\n",
            "row 2: apex is 'x'; onset, apex and offset must be three whole numbers",
        ),
        ("name\nclips/a\n", "its first line must be path,label,onset,apex,offset"),
    ],
)
def test_a_faulty_table_is_a_clear_error(
    text: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "clips.csv").write_text(text)
    assert predict(["clips.csv", "--model", "bundle"]) == 2
    assert message in capsys.readouterr().err


def test_an_interval_must_be_three_numbers(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="--interval 1,2: three frame numbers are expected"):
        predict(["clips/a", "--model", "bundle", "--interval", "1,2"])


def test_adapting_tells_what_it_gained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(folder / "mine" / "negative" / "1", FRAMES)
    with pytest.raises(ClipError, match="all clips show negative; adapting needs at least two classes"):
        predict(["clips/a", "--model", "bundle", "--support", "mine"])
    write_film(folder / "mine" / "1.mp4", FRAMES)
    (folder / "mine.csv").write_text("path,label\nmine/1.mp4,Positive\nmine/negative/1,negative\n")
    assert predict(["clips/a", "--model", "bundle", "--support", "mine.csv", "--fps", "100"]) == 0
    assert "adapted: leave-one-out over your 2 clips: " in capsys.readouterr().err
    (folder / "mine.csv").write_text("path,label\nmine/1.mp4,contempt\n")
    with pytest.raises(
        ClipError, match="labelled 'contempt', which is not a class; the classes are negative, positive"
    ):
        predict(["clips/a", "--model", "bundle", "--support", "mine.csv"])
    write_small_bundle(folder / "plain", "supervised")
    with pytest.raises(ConfigurationError, match="Supervised, does not adapt, so labelled clips cannot help"):
        predict(["clips/a", "--model", "plain", "--support", "mine.csv"])


def test_a_clip_that_was_replaced_or_has_other_options_is_answered_again(folder: Path) -> None:
    run = ["clips", "--model=bundle", "--fps=100", "--output=out.jsonl"]
    predict(run)
    assert len(lines(folder / "out.jsonl")) == 2
    predict(run)
    assert len(lines(folder / "out.jsonl")) == 2
    predict([*run[:2], "--fps=200", run[3]])
    assert len(lines(folder / "out.jsonl")) == 4
    (folder / "clips" / "a" / "img3.png").write_bytes((folder / "clips" / "b" / "img9.png").read_bytes())
    predict(run)
    assert [line["clip"] for line in lines(folder / "out.jsonl")][4:] == ["clips/a"]


def test_the_console_says_what_the_model_has_learned_from(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict(["clips/a", "--model=bundle", "--fps=100"])
    assert "model: Learned from drawn faces only (made): nothing is known about real ones." in capsys.readouterr().out


def test_one_file_that_breaks_a_decoder_does_not_end_the_batch(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(clip: Path, *more: object) -> object:
        if clip.name == "a":
            raise ValueError("impossible stride")
        return look(clip, *more)  # type: ignore[arg-type]

    monkeypatch.setattr("lightmannet.inference.recogniser.look", broken)
    assert predict(["clips", "--model", "bundle", "--fps", "100"]) == 1
    said = capsys.readouterr()
    assert "clips/a: cannot be recognised (ValueError: impossible stride)" in said.err
    assert "clips/b: " in said.out


def test_pictures_have_the_names_of_their_clips(folder: Path) -> None:
    write_folder(folder / "other" / "a", FRAMES)
    assert predict(["clips/a", "other/a", "clips/a", "--model", "bundle", "--picture", "out"]) == 0
    names = {path.name for path in (folder / "out").iterdir()}
    assert names == {
        f"{name}.{kind}" for name in ("a-answer", "other-a-answer", "clips-a-answer") for kind in ("png", "html")
    }
