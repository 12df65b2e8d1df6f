"""The film of an answer is the clip, with the answer below it from onset to offset."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from jaxtyping import UInt8

from data_modules.video.video_file import VideoFile
from lightmannet.commands.predict import SOME, predict
from lightmannet.errors import ClipError, ConfigurationError
from lightmannet.inference.answer import Answer, Interval, QualityWarning
from lightmannet.inference.clip_file import open_clip
from lightmannet.pictures.film import ASSUMED_FPS, SIDE, write_film
from tests.bundles import moving_frames, rise_and_fall, write_folder, write_small_bundle
from tests.bundles import write_film as write_clip

Film = UInt8[np.ndarray, "frame height width 3"]

FRAMES = moving_frames(rise_and_fall(16, 3.0), size=64)
WIDE = FRAMES[:, :32]
TOP = 320  # where the panel begins below a clip twice as wide as high
BARS = TOP + 46 + 24  # where its bars begin, below a headline and a line of warning
INTERVAL = Interval(5, 8, 12, 1.0, "micro", "spotted")
ANSWER = Answer(
    clip="somewhere/clip.mp4",
    interval=INTERVAL,
    classes=("negative", "positive", "surprise"),
    probabilities=(0.2, 0.7, 0.1),
    decision="positive",
    reason="",
    warnings=(QualityWarning("too_dark", "warning", "The face is dark; film it in more light."),),
    learned_from="Learned from drawn faces only (made): nothing is known about real ones.",
    score="Score on 40 clips of 3 people not trained on: UF1 0.54.",
    seconds={},
)
CANNOT_TELL = replace(ANSWER, decision=None, reason="Can't tell: the most likely class has a probability of 0.70.")
NOTHING = replace(ANSWER, interval=None, probabilities=(), decision=None, reason="Can't tell: nothing moves.")


def filmed(answer: Answer, clip: Path, fps: float | None = None) -> Film:
    """Return the frames of an answer's film."""
    path = clip.parent / "out" / "film.mp4"
    write_film(answer, open_clip(clip, fps), (), path)
    assert [file.name for file in path.parent.iterdir()] == ["film.mp4"]
    facts = VideoFile(path, path.parent).index
    assert facts.fps == (open_clip(clip, fps).fps or ASSUMED_FPS)
    assert not facts.variable
    reader = VideoFile(path, path.parent, backend="pyav")
    return reader.read(reader.numbers, "rgb")


