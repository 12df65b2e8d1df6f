"""Slits: exact inverse, what moves and what rests."""

import numpy as np
import pytest

from data_modules.rendered.slits import PLACES, Slit


def level(height: float) -> np.ndarray:
    return np.full(len(PLACES), height, np.float32)


@pytest.fixture(scope="module")
def eye() -> Slit:
    return Slit(level(-0.1), level(0.05), level(-0.3), level(0.3))


def test_backward_undoes_forward_outside_the_slit(eye: Slit) -> None:
    y = np.concatenate([np.linspace(-0.6, -0.101, 50), np.linspace(0.051, 0.6, 50)])
    x = np.zeros_like(y)
    for up, down in ((0.05, 0.1), (-0.1, -0.02)):
        moved = eye.forward(x, y, level(up), level(down))
        back, hole = eye.backward(x.astype(np.float32), moved.astype(np.float32), level(up), level(down), 1e-4)
        np.testing.assert_allclose(back, y, atol=1e-6)
        assert (hole == 0).all()


def test_edges_move_by_what_is_asked_and_the_fixed_lines_rest(eye: Slit) -> None:
    y = np.array([-0.3, -0.1, 0.05, 0.3])
    moved = eye.forward(np.zeros(4), y, level(0.04), level(0.06))
    np.testing.assert_allclose(moved - y, [0, -0.04, 0.06, 0], atol=1e-6)


def test_the_open_share_of_a_pixel_is_the_overlap(eye: Slit) -> None:
    y = np.array([-0.2, -0.1, -0.05, 0.05, 0.06], np.float32)
    _, hole = eye.backward(np.zeros(5, np.float32), y, level(0), level(0), 0.04)
    np.testing.assert_allclose(hole, [0, 0.5, 1, 0.5, 0.25], atol=1e-5)


def test_a_closed_slit_shows_nothing() -> None:
    mouth = Slit(level(1), level(1), level(0.8), level(1.3))
    y = np.linspace(0.5, 1.5, 101, dtype=np.float32)
    rest, hole = mouth.backward(np.zeros_like(y), y, level(0), level(0), 0.02)
    assert (hole == 0).all()
    np.testing.assert_allclose(rest, y, atol=1e-6)
