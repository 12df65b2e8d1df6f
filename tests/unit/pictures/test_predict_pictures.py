import json
from pathlib import Path

import pytest

from lightmannet.commands.predict import ALL, NOTHING, SOME, predict
from tests.bundles import moving_frames, rise_and_fall, write_film, write_folder, write_small_bundle


def test_each_answer_is_drawn_under_a_name_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_small_bundle(tmp_path / "bundle", "supervised")
    for folder in ("one", "two"):
        (tmp_path / "clips" / folder).mkdir(parents=True)
    film = write_film(tmp_path / "clips" / "one" / "clip.mp4", moving_frames(rise_and_fall(20, 3.0), size=64))
    (tmp_path / "clips" / "two" / "clip.mp4").write_bytes(film.read_bytes())
    words = [str(tmp_path / "clips"), f"--model={bundle}", f"--picture={tmp_path / 'out'}", "--output=-"]
    assert predict(words) == ALL
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(names) == 4
    assert {Path(name).suffix for name in names} == {".png", ".html"}
    drawn = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert predict([str(tmp_path / "clips"), f"--model={bundle}", "--output=-"]) == ALL
    plain = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for with_picture, without in zip(drawn, plain, strict=True):
        assert with_picture["probabilities"] == pytest.approx(without["probabilities"], abs=1e-6)
        assert with_picture["decision"] == without["decision"]


def test_a_clip_that_cannot_be_read_is_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_small_bundle(tmp_path / "bundle", "supervised")
    good = write_film(tmp_path / "good.mp4", moving_frames(rise_and_fall(20, 3.0), size=64))
    (tmp_path / "bad.mp4").write_text("no video")
    words = [str(tmp_path / "bad.mp4"), str(good), f"--model={bundle}", f"--picture={tmp_path / 'out'}"]
    assert predict(words) == SOME
    assert "bad.mp4: cannot be read as a video" in capsys.readouterr().err
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_answers_written_among_the_clips_are_no_clips_the_next_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bundle = write_small_bundle(tmp_path / "bundle", "supervised")
    clips = tmp_path / "clips"
    clips.mkdir()
    write_film(clips / "clip.mp4", moving_frames(rise_and_fall(20, 3.0), size=64))
    words = [str(clips), f"--model={bundle}", f"--picture={clips}", f"--video={clips}", "--output=-"]
    for _ in range(2):
        assert predict(words) == ALL
        assert len(capsys.readouterr().out.splitlines()) == 1
    assert sorted(path.name for path in clips.iterdir()) == [
        *(f"clip-answer.{suffix}" for suffix in ("html", "mp4", "png")),
        "clip.mp4",
    ]
    assert caplog.messages[-1].endswith(
        "answers that lightmannet wrote are ignored: clip-answer.html, clip-answer.mp4, clip-answer.png"
    )


@pytest.mark.parametrize("option", ["picture", "video"])
def test_an_answer_is_not_written_among_the_frames_of_its_clip(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_small_bundle(tmp_path / "bundle", "supervised")
    clip = write_folder(tmp_path / "clip", moving_frames(rise_and_fall(20, 3.0), size=64))
    assert predict([str(clip), f"--model={bundle}", f"--{option}={clip}"]) == NOTHING
    assert f"clip: --{option} is the folder of this clip" in capsys.readouterr().err
    assert len(list(clip.iterdir())) == 20
