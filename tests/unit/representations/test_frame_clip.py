"""Frames of a clip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.representations import FrameClip
from lightmannet.errors import ConfigurationError


def test_frames_run_from_onset_to_offset_and_a_short_clip_repeats_some() -> None:
    clip = FrameClip(frames=5)
    assert clip.moments(10, 12, 50) == (10, 20, 30, 40, 50)
    assert clip.moments(10, 11, 12) == (10, 11, 11, 12, 12)
    assert clip.moments(7, 7, 7) == (7,) * 5


@given(st.integers(0, 2**32 - 1))
def test_pixels_are_scaled_and_keep_their_place(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (2, 28, 28, 3), dtype=np.uint8)
    image = FrameClip(frames=2, color="rgb", size=28).render(pixels)
    assert image.shape == (2, 3, 28, 28)
    assert np.array_equal(np.rint((image.transpose(0, 2, 3, 1) + 0.5) * 255), pixels)


def test_black_is_the_lowest_value_and_white_the_highest() -> None:
    pixels = np.zeros((2, 28, 28, 1), np.uint8)
    pixels[1] = 255
    image = FrameClip(frames=2, size=28).render(pixels)
    assert (image[0] == -0.5).all()
    assert (image[1] == 0.5).all()


@pytest.mark.parametrize("frames", [-1, 0, 1])
def test_fewer_than_two_frames_are_refused(frames: int) -> None:
    with pytest.raises(ConfigurationError, match=f"frames={frames}: at least 2"):
        FrameClip(frames=frames)
