"""Opening whatever holds frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.video.frames import nearest, open_frames
from data_modules.video.image_folder import ImageFolder
from data_modules.video.video_file import VideoFile
from lightmannet.errors import DataError


def image(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((4, 5), np.uint8))
    return path


def test_a_folder_is_an_image_folder(tmp_path: Path) -> None:
    image(tmp_path / "clip" / "img3.png")
    reader = open_frames(tmp_path / "clip", tmp_path)
    assert isinstance(reader, ImageFolder)
    assert reader.numbers == (3,)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".JPG"])
def test_an_image_is_a_still(suffix: str, tmp_path: Path) -> None:
    reader = open_frames(image(tmp_path / f"img3{suffix}"), tmp_path)
    assert isinstance(reader, ImageFolder)
    assert reader.read([3], "gray").shape == (1, 4, 5, 1)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mov", ".mkv", ".mpg", ".mpeg", ".m4v", ".wmv", ".AVI"])
def test_a_video_is_opened_when_it_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip{suffix}"
    path.touch()
    reader = open_frames(path, tmp_path)
    assert isinstance(reader, VideoFile)
    with pytest.raises(DataError, match="empty"):
        _ = reader.numbers


def test_a_folder_named_like_a_video_is_a_folder(tmp_path: Path) -> None:
    image(tmp_path / "clip.avi" / "1.png")
    assert open_frames(tmp_path / "clip.avi", tmp_path).numbers == (1,)


def test_another_type_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").touch()
    with pytest.raises(
        DataError, match=r"labels\.csv: unknown type of file; give a folder of images, an image \(\.jpg"
    ):
        open_frames(tmp_path / "labels.csv", tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no image .* lies directly in it; give the folder with images"):
        open_frames(tmp_path, tmp_path)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="clip: no such file or folder; check the name"):
        open_frames(tmp_path / "clip", tmp_path)


def test_paths_out_of_the_root_are_refused(tmp_path: Path) -> None:
    image(tmp_path / "outside" / "1.png")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "link.png").symlink_to(tmp_path / "outside" / "1.png")
    for path in (root / ".." / "outside", root / "link", root / "link.png", tmp_path / "outside"):
        with pytest.raises(
            DataError, match=r"leaves the root .* by '\.\.' or by a link; put the files themselves there"
        ):
            open_frames(path, root)


def test_a_root_that_is_a_link_itself_is_fine(tmp_path: Path) -> None:
    image(tmp_path / "store" / "clip" / "1.png")
    (tmp_path / "root").symlink_to(tmp_path / "store")
    assert open_frames(tmp_path / "root" / "clip", tmp_path / "root").numbers == (1,)


@pytest.mark.parametrize("name", ["a\0b", "a\0b.mp4", "\ud800.mp4"])
def test_names_that_no_file_can_have_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no path of a file .*; correct the name"):
        open_frames(tmp_path / name, tmp_path)


def test_a_link_in_circles_is_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(DataError, match="circle: no such file or folder"):
        open_frames(tmp_path / "circle", tmp_path)


@given(st.sets(st.integers(-50, 50), min_size=1), st.integers(-80, 80))
def test_no_number_is_nearer_than_the_nearest(numbers: set[int], wanted: int) -> None:
    near = nearest(sorted(numbers), wanted)
    assert near in numbers
    assert abs(near - wanted) == min(abs(number - wanted) for number in numbers)


def test_of_two_equally_near_numbers_the_smaller_is_taken() -> None:
    assert nearest([2, 4], 3) == 2


def test_nothing_is_nearest_to_a_number_where_no_frame_is() -> None:
    with pytest.raises(DataError, match="no frame is there, so none is nearest to frame 3"):
        nearest([], 3)
