"""Somebody's own clip as it is opened."""

from collections.abc import Sequence

import numpy as np
import pytest

from data_modules.video.frames import Color, Pixels
from lightmannet.errors import DataError
from lightmannet.inference.clip_file import KeptFrames


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
