import numpy as np
import pytest

from lightmannet.pictures.panels import heat_panel, motion_panel

SIZE = 128


def face(structure: int = 60) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(120 - structure, 121 + structure, (32, 32, 3)).astype(np.uint8)
    return coarse.repeat(4, 0).repeat(4, 1)


def changed(frame: np.ndarray, flow: np.ndarray) -> np.ndarray:
    still = motion_panel(frame, np.zeros_like(flow))[0]
    return np.asarray((motion_panel(frame, flow)[0] != still).any(-1))


def test_arrows_are_where_the_face_moves_and_nowhere_else() -> None:
    flow = np.zeros((2, SIZE, SIZE), np.float32)
    flow[0, 32:64, 32:64] = 2
    drawn = changed(face(), flow)
    assert drawn[32:64, 32:64].mean() > 0.2
    assert not drawn[:28].any()
    assert not drawn[72:].any()


@pytest.mark.parametrize(("axis", "sign"), [(0, 1), (0, -1), (1, 1), (1, -1)])
def test_arrows_point_where_the_skin_goes(axis: int, sign: int) -> None:
    flow = np.zeros((2, SIZE, SIZE), np.float32)
    flow[axis, 56:80, 56:80] = sign * 4  # the fields of nine arrows, that in the middle with its foot at 68, 68
    rows, columns = np.nonzero(changed(face(), flow))
    reach = (columns if axis == 0 else rows) - 68
    assert 14 < (reach * sign).max() < 26
    assert -14 < (reach * sign).min() < -6


def test_arrows_are_as_long_as_said() -> None:
    flow = np.full((2, SIZE, SIZE), 0.5, np.float32) * np.array([1, 0], np.float32)[:, None, None]
    assert motion_panel(face(), flow)[1] == 10
    assert motion_panel(face(), 20 * flow)[1] == pytest.approx(1.5 * SIZE / 16 / 10)


def test_a_wall_without_structure_gets_no_arrows() -> None:
    flow = np.ones((2, SIZE, SIZE), np.float32)
    assert changed(face(), flow).any()
    assert not changed(face(structure=1), flow).any()


def test_heat_colours_its_place_and_leaves_the_rest_grey() -> None:
    heat = np.zeros((SIZE, SIZE), np.float32)
    heat[:64] = 1
    drawn = heat_panel(face(), heat).astype(int)
    assert (drawn[:64, :, 0] - drawn[:64, :, 2]).min() > 50
    assert np.array_equal(drawn[64:, :, 0], drawn[64:, :, 2])
