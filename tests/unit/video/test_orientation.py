"""Display matrices."""

import numpy as np
import pytest

from data_modules.video.orientation import UPRIGHT, Orientation, orientation_of
from tests.video_files import ORIENTATIONS, oriented

FRAME = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
ONE = 1 << 16


def matrix(a: int, b: int, c: int, d: int) -> list[int]:
    return [a, b, 0, c, d, 0, 0, 0, 1 << 30]


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_each_of_the_eight_orientations_moves_every_pixel_where_the_matrix_says(name: str) -> None:
    a, b, c, d = (ONE * number for number in ORIENTATIONS[name])
    assert np.array_equal(orientation_of(matrix(a, b, c, d)).apply(FRAME), oriented(FRAME, name))


def test_the_eight_orientations_differ() -> None:
    found = {orientation_of(matrix(*(ONE * number for number in numbers))) for numbers in ORIENTATIONS.values()}
    assert len(found) == 8


def test_no_matrix_rounding_and_scale_leave_the_orientation() -> None:
    assert orientation_of([0] * 9) == UPRIGHT == Orientation(False, False, False)
    assert orientation_of(matrix(2 * ONE, 100, -100, 2 * ONE)) == UPRIGHT
    assert orientation_of(matrix(1, ONE, -ONE, -1)) == Orientation(True, left_right=True)


@pytest.mark.parametrize("numbers", [(46341, 46341, -46341, 46341), (ONE, 0, 0, 0), (ONE, ONE // 2, 0, ONE)])
def test_other_turns_are_refused(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="turns the frames by other than quarter turns"):
        orientation_of(matrix(*numbers))
