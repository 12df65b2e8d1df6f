"""A clip without a face gets no class, and every output says what the model has learned from and how it scores."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.rendered.camera import Camera
from data_modules.rendered.face import draw_face
from data_modules.rendered.scene import Scene, State, at_rest
from data_modules.video.crop import WholeFrame
from lightmannet.commands.demo import answer_for
from lightmannet.commands.predict import predict
from lightmannet.inference.faces import count_faces
from lightmannet.inference.recogniser import load
from lightmannet.pictures.explanation import explain
from lightmannet.pictures.picture import picture_svg
from tests.bundles import moving_frames, write_film, write_small_bundle

TESTED = {
    "people": 3,
    "clips": 30,
    "uf1": 0.612,
    "uf1_interval": [0.5, 0.7],
    "uar": 0.6,
    "accuracy": 0.6,
    "calibration_error": 0.1,
}
LEARNED_FROM = "Learned from drawn faces only: nothing is known about real ones."
SCORE = "On 3 test drawn people (30 clips) its UF1 was 0.61 (95 % interval 0.50–0.70), with annotated intervals."
CANNOT_TELL = "Can't tell: No face was found. Film one face from the front."
GENERATOR = np.random.default_rng(0)
SKY = np.linspace(230, 120, 96)[:, None].repeat(96, 1)
HILLS = np.where(np.arange(96)[:, None] > 60 + 10 * np.sin(np.arange(96) / 9), 70.0, SKY)
CLIPS = {
    "noise": GENERATOR.integers(0, 256, (20, 96, 96)).astype(np.uint8),
    "landscape": np.stack([np.roll(HILLS, number // 2, 1) for number in range(20)]).astype(np.uint8),
    "still": moving_frames([0.0] * 20),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle", "supervised", tested=TESTED)


@pytest.mark.parametrize("kind", CLIPS)
def test_without_a_face_every_output_cannot_tell(
    kind: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, out = write_film(tmp_path / f"{kind}.mp4", CLIPS[kind]), tmp_path / "out"
    common = [str(film), f"--model={bundle}", "--interval=2,10,18"]
    assert predict([*common, f"--picture={out}", f"--video={out}", f"--output={tmp_path / 'answers.jsonl'}"]) == 0
    assert predict([*common, f"--output={tmp_path / 'answers.csv'}"]) == 0
    (line,) = map(json.loads, (tmp_path / "answers.jsonl").read_text().splitlines())
    (row,) = csv.DictReader((tmp_path / "answers.csv").open(newline=""))
    console = capsys.readouterr().out
    for decision, reason, learned_from, score in (
        (line["decision"] or "", line["reason"], line["model"]["learned_from"], line["model"]["score"]),
        (row["decision"], row["reason"], row["learned_from"], row["score"]),
    ):
        assert decision == ""
        assert reason.startswith(CANNOT_TELL)
        assert (learned_from, score) == (LEARNED_FROM, SCORE)
    assert (line["model"]["uf1"], line["model"]["uf1_interval"]) == (0.612, [0.5, 0.7])
    assert line["warnings"][0]["code"] == "no_face"
    assert f"{film}: {CANNOT_TELL}" in console
    assert f"  model: {LEARNED_FROM} {SCORE}" in console
    for name in (f"{kind}-answer.{suffix}" for suffix in ("png", "html", "mp4")):
        assert f"  written: {out / name}" in console
        assert (out / name).stat().st_size > 1000
    page = (out / f"{kind}-answer.html").read_text()
    assert f"{LEARNED_FROM} {SCORE}" in page
    assert page.index("No face was found") < page.index("<figure>")
    drawn = picture_svg(explain(load(bundle).examine(film), load(bundle).network))
    assert "No face was found" in drawn
    assert "nothing is known about real ones" in drawn
    html, _ = answer_for(load(bundle), str(film), (None, None, None), lambda share, message: None)
    assert "No face was found" in html
    assert LEARNED_FROM in html


def test_where_no_face_was_looked_for_that_is_the_first_warning(bundle: Path) -> None:
    answer = load(bundle, any_face=True).predict(CLIPS["landscape"], (2, 10, 18), 200)
    assert answer.warnings[0].message == "No face was looked for: the whole frame was taken for one."
    assert answer.warnings[0].severity == "warning"


def test_a_bundle_without_a_recorded_score_says_so(tmp_path: Path) -> None:
    facts = load(write_small_bundle(tmp_path / "bundle", corpus="CASME II", synthetic=False)).facts
    assert facts.learned_from == (
        "Learned from CASME II: nothing is known about people, cameras and rooms unlike its own."
    )
    assert facts.score == "Its score is not recorded in this bundle; see card.md."


@pytest.mark.parametrize("border", [0.0, 0.5])
def test_drawn_faces_are_found_and_other_things_are_not(border: float) -> None:
    for seed in range(3):
        scene = Scene(draw_face(np.random.default_rng(seed)), Camera(128))
        frame = scene.render(State(at_rest()), np.random.default_rng(seed))
        side = round(128 * border / 2)
        wide = cv2.copyMakeBorder(frame, side, side, 2 * side, 2 * side, cv2.BORDER_CONSTANT, value=(90, 90, 90))
        assert count_faces(wide.astype(np.uint8), WholeFrame()) == 1
    for frames in CLIPS.values():
        assert count_faces(frames[0][..., None], WholeFrame()) == 0
