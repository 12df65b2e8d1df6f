"""Fields: anatomy in the right direction, mirror symmetry, strain against an independent computation."""

import numpy as np
import pytest
import torch
from jaxtyping import Float64

from data_modules.flow import SIZE, mirror, optical_strain
from data_modules.synthetic.action_units import read_action_units
from data_modules.synthetic.anatomy import BUMPS, anatomy
from data_modules.synthetic.fields import flow_noise, head_motion, skin_motion
from data_modules.synthetic.images import FLOW_RANGE, STRAIN_RANGE, to_images
from data_modules.synthetic.people import ALIKE, LEFT, RIGHT, draw_people

TABLE = read_action_units()


def unit_field(unit: int, sides: tuple[int, ...] = (LEFT, RIGHT)) -> Float64[np.ndarray, "clip 2 height width"]:
    """Field of one action unit at intensity 1 on the average face."""
    face = anatomy(TABLE.units)
    person = draw_people(face, len(TABLE.units), 1, np.random.default_rng(0), ALIKE)
    active = np.zeros((1, len(BUMPS), 2, 1))
    for side in sides:
        active[:, face.unit == TABLE.units.index(unit), side] = 1.0
    return skin_motion(person.centre, person.extent, person.displacement * active)


def at(field: Float64[np.ndarray, "clip 2 height width"], x: float, y: float) -> tuple[float, float]:
    """(u, v) at a place given in fractions of the image."""
    row, column = round(y * SIZE - 0.5), round(x * SIZE - 0.5)
    return float(field[0, 0, row, column]), float(field[0, 1, row, column])


def test_every_unit_of_the_table_moves_the_face() -> None:
    for unit in TABLE.units:
        assert np.abs(unit_field(unit)).max() > 0.5, unit


def test_lip_corner_puller_moves_mouth_corners_up_and_outwards() -> None:
    field = unit_field(12)
    left, right = at(field, 0.25, 0.62), at(field, 0.75, 0.62)
    assert left[1] < -1
    assert right[1] < -1
    assert left[0] < -0.5
    assert right[0] > 0.5


def test_brow_raisers_move_brows_up_and_the_brow_lowerer_down_and_together() -> None:
    assert at(unit_field(1), 0.38, 0.15)[1] < -1
    assert at(unit_field(2), 0.18, 0.16)[1] < -1
    left, right = at(unit_field(4), 0.38, 0.17), at(unit_field(4), 0.62, 0.17)
    assert left[1] > 0.5
    assert right[1] > 0.5
    assert left[0] > 0.5
    assert right[0] < -0.5


@pytest.mark.parametrize(
    ("unit", "y", "down"),
    [
        (5, 0.26, -1),
        (6, 0.46, -1),
        (9, 0.41, -1),
        (10, 0.58, -1),
        (15, 0.66, 1),
        (17, 0.87, -1),
        (26, 0.89, 1),
        (27, 0.89, 1),
    ],
)
def test_other_units_move_their_place_up_or_down(unit: int, y: float, down: int) -> None:
    row = round(y * SIZE - 0.5)
    strongest = unit_field(unit)[0, 1, row]
    assert np.abs(strongest).max() > 0.5
    assert np.sign(strongest[np.abs(strongest).argmax()]) == down


def test_a_unit_on_the_right_mirrors_the_same_unit_on_the_left() -> None:
    for unit in TABLE.units:
        left, right = unit_field(unit, (LEFT,)), unit_field(unit, (RIGHT,))
        expected = left[..., ::-1] * np.array([-1.0, 1.0])[None, :, None, None]
        np.testing.assert_allclose(right, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(to_images(right), mirror(to_images(left)), rtol=0, atol=1e-6)


def test_strain_equals_finite_differences_written_out_pixel_by_pixel() -> None:
    field = unit_field(12) + 0.1 * flow_noise(1, 1.5, np.random.default_rng(1))
    u, v = field[0]

    def slope(values: Float64[np.ndarray, " pixel"], i: int) -> float:
        low, high = max(i - 1, 0), min(i + 1, SIZE - 1)
        return float((values[high] - values[low]) / (high - low))

    expected = np.empty((SIZE, SIZE))
    for row in range(SIZE):
        for column in range(SIZE):
            u_x, u_y = slope(u[row], column), slope(u[:, column], row)
            v_x, v_y = slope(v[row], column), slope(v[:, column], row)
            expected[row, column] = (u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2) ** 0.5
    np.testing.assert_allclose(optical_strain(field)[0], expected, rtol=0, atol=1e-12)
    stored = (expected / STRAIN_RANGE - 0.5).clip(-0.5, 0.5)
    np.testing.assert_allclose(to_images(field)[0, 2].numpy(), stored, rtol=0, atol=1e-6)


def test_images_scale_displacement_by_one_factor_and_clip_it() -> None:
    field = np.zeros((1, 2, SIZE, SIZE))
    field[0, 0] = FLOW_RANGE / 2
    field[0, 1] = -3 * FLOW_RANGE
    image = to_images(field)[0]
    assert image[0].unique().tolist() == [0.25]
    assert image[1].unique().tolist() == [-0.5]
    assert image[2].unique().tolist() == [-0.5]


def test_stretching_spans_the_range_and_leaves_a_constant_channel_at_zero() -> None:
    field = unit_field(12)
    field[:, 1] = 0.3
    image = to_images(field, stretched=True)[0]
    assert (float(image[0].min()), float(image[0].max())) == (-0.5, 0.5)
    assert image[1].unique().tolist() == [0.0]
    assert (float(image[2].min()), float(image[2].max())) == (-0.5, 0.5)


def test_shift_and_turn_of_the_head_strain_nothing_and_approach_strains_evenly() -> None:
    none, some = np.zeros(1), np.array([0.01])
    rigid = head_motion(np.array([[0.3, -0.2]]), some, none)
    np.testing.assert_allclose(optical_strain(rigid), 0, atol=1e-12)
    nearer = head_motion(np.zeros((1, 2)), none, some)
    np.testing.assert_allclose(optical_strain(nearer), 0.01 * 2**0.5, atol=1e-12)


def test_flow_noise_has_unit_variance_and_neighbours_agree() -> None:
    noise = flow_noise(200, 1.5, np.random.default_rng(0))
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 1, atol=0.25)
    assert abs(noise.std() - 1) < 0.03
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean()
    assert neighbours > 0.8
