"""Rendered frames: muscles move the skin as the Facial Action Coding System says, and the truth is what is rendered."""

import pickle
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from jaxtyping import Float64

from data_modules.rendered.camera import Camera
from data_modules.rendered.face import Face, draw_face
from data_modules.rendered.geometry import LEFT, RIGHT
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.scene import Scene, State, at_rest
from data_modules.representations.optical_flow import tvl1

SIZE = 128
SEEDS = (0, 1, 2)
EXPRESSIONS = ((6, 12), (4,), (1, 2), (15, 17), (9, 10), (1, 2, 5, 26), (14,), (20, 25), (23, 24))

# Landmarks: the image's left is the person's right.
INNER_BROW = {RIGHT: 21, LEFT: 22}
OUTER_BROW = {RIGHT: 18, LEFT: 25}
CORNER = {RIGHT: 48, LEFT: 54}
UPPER_LID = {RIGHT: 37, LEFT: 44}
LOWER_LID = {RIGHT: 41, LEFT: 46}
UPPER_LIP, LOWER_LIP, CHIN, INNER_UPPER, INNER_LOWER = 51, 57, 8, 62, 66
BROWS, EYES, MOUTH = range(17, 27), range(36, 48), range(48, 68)


@cache
def face(seed: int) -> Face:
    return draw_face(np.random.default_rng(seed))


@cache
def scene(seed: int = 0) -> Scene:
    return Scene(face(seed), Camera(SIZE, noise=1.2))


def show(*units: int, intensity: float = 1.0, sides: tuple[int, ...] = (LEFT, RIGHT)) -> State:
    table = at_rest()
    for unit in units:
        table[UNITS.index(unit), list(sides)] = intensity
    return State(table)


def motion(*units: int, seed: int = 0, sides: tuple[int, ...] = (LEFT, RIGHT)) -> Float64[np.ndarray, "68 2"]:
    """Return how the landmarks move, fractions of the face's width; x to the right, y downwards."""
    width = 2 * face(seed).scale * SIZE
    return (scene(seed).landmarks(show(*units, sides=sides)) - scene(seed).landmarks(show())) / width


