"""Whether an image shows a face: found in drawn faces, not in anything else."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from jaxtyping import UInt8

from data_modules.rendered.camera import Camera
from data_modules.rendered.face import draw_face
from data_modules.rendered.scene import Scene, State, at_rest
from data_modules.video.face_cascade import cascade_faces

Image = UInt8[np.ndarray, "height width channel"]


def drawn_face(seed: int, size: int = 160) -> Image:
    scene = Scene(draw_face(np.random.default_rng(seed)), Camera(size))
    return np.atleast_3d(np.asarray(scene.render(State(at_rest()), np.random.default_rng(seed))))


def noise(size: int) -> Image:
    return np.random.default_rng(size).integers(0, 256, (size, size, 1)).astype(np.uint8)


def landscape(size: int) -> Image:
    """Return a sky above hills."""
    y, x = np.mgrid[0:size, 0:size] / size
    hills = 0.6 + 0.1 * np.sin(9 * x) + 0.03 * np.sin(31 * x)
    return np.where(y < hills, 200 - 60 * y, 90 - 50 * (y - hills)).astype(np.uint8)[..., None]


def grid(size: int) -> Image:
    y, x = np.mgrid[0:size, 0:size]
    return (((x // 12 + y // 12) % 2) * 255).astype(np.uint8)[..., None]


def test_most_drawn_faces_are_found_where_they_are() -> None:
    found = [cascade_faces(drawn_face(seed)) for seed in range(12)]
    assert sum(map(bool, found)) >= 11
    for box in (boxes[0] for boxes in found if boxes):
        assert abs(box.left + box.width / 2 - 80) < 25
        assert abs(box.top + box.height / 2 - 80) < 35
        assert 40 < box.width < 160


def test_a_face_that_fills_the_image_is_found_too() -> None:
    tight = [drawn_face(seed)[24:150, 20:140] for seed in range(8)]
    assert sum(bool(cascade_faces(face)) for face in tight) >= 6


@pytest.mark.parametrize("image", [noise, landscape, grid])
@pytest.mark.parametrize("size", [64, 200])
def test_no_face_is_found_where_there_is_none(image: Callable[[int], Image], size: int) -> None:
    assert cascade_faces(image(size)) == []


def test_color_and_gray_give_the_same_faces() -> None:
    face = drawn_face(3)
    color = cv2.cvtColor(face[..., 0], cv2.COLOR_GRAY2RGB) if face.shape[2] == 1 else face
    gray = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)[..., None]
    assert cascade_faces(color) == cascade_faces(gray)
