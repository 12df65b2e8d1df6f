"""A clip without a face gets no class, and every output says so and what the model has learned from."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from data_modules.video.faces import find_faces
from lightmannet.commands.predict import predict
from lightmannet.inference import look
from lightmannet.inference.recogniser import load
from lightmannet.pictures.explanation import explain
from lightmannet.pictures.picture import picture_svg
from tests.bundles import moving_frames, write_film, write_small_bundle

SCORE = {"uf1": 0.612, "low": 0.5, "high": 0.7, "people": 3, "clips": 30}
LEARNED_FROM = "Learned from drawn faces only (made): nothing is known about real ones."
CANNOT_TELL = "Can't tell: no face was found in the first frame."
SKY = np.linspace(230, 120, 96)[:, None].repeat(96, 1)
HILLS = np.where(np.arange(96)[:, None] > 60 + 10 * np.sin(np.arange(96) / 9), 70.0, SKY)
CLIPS = {
    "noise": np.random.default_rng(0).integers(0, 256, (20, 96, 96)).astype(np.uint8),
    "landscape": np.stack([np.roll(HILLS, number // 2, 1) for number in range(20)]).astype(np.uint8),
    "still": moving_frames([0.0] * 20),
}


@pytest.mark.parametrize("kind", CLIPS)
def test_without_a_face_every_output_cannot_tell(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "find_faces", find_faces)  # the detector itself
    bundle = write_small_bundle(tmp_path / "bundle", "supervised", score=SCORE)
    film, out = write_film(tmp_path / f"{kind}.mp4", CLIPS[kind]), tmp_path / "out"
    common = [str(film), f"--model={bundle}", "--interval=2,10,18"]
    assert predict([*common, f"--picture={out}", f"--output={tmp_path / 'answers.jsonl'}"]) == 0
    assert predict([*common, f"--output={tmp_path / 'answers.csv'}"]) == 0
    (line,) = map(json.loads, (tmp_path / "answers.jsonl").read_text().splitlines())
    (row,) = csv.DictReader((tmp_path / "answers.csv").open(newline=""))
    for answer in (line, row):
        assert not answer["decision"]
        assert answer["reason"].startswith(CANNOT_TELL)
        assert answer["learned_from"] == LEARNED_FROM
        assert "UF1 0.61, 95 % interval 0.50 to 0.70" in answer["score"]
    assert line["warnings"][0]["code"] == "no_face"
    console = capsys.readouterr().out
    assert CANNOT_TELL in console
    assert LEARNED_FROM in console
    (page,) = out.glob("*.html")
    text = page.read_text()
    assert "no face was found" in text
    assert LEARNED_FROM in text
    assert text.index("no face was found") < text.index("<figure>")
    recogniser = load(bundle)
    drawn = picture_svg(explain(recogniser.examine(film), recogniser.network))
    assert "no face was found" in drawn
    assert "nothing is known about real ones" in drawn