def warped(second: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return what the second image shows where the points of the first have moved to."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    return cv2.remap(second.astype(np.float32), x + flow[0], y + flow[1], cv2.INTER_CUBIC)


def gray(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


def test_frames_are_colour_images_of_the_cameras_size() -> None:
    for size in (64, SIZE):
        frame = Scene(face(0), Camera(size)).render(show(), np.random.default_rng(0))
        assert frame.shape == (size, size, 3)
        assert frame.dtype == np.uint8
        assert frame.max() > 100
        assert frame.std() > 20


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first = Scene(face(0), Camera(SIZE)).render(show(12), np.random.default_rng(1))
    np.testing.assert_array_equal(first, Scene(face(0), Camera(SIZE)).render(show(12), np.random.default_rng(1)))
    assert (first != scene(0).render(show(12), np.random.default_rng(2))).mean() > 0.3
    assert (first != scene(1).render(show(12), np.random.default_rng(1))).mean() > 0.8


def test_a_scene_survives_pickling() -> None:
    copy = pickle.loads(pickle.dumps(scene()))
    np.testing.assert_array_equal(copy.render(show(4), None), scene().render(show(4), None))


def test_rendering_does_not_change_the_state_or_the_scene() -> None:
    state = State(show(12).units, mouth=-1.0)
    before = state.units.copy()
    first = scene().render(state, None)
    scene().render(show(1, 26), None)
    np.testing.assert_array_equal(state.units, before)
    np.testing.assert_array_equal(scene().render(state, None), first)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_muscles_move_the_skin_in_the_direction_the_coding_system_states(seed: int, side: int) -> None:
    outward = 1 if side == LEFT else -1

    def moved(unit: int, point: int) -> tuple[float, float]:
        x, y = motion(unit, seed=seed)[point]
        return outward * float(x), float(y)

    assert moved(1, INNER_BROW[side])[1] < -0.03
    assert moved(2, OUTER_BROW[side])[1] < -0.03
    together, down = moved(4, INNER_BROW[side])
    assert together < -0.015
    assert down > 0.02
    assert moved(5, UPPER_LID[side])[1] < -0.005
    assert moved(6, LOWER_LID[side])[1] < -0.005
    assert moved(7, LOWER_LID[side])[1] < -0.005
    assert moved(7, UPPER_LID[side])[1] > 0.002
    assert moved(9, 31 if side == RIGHT else 35)[1] < -0.01
    assert moved(10, UPPER_LIP)[1] < -0.015
    out, up = moved(12, CORNER[side])
    assert out > 0.03
    assert -0.07 < up < -0.03
    assert moved(14, CORNER[side])[0] > 0.01
    assert moved(15, CORNER[side])[1] > 0.03
    assert moved(17, LOWER_LIP)[1] < -0.01
    assert moved(17, CHIN)[1] < 0
    assert moved(20, CORNER[side])[0] > 0.04
    assert moved(23, CORNER[side])[0] < -0.015
    assert moved(24, UPPER_LIP)[1] > 0.01
    assert moved(24, LOWER_LIP)[1] < -0.01
    for unit in (25, 26):
        assert moved(unit, INNER_LOWER)[1] - moved(unit, INNER_UPPER)[1] > 0.03
    assert moved(26, CHIN)[1] > 0.08


@pytest.mark.parametrize("seed", SEEDS)
def test_muscles_hardly_move_other_parts_of_the_face(seed: int) -> None:
    for unit in UNITS:
        size = np.linalg.norm(motion(unit, seed=seed), axis=1)
        if unit in (1, 2, 4, 5, 7):
            assert size[list(MOUTH)].max() < 0.002, unit
        if unit in (10, 12, 14, 15, 17, 20, 23, 24, 25, 26):
            assert size[list(BROWS)].max() < 0.002, unit
        assert size.max() > 0.01, unit


@pytest.mark.parametrize("unit", UNITS)
def test_one_sided_units_move_one_side(unit: int) -> None:
    for side, other in ((LEFT, slice(0, SIZE // 3)), (RIGHT, slice(2 * SIZE // 3, SIZE))):
        flow = np.hypot(*scene().displacement(show(), show(unit, sides=(side,))))
        both = np.hypot(*scene().displacement(show(), show(unit)))
        assert flow.max() > 0.5
        assert flow[:, other].max() < 0.02 * max(float(both.max()), 1.0)


def test_motion_grows_with_intensity() -> None:
    sizes = [
        np.hypot(*scene().displacement(show(), show(12, intensity=intensity))).max()
        for intensity in (0.1, 0.2, 0.4, 0.8)
    ]
    np.testing.assert_allclose(np.divide(sizes[1:], sizes[:-1]), 2, rtol=0.02)


def test_the_same_state_has_no_motion() -> None:
    for state in (show(), show(4, 12, 26), State(show(9).units, 0.5, 0.5, (0.01, 0.02, 0.03))):
        assert np.abs(scene().displacement(state, state)).max() < 1e-5


def test_there_and_back_again_is_no_motion() -> None:
    first, second = show(), State(show(12, 1, intensity=0.5).units, head=(0.01, 0.0, 0.01))
    there, back = scene().displacement(first, second), scene().displacement(second, first)
    skin = scene().skin(first)
    arrived = np.stack([warped(channel, there) for channel in back])
    error = np.hypot(*(there + arrived))[skin]
    assert error.mean() < 0.02


def test_landmarks_move_with_the_skin() -> None:
    # Points amid the skin: landmarks at slits lie between two motions.
    points = [*range(18, 26), *range(28, 36)]
    for units in ((1, 2), (4, 9), (12,)):
        first, second = show(), State(show(*units).units, head=(0.01, -0.01, 0.02))
        was, becomes = (scene(1).landmarks(state)[points] for state in (first, second))
        flow = scene(1).displacement(first, second).transpose(1, 2, 0)
        skin = scene(1).skin(first)
        column, row = np.rint(was).astype(int).T
        seen = skin[row, column]
        assert seen.sum() > 8
        # OpenCV reads a row of points.
        x, y = was.astype(np.float32).T[..., None]
        there = cv2.remap(flow, x, y, cv2.INTER_LINEAR)[:, 0]
        assert np.abs(there - (becomes - was))[seen].max() < 0.2


def test_the_head_moves_skin_hair_and_eyes_but_not_the_wall() -> None:
    state = State(at_rest(), head=(0.02, -0.01, 0.0))
    u, v = scene(1).displacement(show(), state)
    moves = np.hypot(u, v) > 0
    assert moves[SIZE // 2, SIZE // 2]
    assert not moves[SIZE // 3, :3].any()
    np.testing.assert_allclose(u[moves], 0.02 * SIZE, atol=1e-3)
    np.testing.assert_allclose(v[moves], -0.01 * SIZE, atol=1e-3)


@pytest.mark.parametrize("units", EXPRESSIONS)
def test_warping_the_second_frame_back_by_the_truth_gives_the_first(units: tuple[int, ...]) -> None:
    for seed in SEEDS:
        first, second = State(at_rest(), head=(0.005, 0.0, 0.01)), show(*units)
        was, becomes = (scene(seed).render(state, None).astype(np.float32) for state in (first, second))
        flow = scene(seed).displacement(first, second)
        # Skin that is seen in both frames, a pixel away from what hides it.
        seen = scene(seed).skin(first) & (warped(scene(seed).skin(second), flow) > 0.99)
        seen = cv2.erode(seen.astype(np.uint8), np.ones((3, 3))) > 0
        error = np.abs(warped(becomes, flow) - was)[seen].mean()
        rest = np.abs(becomes - was)[seen].mean()
        # In gray levels; folds and bulges of the skin, which no motion explains, are in it.
        assert error < 3
        assert error < 0.6 * rest


def test_blinking_closes_the_eyes_and_shows_skin_in_their_place() -> None:
    for seed in SEEDS:
        middle = scene(seed).landmarks(show())
        for side in (LEFT, RIGHT):
            column, row = np.rint((middle[UPPER_LID[side]] + middle[LOWER_LID[side]]) / 2).astype(int)
            closed = State(at_rest(), blink=1.0)
            points = scene(seed).landmarks(closed)
            assert points[LOWER_LID[side], 1] - points[UPPER_LID[side], 1] == pytest.approx(0, abs=0.05)
            assert not scene(seed).skin(show())[row, column]
            if face(seed).glasses == "none":
                assert scene(seed).skin(closed)[row, column]


def test_speech_opens_and_presses_the_mouth() -> None:
    def gap(mouth: float) -> float:
        points = scene().landmarks(State(at_rest(), mouth=mouth))
        return float(points[INNER_LOWER, 1] - points[INNER_UPPER, 1])

    def lips(mouth: float) -> float:
        points = scene().landmarks(State(at_rest(), mouth=mouth))
        return float(points[LOWER_LIP, 1] - points[UPPER_LIP, 1])

    assert gap(0) == pytest.approx(0, abs=1e-3)
    assert gap(1) > gap(0.5) > 1
    assert lips(-1) < lips(0) - 1


def test_flicker_scales_the_brightness() -> None:
    bright, dim = (scene().render(State(at_rest(), light=light), None).astype(float) for light in (1.0, 0.8))
    assert dim.mean() / bright.mean() == pytest.approx(0.8, abs=0.01)


def test_skin_of_every_tone_has_structure_for_optical_flow() -> None:
    for tone in (0.0, 0.5, 1.0):
        shown = Scene(replace(face(0), tone=tone), Camera(SIZE))
        frame = gray(shown.render(show(), None)).astype(np.float32)
        detail = frame - cv2.GaussianBlur(frame, (0, 0), 3)
        assert detail[shown.skin(show())].std() > 1.5


def test_optical_flow_recovers_micro_motion_from_noisy_frames() -> None:
    # Mean end-point errors over the skin, pixels of 128, and that of an answer of no motion.
    errors, zero = [], []
    for seed in SEEDS:
        for units in ((6, 12), (1, 2), (4,), (9, 10)):
            first, second = show(), show(*units, intensity=0.25)
            noise = np.random.default_rng(seed)
            was, becomes = (gray(scene(seed).render(state, noise)) for state in (first, second))
            truth = scene(seed).displacement(first, second)
            moving = scene(seed).skin(first) & (np.hypot(*truth) > 0.3)
            errors.append(np.hypot(*(tvl1(was, becomes) - truth))[moving].mean())
            zero.append(np.hypot(*truth)[moving].mean())
    assert np.mean(errors) < 0.3
    assert np.mean(errors) < 0.5 * np.mean(zero)
