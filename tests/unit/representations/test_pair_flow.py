import cv2
import numpy as np
import pytest

from data_modules.rendered.camera import Camera
from data_modules.rendered.face import draw_face
from data_modules.rendered.scene import Scene, State, at_rest
from data_modules.representations.motion_image import area_average
from data_modules.representations.optical_flow import FlowMethod, optical_flow
from data_modules.representations.pair_flow import PairFlow, head_held_still
from data_modules.video import eyes
from data_modules.video.eyes import EYES, CascadeEyes, DetectedEyes, FixedEyes, eye_square, stable_region
from data_modules.video.face_cascade import cascade_faces
from lightmannet.errors import ConfigurationError, DataError
from tests.moving_skin import bumps, moving_skin

HEAD = [(0.0, 0.0, 0.0), (6.0, -4.0, 0.0), (-3.0, 9.0, 0.04)]
"""Motion of the head: right, down (pixels of 112) and turn (radians)."""


def moved(picture: np.ndarray, right: float, down: float, turn: float) -> np.ndarray:
    """Return the picture of a head that has moved as a whole."""
    size = len(picture)
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), np.degrees(turn), 1.0)
    matrix[:, 2] += np.array([right, down])
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize("head", HEAD)
@pytest.mark.parametrize("method", ["tvl1", "dis"])
def test_the_end_point_error_is_below_an_eighth_of_a_pixel_of_28_however_the_head_moves(
    head: tuple[float, float, float], method: FlowMethod
) -> None:
    """Skin moves by up to a pixel of 28, a little at the nose, too, where it is taken for motion of the head."""
    skin = moving_skin(bumps(112, 4.0))
    second = head_held_still(skin.first, moved(skin.second, *head))
    found = area_average(optical_flow(skin.first, second, method), 28)
    true = area_average(skin.field.astype(np.float32), 28)
    inside = np.s_[:, 3:-3, 3:-3]
    assert np.hypot(*true).max() > 0.8
    assert np.hypot(*(found - true)[inside]).mean() < 0.125


def test_without_it_the_motion_of_the_head_is_all_there_is() -> None:
    skin = moving_skin(bumps(112, 4.0))
    found = area_average(optical_flow(skin.first, moved(skin.second, 6.0, -4.0, 0.0), "dis"), 28)
    assert np.hypot(*found[:, 3:-3, 3:-3].mean(axis=(1, 2))) > 1.0


def test_an_image_is_one_of_apex_flow_with_the_head_held_still() -> None:
    skin = moving_skin(bumps(112, 4.0))
    pair = np.stack([skin.first, moved(skin.second, 5.0, 3.0, 0.0)])[..., None]
    image = PairFlow(method="dis").render(pair)
    assert image.shape == (1, 3, 28, 28)
    assert PairFlow().moments(0, 1, 1) == (0, 1)
    true = area_average(skin.field.astype(np.float32), 28) / (2 * 0.05 * 28)
    assert np.corrcoef(image[0, :2, 3:-3, 3:-3].ravel(), true[:, 3:-3, 3:-3].ravel())[0, 1] > 0.9


def test_the_same_picture_twice_is_refused() -> None:
    skin = moving_skin(bumps(112, 4.0))
    with pytest.raises(DataError, match="the apex is the same picture as the neutral face"):
        head_held_still(skin.first, skin.first.copy())


def test_pictures_of_which_nothing_fits_are_refused() -> None:
    flat = np.full((112, 112), 90, np.uint8)
    with pytest.raises(DataError, match="the two pictures cannot be aligned at the nose"):
        head_held_still(flat, flat + 1)


@pytest.mark.parametrize("size", [28, 112])
def test_eyes_come_to_their_places_however_large_and_turned_the_face_is(size: int) -> None:
    frame = np.zeros((400, 500, 1), np.uint8)
    left, right = (180, 150), (300, 210)
    for eye in (left, right):
        cv2.circle(frame, eye, 12, (255,), -1)
    square = eye_square(frame[None], size, (left[0] + 0.5, left[1] + 0.5), (right[0] + 0.5, right[1] + 0.5))[0, :, :, 0]
    rows, columns = np.indices(square.shape)
    for side, (x, y) in zip((columns < size / 2, columns >= size / 2), EYES, strict=True):
        weights = square * side
        found = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
        assert found == pytest.approx(np.array([x, y]) * size / 28 - 0.5, abs=0.1 * size / 28)


def test_fixed_eyes_are_fractions_of_the_picture() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 80, 100, 1), dtype=np.uint8)
    square = FixedEyes((0.3, 0.4), (0.7, 0.4)).square(frames, 56, None)
    assert np.array_equal(square, eye_square(frames, 56, (30, 32), (70, 32)))
    assert FixedEyes((0.3, 0.4), (0.7, 0.4)).fingerprint() != FixedEyes((0.3, 0.4), (0.6, 0.4)).fingerprint()


def test_the_region_lies_between_the_eyes_and_below_them() -> None:
    rows, columns = stable_region(28)
    assert EYES[0][0] < columns.start < columns.stop <= EYES[1][0]
    assert rows.start < EYES[0][1] < rows.stop <= 16


@pytest.mark.parametrize("eyes", [((0.7, 0.4), (0.3, 0.4)), ((0.3, 0.4), (1.3, 0.4))])
def test_eyes_that_cannot_be_are_refused(eyes: tuple[tuple[float, float], tuple[float, float]]) -> None:
    with pytest.raises(ConfigurationError, match="must be fractions of width and height"):
        FixedEyes(*eyes)
    with pytest.raises(DataError, match="less than a pixel apart"):
        eye_square(np.zeros((1, 9, 9, 1), np.uint8), 28, (3, 3), (3.5, 3))


def test_the_cascade_puts_the_eyes_near_where_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[tuple[float, ...]] = []

    def noted(frames: np.ndarray, size: int, left: tuple[float, float], right: tuple[float, float]) -> np.ndarray:
        places.append((*left, *right))
        return eye_square(frames, size, left, right)

    monkeypatch.setattr(eyes, "eye_square", noted)
    errors = []
    for seed in range(8):
        scene = Scene(draw_face(np.random.default_rng(seed)), Camera(200))
        frame = np.atleast_3d(np.asarray(scene.render(State(at_rest()), np.random.default_rng(seed))))
        if not cascade_faces(frame):
            continue
        assert CascadeEyes().square(frame[None], 112, None).shape == (1, 112, 112, frame.shape[2])
        points = scene.landmarks(State(at_rest())) + 0.5
        left, right = points[36:42].mean(0), points[42:48].mean(0)
        errors.append(np.abs(np.subtract(places[-1], (*left, *right))).max() / (right[0] - left[0]))
    assert len(errors) > 5
    # The eyes are 11.8 pixels of 28 apart.
    assert np.median(errors) < 0.2


def test_without_a_face_the_cascade_says_what_to_do() -> None:
    with pytest.raises(DataError, match="no eyes are found in the first frame; give their places"):
        CascadeEyes().square(np.zeros((2, 90, 90, 1), np.uint8), 28, None)


def test_no_eyes_are_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    crop = DetectedEyes()
    monkeypatch.setattr(crop.detector, "find_faces", lambda frame: [])
    with pytest.raises(DataError, match=r"no eyes are found in the first frame; .* give their places \(FixedEyes\)"):
        crop.square(np.zeros((2, 50, 50, 1), np.uint8), 28, None)
