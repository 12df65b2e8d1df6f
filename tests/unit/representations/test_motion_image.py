"""Motion images of known motion: units, scaling, strain, stretching, and the same face at another resolution."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float64

from data_modules.flow import HIGH, LOW, optical_strain
from data_modules.representations import ApexFlow, motion_image
from data_modules.representations.motion_image import area_average
from data_modules.representations.optical_flow import FlowMethod
from lightmannet.errors import ConfigurationError
from tests.moving_skin import bumps, moving_skin

METHODS: tuple[FlowMethod, ...] = ("tvl1", "dis")
Field = Float64[np.ndarray, "2 height width"]
TrueFlow = Callable[[Field], None]


def rendered(representation: ApexFlow, field: Field) -> np.ndarray:
    """The image of a texture that moves by ``field``."""
    motion = moving_skin(field)
    return representation.render(np.stack([motion.first, motion.second])[..., None])[0]


@pytest.fixture
def true_flow(monkeypatch: pytest.MonkeyPatch) -> TrueFlow:
    """A function that makes flow estimation answer with a given field."""

    def answer(field: Field) -> None:
        monkeypatch.setattr(motion_image, "optical_flow", lambda *_: field.astype(np.float32))

    return answer


def uniform(u: float, v: float, size: int) -> Field:
    return np.broadcast_to(np.array([u, v])[:, None, None], (2, size, size)).copy()


def blank(size: int) -> np.ndarray:
    return np.zeros((2, size, size, 1), np.uint8)


@pytest.mark.parametrize("size", [28, 56, 112])
def test_motion_by_full_scale_of_the_width_reaches_the_end_of_the_range(true_flow: TrueFlow, size: int) -> None:
    true_flow(uniform(0.05 * 112, -0.025 * 112, 112))
    image = ApexFlow(size=size, full_scale=0.05).render(blank(112))[0]
    assert image[0] == pytest.approx(0.5, abs=1e-6)
    assert image[1] == pytest.approx(-0.25, abs=1e-6)
    assert (image[2] == LOW).all()  # a motion of the whole image strains nothing


def test_larger_motion_and_strain_are_clipped(true_flow: TrueFlow) -> None:
    field = uniform(50, -50, 112)
    field[0, :, 56:] = -50
    true_flow(field)
    image = ApexFlow().render(blank(112))[0]
    assert set(np.unique(image[0])) == {LOW, HIGH}
    assert (image[1] == LOW).all()
    assert image[2].max() == HIGH


@pytest.mark.parametrize("full_strain", [0.2, 0.5])
def test_strain_is_that_of_the_averaged_field_in_pixels_of_the_image(true_flow: TrueFlow, full_strain: float) -> None:
    field = bumps(112, 3.0)
    true_flow(field)
    image = ApexFlow(full_strain=full_strain).render(blank(112))[0]
    strain = optical_strain(area_average(field.astype(np.float32), 28)[None])[0]
    assert image[2] == pytest.approx((strain / full_strain).clip(0, 1) - 0.5, abs=1e-6)
    assert strain.max() > 0.1


@settings(max_examples=20)
@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_strain_of_a_uniform_stretch_does_not_depend_on_the_size(across: float, down: float) -> None:
    y, x = np.mgrid[:112, :112].astype(np.float32)
    field = np.stack([across * x, down * y]).astype(np.float32)
    for size in (28, 56, 112):
        strain = optical_strain(area_average(field, size)[None])
        assert strain == pytest.approx(np.hypot(across, down), abs=1e-4)


def test_averaging_takes_the_mean_of_each_square_in_pixels_of_the_smaller_image() -> None:
    field = np.zeros((2, 4, 4), np.float32)
    field[0, :2, 2:] = [[1, 2], [3, 6]]
    field[1, 3, 0] = -8
    assert area_average(field, 2).tolist() == [[[0, 1.5], [0, 0]], [[0, 0], [-1, 0]]]
    assert np.array_equal(area_average(field, 4), field)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("size", "large"), [(64, 256), (128, 256)])
def test_the_same_face_at_twice_the_resolution_gives_the_same_image(method: FlowMethod, size: int, large: int) -> None:
    image = rendered(ApexFlow(method, size, working_size=128), bumps(128, 2.0))
    finer = rendered(ApexFlow(method, size, working_size=large), bumps(large, 2.0 * large / 128))
    motion = np.abs(image[:2]).max()
    assert motion > 0.1
    assert np.abs(image[:2] - finer[:2]).mean() < 0.02 * motion
    assert np.abs(image[:2] - finer[:2]).max() < 0.2 * motion


@pytest.mark.parametrize("method", METHODS)
def test_a_stored_image_shows_the_true_motion(method: FlowMethod) -> None:
    field = bumps(112, 2.0)
    image = rendered(ApexFlow(method), field)
    truth = area_average(field.astype(np.float32), 28) / (2 * 0.05 * 28)
    inside = np.s_[:, 2:-2, 2:-2]
    assert np.abs(image[:2] - truth)[inside].mean() < 0.3 * np.abs(truth[inside]).mean()
    assert np.corrcoef(image[:2][inside].ravel(), truth[inside].ravel())[0, 1] > 0.95


def test_stretched_channels_span_the_range_and_lose_the_amplitude(true_flow: TrueFlow) -> None:
    stretching = ApexFlow(stretch=True)
    true_flow(bumps(112, 1.0))
    small = stretching.render(blank(112))[0]
    true_flow(bumps(112, 2.0))
    large = stretching.render(blank(112))[0]
    assert small.min(axis=(1, 2)) == pytest.approx(LOW)
    assert small.max(axis=(1, 2)) == pytest.approx(HIGH)
    assert large == pytest.approx(small, abs=1e-5)
    # Stretching is affine: the order of values within a channel stays.
    plain = ApexFlow().render(blank(112))[0]
    for channel in range(3):
        assert np.corrcoef(plain[channel].ravel(), large[channel].ravel())[0, 1] == pytest.approx(1, abs=1e-6)


def test_a_channel_without_variation_is_stretched_to_no_motion(true_flow: TrueFlow) -> None:
    true_flow(uniform(2, 0, 112))
    image = ApexFlow(stretch=True).render(blank(112))[0]
    assert not image[:2].any()
    assert (image[2] == LOW).all()


@pytest.mark.parametrize(("size", "working"), [(28, 112), (30, 120), (56, 112), (64, 128), (112, 112), (200, 200)])
def test_flow_is_computed_at_the_smallest_multiple_of_the_size_of_at_least_112(size: int, working: int) -> None:
    assert ApexFlow(size=size).working_size == working


@pytest.mark.parametrize("working", [-28, 14, 29, 100])
def test_a_working_size_that_is_no_multiple_is_refused_and_one_that_works_is_named(working: int) -> None:
    with pytest.raises(
        ConfigurationError, match=f"working_size={working}: a multiple of size=28 is needed, such as 112"
    ):
        ApexFlow(working_size=working)


@pytest.mark.parametrize("option", ["full_scale", "full_strain"])
@pytest.mark.parametrize("value", [0.0, -0.1, float("nan"), float("inf")])
def test_a_range_that_is_no_positive_number_is_refused(option: str, value: float) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(ConfigurationError, match=f"{option}={value}: a number greater than 0"):
        ApexFlow(**options)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="method='farneback': one of tvl1, dis"):
        ApexFlow(method="farneback")  # type: ignore[arg-type]
