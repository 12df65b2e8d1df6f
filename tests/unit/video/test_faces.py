"""Faces of a frame: drawn people in bad conditions, by YuNet where its model is installed, else by the cascade."""

import cv2
import numpy as np
import pytest

from data_modules.rendered.options import Options
from data_modules.rendered.performance import person
from data_modules.rendered.scene import Scene, State, at_rest
from data_modules.video import faces
from data_modules.video.faces import find_faces, has_model, whole_frame_face

needs_model = pytest.mark.skipif(not has_model(), reason="YuNet's model is not installed")


@pytest.fixture(scope="module")
def people() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return frames, gray, of drawn people with the centres of their eyes."""
    drawn = []
    for subject in range(1, 7):
        who = person(Options(seed=31), subject)
        scene, state = Scene(who.face, who.camera), State(at_rest())
        points = scene.landmarks(state) + 0.5
        frame = cv2.cvtColor(scene.render(state, np.random.default_rng(subject)), cv2.COLOR_RGB2GRAY)[..., None]
        drawn.append((frame, np.stack([points[36:42].mean(0), points[42:48].mean(0)])))
    return drawn


def eye_errors(frame: np.ndarray, eyes: np.ndarray) -> float:
    (face, *_) = find_faces(frame)
    return float(np.hypot(*(np.array([face.left_eye, face.right_eye]) - eyes).T).max() / np.hypot(*(eyes[1] - eyes[0])))


@needs_model
def test_eyes_are_found_in_all_drawn_people(people: list[tuple[np.ndarray, np.ndarray]]) -> None:
    assert max(eye_errors(frame, eyes) for frame, eyes in people) < 0.2


@needs_model
def test_a_dark_frame_is_searched_with_more_contrast(people: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for frame, eyes in people:
        assert eye_errors((frame * 0.08).astype(np.uint8), eyes) < 0.25


@needs_model
def test_of_two_faces_the_larger_comes_first(people: list[tuple[np.ndarray, np.ndarray]]) -> None:
    large, small = people[0][0], cv2.resize(people[1][0], (80, 80))[..., None]
    both = np.full((128, 220, 1), 120, np.uint8)
    both[:, 90:218], both[20:100, 4:84] = large, small
    found = find_faces(both)
    assert len(found) == 2
    assert found[0].box.left > 90 > found[1].box.left


@needs_model
@pytest.mark.parametrize("name", ["noise", "gray", "stripes", "half"])
def test_what_is_no_face_gives_none(name: str, people: list[tuple[np.ndarray, np.ndarray]]) -> None:
    images = {
        "noise": np.random.default_rng(0).integers(0, 256, (128, 128, 1), np.uint8),
        "gray": np.full((128, 128, 1), 90, np.uint8),
        "stripes": np.tile((np.arange(128) % 16 * 16).astype(np.uint8), (128, 1))[..., None],
        "half": np.concatenate([people[0][0][64:], np.full((64, 128, 1), 120, np.uint8)])[:, :50],
    }
    assert find_faces(np.ascontiguousarray(images[name])) == []


def test_without_the_model_a_cascade_guesses_where_the_eyes_are(
    people: list[tuple[np.ndarray, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YUNET_MODEL", raising=False)
    monkeypatch.setattr(faces, "packaged_model", lambda: None)
    errors = [eye_errors(frame, eyes) for frame, eyes in people if find_faces(frame)]
    assert len(errors) >= 5
    assert np.median(errors) < 0.3


def test_a_whole_frame_is_a_face_with_eyes_in_its_upper_half() -> None:
    face = whole_frame_face(np.zeros((100, 200, 1), np.uint8))
    assert (face.box.width, face.box.height) == (200, 100)
    assert face.left_eye == pytest.approx((66, 37))
    assert face.right_eye == pytest.approx((134, 37))
