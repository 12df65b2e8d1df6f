"""Frames in memory are answered as the same frames in files."""

from pathlib import Path

import numpy as np
import pytest

from lightmannet.errors import ClipError, ConfigurationError
from lightmannet.inference.recogniser import load
from tests.bundles import moving_frames, rise_and_fall, write_folder, write_small_bundle

FRAMES = moving_frames(rise_and_fall(25, 3.0), size=64)


def test_an_array_is_answered_as_a_folder_of_its_frames(tmp_path: Path) -> None:
    recogniser = load(write_small_bundle(tmp_path / "bundle"))
    folder = write_folder(tmp_path / "clip", FRAMES, first=0)
    expected = recogniser.predict(folder, (3, 12, 20), 100)
    for frames in (FRAMES, FRAMES[..., None], np.repeat(FRAMES[..., None], 3, 3)):
        answer = recogniser.predict(frames, (3, 12, 20), 100)
        assert (answer.clip, answer.interval) == ("array", expected.interval)
        assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    assert recogniser.predict(FRAMES, fps=100).interval == recogniser.predict(folder, fps=100).interval
    assert recogniser.examine(FRAMES, (3, 12, 20), 100).frames.shape == (3, 224, 224, 3)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES.astype(np.float32), "array: frames must be uint8 \\(0 to 255\\), not float32; convert them first"),
        (FRAMES[0, 0], "array: frames must be .* not \\(64,\\)"),
        (np.zeros((4, 8, 8, 2), np.uint8), "1 or 3 channels at the end, not \\(4, 8, 8, 2\\)"),
        (np.zeros((0, 8, 8), np.uint8), "not \\(0, 8, 8\\)"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, frames: np.ndarray, message: str) -> None:
    with pytest.raises(ClipError, match=message):
        load(write_small_bundle(tmp_path / "bundle")).predict(frames)


@pytest.mark.parametrize("fps", [-5, 0, float("nan"), 1e9])
def test_an_impossible_rate_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ConfigurationError, match="the frame rate must be a number of frames per second above 0"):
        load(write_small_bundle(tmp_path / "bundle")).predict(FRAMES, fps=fps)
