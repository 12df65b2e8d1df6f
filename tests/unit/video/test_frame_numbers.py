"""The group of digits that counts the frames."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.video.frame_numbers import frame_numbers
from data_modules.video.image_folder import ImageFolder
from lightmannet.errors import DataError
from lightmannet.inference.clip_file import open_clip

CLOCK = ["10-12-59-990.png", "10-12-59-995.png", "10-13-00-000.png", "10-13-00-005.png"]


def write(folder: Path, names: list[str]) -> Path:
    """Write an image a name, full of its place in the list."""
    folder.mkdir()
    for place, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((4, 5), place, np.uint8))
    return folder


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["reg_EP01_5-7.jpg", "reg_EP01_5-12.jpg"], (7, 12)),  # gaps are allowed
        (["img9.png", "img010.png"], (9, 10)),
        (["f1_640x480.png", "f2_640x480.png", "f7_640x480.png"], (1, 2, 7)),  # one group differs
        ([f"f{n:03}_t{n / 30:.3f}.png" for n in (10, 20, 30, 40)], (10, 20, 30, 40)),  # the time in seconds, too
        (["img-001-59-995.png", "img-002-00-000.png", "img-003-00-005.png"], (1, 2, 3)),
        (["take1_0005.png", "take2_0007.png", "take2_0011.png"], (5, 7, 11)),  # the last one ascends with all
        (["2_4.png", "3_5.png"], (4, 5)),
        (["img1.png", "face2.png"], (1, 2)),  # names of two kinds
        (["img1.png", "face.png"], (1, None)),
        (["img1.png", "img001.png"], (1, 1)),
        (["img3.png"], (3,)),
        (["face.png"], (None,)),
        ([], ()),
    ],
)
def test_the_number_is_the_group_that_counts(names: list[str], numbers: tuple[int | None, ...]) -> None:
    assert frame_numbers(names) == (numbers, "")


@pytest.mark.parametrize(
    ("names", "numbers", "doubt"),
    [
        (
            CLOCK,
            (1, 2, 3, 4),
            "no group of digits in their names counts; by all digits the frames are 10-12-59-990.png, ",
        ),
        (
            ["8231_1.png", "1120_2.png", "4000_3.png"],
            (1, 2, 3),
            "one group of digits in their names counts, but all digits give another order; by the one that counts the",
        ),
        (["3_1.png", "2_2.png", "1_3.png"], (1, 2, 3), "several groups of digits in their names count, and differ; by"),
    ],
)
def test_doubt_is_said_with_the_order_that_is_taken(names: list[str], numbers: tuple[int, ...], doubt: str) -> None:
    found = frame_numbers(names)
    assert found.numbers == numbers
    assert found.doubt.startswith(doubt)
    ordered = [name for _, name in sorted(zip(numbers, names, strict=True))]
    assert found.doubt.endswith(f"the frames are {', '.join(ordered)}")


def test_of_many_names_the_first_three_and_the_last_are_shown() -> None:
    names = [f"10-{minute}-{second}-5.png" for minute in (1, 2) for second in (58, 59, 7)]
    assert frame_numbers(names).doubt.endswith("are 10-1-7-5.png, 10-1-58-5.png, 10-1-59-5.png, … 10-2-59-5.png")


def test_images_named_by_the_clock_are_one_clip_in_the_order_of_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = open_clip(write(tmp_path / "clip", CLOCK), 200)
    assert clip.numbers == (1, 2, 3, 4)
    assert clip.reader.read(clip.numbers, "gray")[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "no group of digits in their names counts" in caplog.text
    assert f"{', '.join(CLOCK)}. They are taken in this order; rename them if it is wrong." in caplog.text


def test_a_database_does_not_guess_what_annotations_count(tmp_path: Path) -> None:
    folder = write(tmp_path / "clip", CLOCK)
    with pytest.raises(DataError, match=r"10-13-00-005\.png; rename them so that one group counts, e\.g\. img001\.png"):
        ImageFolder(folder, tmp_path)
