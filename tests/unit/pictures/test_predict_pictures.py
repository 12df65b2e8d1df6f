import json
from pathlib import Path

import pytest

from lightmannet.commands.predict import ALL, SOME, predict
from tests.bundles import moving_frames, rise_and_fall, write_film, write_small_bundle


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
