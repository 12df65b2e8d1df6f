"""Flow against exactly known motion: error, sign, direction of time, rest."""

import numpy as np
import pytest
from jaxtyping import Float

from data_modules.representations.optical_flow import FlowMethod, computed_with, dis, optical_flow, tvl1
from lightmannet.errors import DataError
from tests.moving_skin import bumps, moving_skin

METHODS: tuple[FlowMethod, ...] = ("tvl1", "dis")
INTERIOR = np.s_[:, 8:-8, 8:-8]
STATED = {"tvl1": {1.0: 0.05, 2.0: 0.07, 4.0: 0.1}, "dis": {1.0: 0.05, 2.0: 0.06, 4.0: 0.1}}


def error(flow: Float[np.ndarray, "2 height width"], truth: Float[np.ndarray, "2 height width"]) -> float:
    """Mean end-point error over the interior, in pixels."""
    return float(np.hypot(*(flow - truth)[INTERIOR]).mean())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("peak", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_error_is_below_the_stated_one_and_far_below_that_of_no_motion(
    method: FlowMethod, peak: float, seed: int
) -> None:
    motion = moving_skin(bumps(128, peak), seed)
    found = error(optical_flow(motion.first, motion.second, method), motion.field)
    assert found < STATED[method][peak]
    assert found < 0.5 * error(np.zeros_like(motion.field), motion.field)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [(0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (1.5, -1.0), (0.0, -3.0)])
def test_a_frame_that_shifts_as_a_whole_is_found_to_do_so_to_a_tenth_of_a_pixel(
    method: FlowMethod, shift: tuple[float, float]
) -> None:
    field = np.broadcast_to(np.array(shift)[:, None, None], (2, 128, 128)).copy()
    motion = moving_skin(field)
    flow = optical_flow(motion.first, motion.second, method)[INTERIOR]
    assert flow.mean(axis=(1, 2)) == pytest.approx(shift, abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_a_patch_that_moves_right_has_positive_u_and_one_that_moves_down_positive_v(method: FlowMethod) -> None:
    background = np.full((64, 64), 60, np.uint8)
    patch = np.random.default_rng(0).integers(100, 255, (6, 6), dtype=np.uint8).repeat(3, axis=0).repeat(3, axis=1)
    first, right, down = background.copy(), background.copy(), background.copy()
    first[20:38, 20:38] = patch
    right[20:38, 22:40] = patch
    down[22:40, 20:38] = patch
    to_the_right = optical_flow(first, right, method)[:, 24:34, 24:34].mean(axis=(1, 2))
    downwards = optical_flow(first, down, method)[:, 24:34, 24:34].mean(axis=(1, 2))
    assert to_the_right == pytest.approx([2, 0], abs=0.6)
    assert downwards == pytest.approx([0, 2], abs=0.6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [16, 28, 31, 128])
def test_identical_frames_have_exactly_no_motion(method: FlowMethod, size: int) -> None:
    frame = moving_skin(np.zeros((2, size, size))).first
    flow = optical_flow(frame, frame.copy(), method)
    assert flow.shape == (2, size, size)
    assert flow.dtype == np.float32
    assert not flow.any()


@pytest.mark.parametrize("method", METHODS)
def test_frames_without_texture_give_finite_flow(method: FlowMethod) -> None:
    black = np.zeros((32, 32), np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    for first, second in [(black, black + 255), (black, noise), (noise, black)]:
        assert np.isfinite(optical_flow(first, second, method)).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_view_into_a_larger_array_gives_the_same_flow_and_stays_as_it_was(method: FlowMethod) -> None:
    motion = moving_skin(bumps(48, 1.0))
    frames = np.stack([motion.first, motion.second], axis=-1)
    before = frames.copy()
    flow = optical_flow(frames[..., 0], frames[..., 1], method)
    assert np.array_equal(flow, optical_flow(motion.first, motion.second, method))
    assert np.array_equal(frames, before)


def test_the_named_method_is_the_one_that_computes() -> None:
    motion = moving_skin(bumps(48, 1.0))
    assert np.array_equal(optical_flow(*motion[:2], "tvl1"), tvl1(*motion[:2]))
    assert np.array_equal(optical_flow(*motion[:2], "dis"), dis(*motion[:2]))
    assert not np.array_equal(tvl1(*motion[:2]), dis(*motion[:2]))
    assert computed_with("tvl1").startswith("scikit-image ")
    assert computed_with("dis").startswith("OpenCV ")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [8, 15])
def test_frames_that_are_too_small_are_refused(method: FlowMethod, size: int) -> None:
    frame = np.zeros((size, 32), np.uint8)
    with pytest.raises(DataError, match=rf"\({size}, 32\).*crop both to one size of at least 16"):
        optical_flow(frame, frame, method)
