"""The change from onset to apex."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_modules.representations import Difference


def test_onset_and_apex_are_wanted() -> None:
    assert Difference().moments(3, 8, 20) == (3, 8)


def test_what_grows_brighter_is_positive_and_the_ends_of_the_range_are_reached() -> None:
    pixels = np.zeros((2, 28, 28, 1), np.uint8)
    pixels[1, 0, 1], pixels[0, 2, 3], pixels[1, 4, 4] = 255, 255, 51
    image = Difference(size=28).render(pixels)[0, 0]
    assert image[0, 1] == 0.5
    assert image[2, 3] == -0.5
    assert image[4, 4] == np.float32(0.1)
    assert np.count_nonzero(image) == 3


@given(st.integers(0, 2**32 - 1))
def test_exchanging_onset_and_apex_changes_the_sign(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (2, 28, 28, 3), dtype=np.uint8)
    render = Difference(color="rgb", size=28).render
    assert np.array_equal(render(pixels[::-1]), -render(pixels))