@pytest.fixture(scope="module")
def positive(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """The film of an answer that names a class."""
    return filmed(ANSWER, write_clip(tmp_path_factory.mktemp("film") / "clip.mp4", WIDE, fps=50))


def different(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two pictures differ by more than compression makes them."""
    return bool((np.abs(first.astype(int) - second).max(-1) > 60).mean() > 0.002)


def blue(pixels: np.ndarray) -> np.ndarray:
    """Return where pixels have the colour of the class named."""
    return pixels[..., 2].astype(int) - pixels[..., 0] > 100


def test_the_film_has_the_clips_frames_at_its_rate(positive: Film) -> None:
    assert len(positive) == len(FRAMES)
    assert positive.shape[2] == SIDE
    for number in (0, 8, 15):  # each frame is that of the clip, and not its neighbour
        shown = cv2.resize(positive[number, 20:300, 20:620], (60, 28), interpolation=cv2.INTER_AREA)[..., 0]
        errors = [np.abs(shown.astype(int) - frame[2:30, 2:62]).mean() for frame in WIDE]
        assert errors[number] < 1.2 * min(errors)
        assert errors[number] < 12


def test_the_answer_is_shown_from_onset_to_offset_alone(positive: Film) -> None:
    said = positive[:, TOP : TOP + 120]
    inside = [5 <= number <= 12 for number in range(16)]
    assert [different(picture, said[0]) for picture in said] == inside
    assert blue(positive[:, 1:4, 200:400]).mean((1, 2)).round().tolist() == inside
    # The bar of the class named is blue and 0.7 of its track long, the others are grey.
    bars = blue(positive[8, BARS : BARS + 3 * 26]).sum(1).reshape(3, 26).max(1)
    assert bars[1] == pytest.approx(0.7 * 400, abs=6)
    assert max(bars[0], bars[2]) == 0


def test_the_place_of_the_frame_moves_along_the_time_line(positive: Film) -> None:
    row = positive[:, BARS + 26 * 3 + 34 + 17].astype(int).sum(-1)  # just below the line, where only its mark is
    places = [int(np.median(np.flatnonzero(line < 300))) for line in row]
    assert places == pytest.approx([16 + 608 * number / 15 for number in range(16)], abs=24)  # the apex has a tick
    assert places == sorted(places)


def test_cannot_tell_is_said_and_no_class_stands_out(positive: Film, tmp_path: Path) -> None:
    film = filmed(CANNOT_TELL, write_clip(tmp_path / "clip.mp4", WIDE))
    assert not blue(film[8, TOP : BARS + 20 + 3 * 26]).any()
    assert different(film[8, TOP : TOP + 46], positive[8, TOP : TOP + 46])


def test_a_warning_stands_above_the_bars_throughout(positive: Film, tmp_path: Path) -> None:
    film = filmed(replace(ANSWER, warnings=()), write_clip(tmp_path / "clip.mp4", WIDE))
    without = film[:, TOP + 46 : TOP + 46 + 16]
    for number in (0, 8):
        assert different(positive[number, TOP + 46 : TOP + 46 + 16], without[number])
    assert len(positive[0]) == len(film[0]) + 24


def test_where_nothing_was_found_the_reason_is_shown_throughout(tmp_path: Path) -> None:
    film = filmed(NOTHING, write_clip(tmp_path / "clip.mp4", WIDE))
    said = film[:, TOP : TOP + 70]
    assert not any(different(picture, said[0]) for picture in said)
    assert said[0].min() < 100
    assert not blue(film[:, 1:4, 200:400]).any()


def test_a_folder_of_frames_makes_a_film_too(tmp_path: Path) -> None:
    film = filmed(ANSWER, write_folder(tmp_path / "clip", WIDE))
    said = film[:, TOP : TOP + 120]
    assert [different(picture, said[0]) for picture in said] == [5 <= number <= 12 for number in range(1, 17)]


def test_a_frame_that_cannot_be_shown_leaves_no_half_film(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", FRAMES)
    write_folder(tmp_path / "other", FRAMES[:1, :40])
    (tmp_path / "other" / "img1.png").rename(folder / "img9.png")
    out = tmp_path / "out" / "film.mp4"
    with pytest.raises(ClipError, match=r"img9\.png: .* all frames of a clip must have one size"):
        write_film(ANSWER, open_clip(folder), (), out)
    assert list(out.parent.iterdir()) == []


def test_the_command_writes_a_film_of_each_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_small_bundle(tmp_path / "bundle", "supervised")
    good = write_clip(tmp_path / "good.mp4", FRAMES)
    (tmp_path / "bad.mp4").write_text("no video")
    words = [str(tmp_path / "bad.mp4"), str(good), f"--model={bundle}", f"--video={tmp_path / 'out'}"]
    assert predict(words) == SOME
    assert "bad.mp4: cannot be read as a video" in capsys.readouterr().err
    (film,) = (tmp_path / "out").iterdir()
    assert film.name == "good-answer.mp4"
    assert len(VideoFile(film, tmp_path).numbers) == len(FRAMES)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match=r"--video .*file: cannot be written \(File exists\)"):
        predict([str(good), f"--model={bundle}", f"--video={tmp_path / 'file'}"])
    assert (tmp_path / "file").read_text() == "in the way"


_MEMORY = """
import resource, sys
sys.path[:0] = ["src", "."]
from pathlib import Path
from lightmannet.inference.clip_file import open_clip
from lightmannet.pictures.film import write_film
from tests.unit.pictures.test_film import NOTHING
write_film(NOTHING, open_clip(Path(sys.argv[1])), (), Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_long_film_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    used = []
    for count in (100, 1500):
        clip = write_clip(tmp_path / f"{count}.mp4", FRAMES[np.arange(count) % len(FRAMES)])
        command = [sys.executable, "-c", _MEMORY, str(clip), str(tmp_path / f"{count}-film.mp4")]
        root = Path(__file__).parents[3]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr
        used.append(int(done.stdout))
        assert len(VideoFile(tmp_path / f"{count}-film.mp4", tmp_path).numbers) == count
    assert used[1] - used[0] < 100  # MB; its frames are 2,500
