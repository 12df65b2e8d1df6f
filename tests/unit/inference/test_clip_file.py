"""Somebody's own clip as it is opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_modules.video.frames import Color, Pixels
from lightmannet.errors import ClipError, ConfigurationError, DataError
from lightmannet.inference.clip_file import KeptFrames, open_clip
from tests.video_files import cut, write_video


class Counted:
    """Frames 1 to 9, each full of its number; knows what it was asked for."""

    numbers = tuple(range(1, 10))

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def read(self, numbers: Sequence[int], color: Color) -> Pixels:
        self.asked.append(tuple(numbers))
        if not set(numbers) <= set(self.numbers):
            raise DataError("not there")
        return np.stack([np.full((2, 3, 3 if color == "rgb" else 1), number, np.uint8) for number in numbers])

    def fingerprint(self, numbers: Sequence[int]) -> str:
        return "counted"


def test_a_frame_is_read_once() -> None:
    source = Counted()
    frames = KeptFrames(source)
    assert frames.read([5, 2, 5], "gray")[:, 0, 0, 0].tolist() == [5, 2, 5]
    assert frames.read([2, 7], "gray")[:, 0, 0, 0].tolist() == [2, 7]
    assert frames.read([7, 5], "gray").shape == (2, 2, 3, 1)
    assert frames.read([7], "rgb").shape == (1, 2, 3, 3)
    assert source.asked == [(5, 2), (7,), (7,)]
    with pytest.raises(DataError, match="not there"):
        frames.read([5, 99], "gray")


# --- Opening ---


def test_a_clip_may_lie_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_video(tmp_path / "a.mp4", frames=3)
    assert open_clip("~/a.mp4").numbers == open_clip(Path("~/a.mp4")).numbers == (0, 1, 2)


@pytest.mark.parametrize("fps", [-5, 0, 1e9, float("nan"), float("inf"), "fast", True])
def test_an_impossible_frame_rate_is_refused(fps: Any, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=3)
    with pytest.raises(
        ConfigurationError, match=rf"fps {fps}: the frame rate must be a number of frames per second above"
    ):
        open_clip(path, fps)


def test_a_frame_rate_that_is_given_overrides_the_file_s(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=3)
    assert (open_clip(path).fps, open_clip(path, 200).fps, open_clip(path, 99.5).fps) == (25, 200, 99.5)


@pytest.mark.parametrize("clip", [np.zeros((2, 3, 4, 3), np.uint8), [1, 2], None, 7])
def test_what_is_no_path_is_no_clip(clip: Any) -> None:
    with pytest.raises(ClipError, match="a clip is the path of a video or of a folder of frames, not "):
        open_clip(clip)


@pytest.mark.parametrize(
    "interval", [(1, 2), (0, 1, 2, 3), None, "012", (0, 1.5, 2), (0, None, 2), 5, (0, 1, float("nan"))]
)
def test_an_interval_is_three_whole_numbers(interval: Any, tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", frames=3))
    with pytest.raises(ClipError, match=r"a\.mp4: the interval must be (the|three whole) frame numbers"):
        clip.check_interval(interval)


@pytest.mark.parametrize("interval", [(0, 1, 14), (-1, 1, 2), (2, 1, 3), (0, 5, 4), (3, 3, 3), (0, 1, 18)])
def test_an_interval_fits_the_frames_that_are_shown(interval: Any, tmp_path: Path) -> None:
    clip = open_clip(cut(write_video(tmp_path / "a.mp4"), tmp_path / "cut.mp4", 17, 30))
    assert clip.check_interval(np.array([0, 3, 13])) == (0, 3, 13)
    assert clip.check_interval([0.0, 0, 13]) == (0, 0, 13)
    with pytest.raises(ClipError, match="does not fit this clip: frame numbers must be ascending and within 0–13"):
        clip.check_interval(interval)


def test_a_frame_that_cannot_be_decoded_is_the_clip_s_error(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", "mjpeg")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    path.write_bytes(data)
    with pytest.raises(ClipError, match=r"a\.avi: a frame cannot be decoded"):
        list(open_clip(path).chunks("gray"))
    with pytest.raises(ClipError, match="no such file"):
        open_clip(tmp_path / "b.mp4")
    (tmp_path / "c.mp4").write_bytes(b"no video")
    with pytest.raises(ClipError, match=r"c\.mp4: cannot be read as a video"):
        open_clip(tmp_path / "c.mp4")
