"""Frames from image folders."""

import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.video.image_folder import ImageFolder
from lightmannet.errors import DataError


def write(folder: Path, *names: str, shape: tuple[int, ...] = (6, 8, 3), value: int | None = None) -> Path:
    """Write images of noise, or of one value, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        image = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        if value is not None:
            image[:] = value
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix.lower(), image)[1].tobytes())
    return folder


def numbers(folder: Path) -> tuple[int, ...]:
    return ImageFolder(folder, folder).numbers


def message(folder: Path, root: Path | None = None) -> str:
    with pytest.raises(DataError) as raised:
        ImageFolder(folder, root or folder)
    return str(raised.value)


# --- Names ---


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("img46.jpg", 46),
        ("reg_img46.jpg", 46),
        ("006_05562.jpg", 5562),
        ("reg_EP01_5-113.jpg", 113),
        ("image563854.bmp", 563854),
        ("Frame_000001826.png", 1826),
        ("00109.jpg", 109),
        ("355.jpg", 355),
        ("S005_001_00000011.png", 11),
        ("img7_.JPG", 7),
        ("0.TIFF", 0),
    ],
)
def test_the_last_run_of_digits_is_the_number(name: str, number: int, tmp_path: Path) -> None:
    assert numbers(write(tmp_path, name)) == (number,)


def test_numbers_ascend_whatever_the_padding_and_may_have_gaps(tmp_path: Path) -> None:
    assert numbers(write(tmp_path, "img999.jpg", "img1000.jpg", "img001.jpg", "img20.jpg")) == (1, 20, 999, 1000)


def test_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "img1.jpg", "img2.JPEG", "img3.Bmp")
    for name in ("Thumbs.db", "img4.lnk", ".DS_Store", "._img1.jpg", "notes7.txt", "img5.jpg.part"):
        (tmp_path / name).write_text("x")
    (tmp_path / "img6.jpg").mkdir()
    assert numbers(tmp_path) == (1, 2, 3)


def test_all_faults_of_the_names_are_reported_together(tmp_path: Path) -> None:
    write(tmp_path, "img1.jpg", "img001.jpg", "face.png", "img2.png", "img2.bmp", "img3.bmp")
    text = message(tmp_path)
    assert text.startswith(f"frames in {tmp_path}: 3 faults")
    assert "face.png: no digits in its name, so no frame number; rename or remove it" in text
    assert "img001.jpg and img1.jpg: both are frame 1; remove one" in text
    assert "img2.bmp and img2.png: both are frame 2; remove one" in text


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Thumbs.db").write_text("x")
    assert "no image (.jpg .jpeg .png .bmp .tif .tiff) lies directly in it" in message(tmp_path)


@pytest.mark.parametrize(("name", "number"), [("S13-07-001.jpg", 1), ("face.jpg", 0)])
def test_a_single_image_is_a_source_of_one_frame(name: str, number: int, tmp_path: Path) -> None:
    write(tmp_path, name, "img5.jpg")
    still = ImageFolder(tmp_path / name, tmp_path)
    assert still.numbers == (number,)
    assert still.read([number], "rgb").shape == (1, 6, 8, 3)


def test_links_may_stay_in_the_root_and_not_leave_it(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "img9.jpg") / "img9.jpg"
    root = tmp_path / "root"
    clip = write(root / "clip", "img1.jpg")
    (clip / "img2.jpg").symlink_to(write(root / "store", "x.jpg") / "x.jpg")
    assert ImageFolder(clip, root).numbers == (1, 2)
    (clip / "img3.jpg").symlink_to(outside)
    (clip / "img4.jpg").symlink_to(root / "nowhere.jpg")
    (clip / "img5.jpg").symlink_to("img5.jpg")
    text = message(clip, root)
    assert ": 3 faults" in text
    assert f"img3.jpg: leaves the root {root} by '..' or by a link; put the files themselves there" in text
    assert "img4.jpg: no such file or folder" in text
    assert "img5.jpg: no such file or folder" in text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "clip", "img1.jpg")
    folder.chmod(0)
    try:
        assert "cannot be listed (Permission denied); check its permissions" in message(folder)
    finally:
        folder.chmod(0o700)


# --- Pixels ---


def test_frames_come_in_the_order_asked_in_red_green_blue(tmp_path: Path) -> None:
    reader = ImageFolder(write(tmp_path, "1.png", "2.png", "3.png"), tmp_path)
    frames = reader.read([3, 1, 1, 3], "rgb")
    for frame, number in zip(frames, (3, 1, 1, 3), strict=True):
        stored = cv2.imread(str(tmp_path / f"{number}.png"))
        assert stored is not None
        assert np.array_equal(frame, stored[:, :, ::-1])


def test_gray_weighs_the_colours_as_opencv_does(tmp_path: Path) -> None:
    reader = ImageFolder(write(tmp_path, "1.png"), tmp_path)
    gray = reader.read([1], "gray")
    assert gray.shape == (1, 6, 8, 1)
    rgb = reader.read([1], "rgb")[0].astype(float)
    assert np.abs(gray[0, :, :, 0] - rgb @ [0.299, 0.587, 0.114]).max() <= 0.51


def test_a_gray_image_repeats_in_rgb_and_stays_in_gray(tmp_path: Path) -> None:
    reader = ImageFolder(write(tmp_path, "1.png", shape=(6, 8)), tmp_path)
    stored = cv2.imread(str(tmp_path / "1.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert np.array_equal(reader.read([1], "gray")[0, :, :, 0], stored)
    assert np.array_equal(reader.read([1], "rgb")[0], np.repeat(stored[:, :, None], 3, axis=2))


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_alpha_is_dropped(color: str, tmp_path: Path) -> None:
    write(tmp_path / "alpha", "1.png", shape=(6, 8, 4))
    stored = cv2.imread(str(tmp_path / "alpha" / "1.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    (tmp_path / "plain").mkdir()
    cv2.imwrite(str(tmp_path / "plain" / "1.png"), stored[:, :, :3])
    with_alpha, without = (ImageFolder(tmp_path / name, tmp_path).read([1], color) for name in ("alpha", "plain"))  # type: ignore[arg-type]
    assert np.array_equal(with_alpha, without)


def test_gray_and_colour_images_may_mix(tmp_path: Path) -> None:
    write(tmp_path, "1.png", shape=(6, 8), value=7)
    write(tmp_path, "2.png", shape=(6, 8, 3), value=9)
    frames = ImageFolder(tmp_path, tmp_path).read([1, 2], "rgb")
    assert frames.reshape(2, -1).min(axis=1).tolist() == frames.reshape(2, -1).max(axis=1).tolist() == [7, 9]


@pytest.mark.parametrize(("wanted", "near"), [(7, 6), (-1, 1), (99, 12), (9, 6), (10, 12)])
def test_a_number_that_is_not_there_names_the_nearest(wanted: int, near: int, tmp_path: Path) -> None:
    reader = ImageFolder(write(tmp_path, "1.png", "6.png", "12.png"), tmp_path)
    with pytest.raises(DataError, match=rf"frame {wanted} is not there, the nearest is {near} \(3 frames, 1 to 12\)"):
        reader.read([1, wanted], "gray")


def test_asking_for_no_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no frame number was requested; request at least one"):
        ImageFolder(write(tmp_path, "1.png"), tmp_path).read([], "gray")


def test_another_size_in_a_clip_names_the_file_and_both_sizes(tmp_path: Path) -> None:
    write(tmp_path, "1.png")
    write(tmp_path, "2.png", shape=(6, 9, 3))
    with pytest.raises(DataError, match=r"2\.png: 8 x 6 pixels expected as in frame 1, 9 x 6 found; all frames"):
        ImageFolder(tmp_path, tmp_path).read([1, 2], "gray")


@pytest.mark.parametrize(("part", "problem"), [(0, r"empty \(zero bytes\)"), (0.5, "truncated")])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_a_damaged_image_is_named(suffix: str, part: float, problem: str, tmp_path: Path) -> None:
    file = write(tmp_path, f"img1{suffix}") / f"img1{suffix}"
    data = file.read_bytes()
    file.write_bytes(data[: int(part * len(data))])
    with pytest.raises(DataError, match=rf"img1\{suffix}: {problem}.*; copy or unpack it again"):
        ImageFolder(tmp_path, tmp_path).read([1], "rgb")


def test_an_image_that_was_removed_is_named(tmp_path: Path) -> None:
    reader = ImageFolder(write(tmp_path, "1.png"), tmp_path)
    (tmp_path / "1.png").unlink()
    with pytest.raises(DataError, match=r"1\.png.*No such file"):
        reader.read([1], "rgb")
    with pytest.raises(DataError, match=r"1\.png: was there and is gone .*; put it back"):
        reader.fingerprint([1])


# --- Fingerprint ---


def test_the_fingerprint_stays_when_the_folder_moves(tmp_path: Path) -> None:
    before = ImageFolder(write(tmp_path / "a", "1.png", "2.png"), tmp_path).fingerprint([1, 2])
    (tmp_path / "a").rename(tmp_path / "b")
    assert ImageFolder(tmp_path / "b", tmp_path).fingerprint([1, 2]) == before


def test_the_fingerprint_changes_with_name_size_and_time(tmp_path: Path) -> None:
    def fingerprint() -> str:
        reader = ImageFolder(tmp_path, tmp_path)
        return reader.fingerprint(reader.numbers)

    write(tmp_path, "1.png", "2.png")
    file = tmp_path / "2.png"
    os.utime(file, ns=(5, 5))
    seen = {fingerprint()}
    os.utime(file, ns=(5, 6))
    seen.add(fingerprint())
    file.write_bytes(file.read_bytes() + b"x")
    os.utime(file, ns=(5, 6))
    seen.add(fingerprint())
    file.rename(tmp_path / "02.png")
    seen.add(fingerprint())
    (tmp_path / "02.png").unlink()
    seen.add(fingerprint())
    assert len(seen) == 5


def test_the_fingerprint_is_that_of_the_frames_asked_for(tmp_path: Path) -> None:
    reader = ImageFolder(write(tmp_path, "1.png", "2.png"), tmp_path)
    before = reader.fingerprint([1]), reader.fingerprint([2])
    os.utime(tmp_path / "2.png", ns=(5, 5))
    assert reader.fingerprint([1]) == before[0]
    assert reader.fingerprint([2]) != before[1]


def test_a_reader_can_be_pickled(tmp_path: Path) -> None:
    reader = ImageFolder(write(tmp_path, "1.png"), tmp_path)
    copy = pickle.loads(pickle.dumps(reader))
    assert np.array_equal(copy.read([1], "rgb"), reader.read([1], "rgb"))
