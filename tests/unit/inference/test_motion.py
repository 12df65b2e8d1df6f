"""Motion of the head and of the face, told apart."""

import numpy as np
import pytest

from lightmannet.inference.motion import divide
from tests.moving_skin import bumps


@pytest.mark.parametrize("size", [33, 64, 96])
def test_shift_turn_and_growth_are_the_heads(size: int) -> None:
    y, x = np.mgrid[:size, :size] - size / 2
    flow = np.stack([1.5 + 0.02 * x - 0.03 * y, -0.5 + 0.03 * x + 0.02 * y]).astype(np.float32)
    found = divide(flow)
    expected = np.sqrt((flow[:, 1::2, 1::2].astype(np.float64) ** 2).sum(0).mean()) / size
    assert found.head == pytest.approx(expected, rel=1e-5)
    assert found.face < 1e-6


def test_what_moves_in_a_face_is_seen_beside_the_head() -> None:
    size = 96
    face = divide(bumps(size, 2.0).astype(np.float32))
    both = divide((bumps(size, 2.0) + 3.0).astype(np.float32))
    assert face.face > 5 * face.head
    assert both.face == pytest.approx(face.face, rel=1e-4)
    assert both.head == pytest.approx(3 * np.sqrt(2) / size, rel=0.1)
    assert divide(bumps(size, 4.0).astype(np.float32)).face == pytest.approx(2 * face.face, rel=1e-4)
