"""The command ``lightmannet motion``."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from lightmannet.cli import main
from tests.archives.faces import landmarks, text
from tests.megc2019_files import write_image
from tests.moving_skin import bumps, moving_skin

SKIN = moving_skin(bumps(112, 4.0))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("a.png", SKIN.first)
    cv2.imwrite("b.png", SKIN.second)


def image(path: str = "motion.png") -> np.ndarray:
    """Return red, green and blue."""
    read = cv2.imread(path)
    assert read is not None
    return read[:, :, ::-1]


def test_two_pictures_make_an_image_an_array_and_a_picture_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    main(["motion", "a.png", "b.png", "-o", "motion.png", "--method", "dis"])
    assert "motion.png: 28 × 28, red u, green v, blue strain; stretched" in capsys.readouterr().out
    motion = np.load("motion.npz")["motion"]
    assert motion.shape == (1, 28, 28, 3)
    true = SKIN.field.reshape(2, 28, 4, 28, 4).mean(axis=(2, 4)) / 4
    assert np.hypot(*(motion[0, 2:-2, 2:-2, :2].transpose(2, 0, 1) - true[:, 2:-2, 2:-2])).mean() < 0.1
    stored = image()
    for channel in range(3):
        values = motion[0, :, :, channel]
        expected = 255 * (values - values.min()) / np.ptp(values)
        np.testing.assert_allclose(stored[:, :, channel], expected, atol=0.51)
    assert image("motion.panels.png").shape == (28 + 224, 3 * 224 + 16, 3)


def test_frames_of_a_folder_and_eyes_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("clip").mkdir()
    cv2.imwrite("clip/img3.png", SKIN.first)
    cv2.imwrite("clip/img20.png", np.roll(SKIN.second, 5, axis=1))
    eyes = "[34.4,36,81.6,36]"  # where a face that fills the picture would have them
    main(["motion", "clip", "--frames", "[3,20]", "--eyes", eyes, "-o", "motion.png", "--scaling", "absolute"])
    assert "0.05 of the width" in capsys.readouterr().out
    assert np.abs(np.load("motion.npz")["motion"][0, 8:20, 8:20, 0]).mean() < 0.6  # the roll was 1.25 pixels of 28


def test_landmarks_need_no_picture() -> None:
    Path("a.txt").write_text(text(landmarks()))
    Path("b.txt").write_text(text(landmarks(smile=20)))
    main(["motion", "a.txt", "b.txt", "-o", "motion.png", "--size", "56"])
    assert image().shape == (56, 56, 3)


def test_like_names_order_and_scaling_and_follows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["motion", "a.png", "b.png", "-o", "motion.png", "--method", "dis"])
    usual = image()
    folder = tmp_path / "datasets/STSNet_whole_norm_u_v_os"
    folder.mkdir(parents=True)
    write_image(tmp_path, "sub01_EP01", np.ascontiguousarray(usual[:, :, [2, 0, 1]][:, :, ::-1]))
    capsys.readouterr()
    main(["motion", "--like", str(next(folder.iterdir()))])
    told = capsys.readouterr().out
    assert told.startswith("1 image: R = strain, G = u, B = v, each channel stretched over 0 to 255")
    assert "so give their folder" in told
    main(["motion", "a.png", "b.png", "-o", "other.png", "--method", "dis", "--like", str(folder)])
    assert np.array_equal(image("other.png"), usual[:, :, [2, 0, 1]])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "FIRST SECOND -o OUTPUT: two pictures and an output are expected"),
        (["a.png", "-o", "m.png"], "two pictures are expected, or a video or folder and --frames"),
        (["a.png", "b.png", "-o", "m.jpg"], "must be lossless; use a .png file"),
        (["a.png", "b.png", "-o", "m.png", "--frames", "[1,2]"], "--frames selects frames of one video or folder"),
        (["a.png", "a.png", "-o", "m.png"], "the two pictures are the same: there is no motion"),
        (["a.png", "c.png", "-o", "m.png"], "c.png: no such file"),
        (["a.png", "small.png", "-o", "m.png"], "a.png and small.png differ in size"),
        (["a.png", "b.png", "-o", "m.png", "--size", "20"], "--size 20: from 28 to 224 pixels"),
        (["a.png", "b.png", "-o", "m.png", "--eyes", "find"], "--eyes is .* or detect, not 'find'"),
        (["a.png", "b.png", "-o", "m.png", "--eyes", "[80,30,20,30]"], "give the left eye, as seen, first"),
        (["a.txt", "-o", "m.png"], "a second landmark file is expected after the first"),
        (["--like", "empty"], "--like empty: the folder contains no image"),
        (["--like", "a.png"], "--like a.png: no channel is the optical strain"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite("small.png", SKIN.first[:64, :64])
    Path("empty").mkdir()
    Path("a.txt").write_text(text(landmarks()))
    with pytest.raises(SystemExit) as ended:
        main(["motion", *words])
    assert ended.value.code == 2
    capture = capsys.readouterr().err
    assert re.search(message, capture)
    assert not Path("m.png").exists()
