"""Clips turned, zoomed, lighter or darker, blurred, noisy and partly hidden."""

import os
import random as python_random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from data_modules.corpus import InputKind
from data_modules.flow import HIGH, LOW, STRAIN, U, V
from data_modules.frame_augmentation import FrameAugmentation, _albumentations, moved_content

CENTRE = 14  # of 29 pixels
REPEAT_BORDER = 1


def changes(
    rotation: float = 0.0,
    zoom: float = 0.0,
    brightness: float = 0.0,
    contrast: float = 0.0,
    blur: float = 0.0,
    noise: float = 0.0,
    occlusion: float = 0.0,
) -> FrameAugmentation:
    return FrameAugmentation(rotation, zoom, brightness, contrast, blur, noise, occlusion)


ALL = changes(15.0, 0.2, 0.2, 0.2, 1.0, 0.05, 0.25)
SINGLE = {
    "rotation": changes(rotation=15.0),
    "zoom": changes(zoom=0.2),
    "brightness": changes(brightness=0.2),
    "contrast": changes(contrast=0.2),
    "blur": changes(blur=2.0),
    "noise": changes(noise=0.05),
    "occlusion": changes(occlusion=0.25),
}


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def noisy(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) - 0.5


def grid() -> tuple[Tensor, Tensor]:
    """Position (y, x) of each of 29 × 29 pixels from the centre."""
    line = torch.arange(29.0) - CENTRE
    y, x = torch.meshgrid(line, line, indexing="ij")
    return y, x


def field(u: Tensor | float, v: Tensor | float, strain: Tensor | float = LOW, clips: int = 1) -> Tensor:
    """Clips of one 29 × 29 motion image each."""
    return torch.stack([torch.zeros(29, 29) + part for part in (u, v, strain)]).expand(clips, 1, 3, 29, 29)


def spot(x: float, y: float) -> Tensor:
    """A round spot, 0..1, with its middle at (x, y) from the centre."""
    rows, columns = grid()
    return torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 4)


def middle(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Middle (x, y) of each image's weights, from the centre."""
    rows, columns = grid()
    total = weights.sum((-2, -1))
    return (weights * columns).sum((-2, -1)) / total, (weights * rows).sum((-2, -1)) / total


def turned(degrees: float, inputs: Tensor) -> Tensor:
    """The clip turned by exactly this many degrees against the clock."""
    return moved_content(inputs, "motion", torch.tensor([float(degrees)]), torch.ones(1))


# --- Turned and zoomed ---


@pytest.mark.parametrize(("degrees", "expected"), [(-90, (0, 0.4)), (90, (0, -0.4)), (180, (-0.4, 0))])
def test_turned_clockwise_motion_to_the_right_becomes_motion_downwards(
    degrees: int, expected: tuple[float, float]
) -> None:
    # y and v point down, so that clockwise, as seen, leads from +x to +y.
    right = field(0.4, 0.0, strain=noisy(29, 29))
    after = turned(degrees, right)
    assert torch.allclose(after[0, 0, U], torch.tensor(float(expected[0])), atol=1e-6)
    assert torch.allclose(after[0, 0, V], torch.tensor(float(expected[1])), atol=1e-6)
    # NumPy turns against the clock.
    assert torch.allclose(after[0, 0, STRAIN], torch.rot90(right[0, 0, STRAIN], degrees // 90), atol=1e-6)


@pytest.mark.parametrize("rotation", [10.0, 180.0])
def test_vectors_turn_as_the_content_does(rotation: float) -> None:
    # The motion points from the centre at a spot, drawn in the third channel, and must do so afterwards.
    changed = changes(rotation=rotation)(field(0.3, 0.0, spot(8, 0) + LOW, clips=200), "motion", random())
    x, y = middle(changed[:, 0, STRAIN] - LOW)
    angle, spot_angle = torch.atan2(changed[:, 0, V], changed[:, 0, U]), torch.atan2(y, x)
    # The difference of two angles: of -180 and 180 degrees it is 0.
    apart = (
        torch.sin(angle - spot_angle[:, None, None]).abs().max() + (1 - torch.cos(angle[:, 9, 9] - spot_angle)).max()
    )
    assert apart < 0.02
    degrees = torch.rad2deg(angle[:, 14, 14])
    assert -rotation - 1e-3 <= degrees.min() < -0.95 * rotation
    assert 0.95 * rotation < degrees.max() <= rotation + 1e-3
    assert degrees.mean().abs() < 0.15 * rotation


def test_a_turned_field_of_rigid_rotation_or_growth_is_the_same_field() -> None:
    y, x = grid()
    inside = x**2 + y**2 < 12**2
    for u, v in ((-y, x), (x, y), (y - 2 * x, -x - 2 * y)):
        before = field(u / 80, v / 80, clips=20)
        after = changes(rotation=180.0)(before, "motion", random())
        assert torch.allclose(after[..., inside], before[..., inside], atol=2e-3)


def test_zoomed_vectors_grow_with_the_content_and_strain_does_not() -> None:
    inputs = field(0.2, -0.1, 0.1, clips=200).repeat(1, 2, 1, 1, 1)
    inputs[:, 1, STRAIN] = spot(6, 4) + LOW
    changed = changes(zoom=0.3)(inputs, "motion", random())
    factor = changed[:, 0, U, CENTRE, CENTRE] / 0.2
    assert 0.7 <= factor.min() < 0.72
    assert 1.28 < factor.max() <= 1.3
    assert torch.allclose(changed[:, :, U], 0.2 * factor[:, None, None, None], atol=1e-6)
    assert torch.allclose(changed[:, :, V], -0.1 * factor[:, None, None, None], atol=1e-6)
    assert torch.allclose(changed[:, 0, STRAIN], torch.tensor(0.1), atol=1e-6)
    x, y = middle(changed[:, 1, STRAIN] - LOW)
    assert torch.allclose(x, 6 * factor, atol=0.05)
    assert torch.allclose(y, 4 * factor, atol=0.05)


def test_a_zoomed_field_of_growth_is_the_same_field() -> None:
    y, x = grid()
    inside = x**2 + y**2 < 9**2
    before = field(x / 80, y / 80, clips=20)
    after = changes(zoom=0.3)(before, "motion", random())
    assert torch.allclose(after[..., inside], before[..., inside], atol=2e-3)


def test_motion_that_grows_out_of_the_range_is_clipped() -> None:
    assert changes(zoom=0.3)(field(0.48, -0.48, clips=50), "motion", random()).abs().max() == HIGH


@pytest.mark.parametrize("kind", ["difference", "frames"])
def test_the_values_of_other_images_than_motion_stay_when_they_are_turned_and_zoomed(kind: InputKind) -> None:
    inputs = field(0.2, -0.1, 0.3, clips=20)
    assert torch.allclose(changes(rotation=40.0, zoom=0.3)(inputs, kind, random()), inputs, atol=1e-6)


def test_what_comes_in_from_outside_repeats_the_border() -> None:
    y, _ = grid()
    stripes = field((y / 28).sign() * 0.25, 0.0, clips=30)
    changed = changes(zoom=0.5)(stripes, "difference", random())
    assert torch.allclose(changed[..., U, 0, :], torch.tensor(-0.25), atol=1e-6)
    assert torch.allclose(changed[..., U, -1, :], torch.tensor(0.25), atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28), (20, 31)])
def test_content_moves_as_albumentations_moves_it(shape: tuple[int, int]) -> None:
    # Smooth images, since OpenCV rounds the places that it interpolates at to a 32nd of a pixel.
    images = torch.nn.functional.avg_pool2d(noisy(1, 2, shape[0] + 4, shape[1] + 4), 5, 1)[:, None]
    for degrees, factor in ((0.0, 1.2), (25.0, 1.0), (-70.0, 0.8)):
        affine = _albumentations().Affine(
            rotate=(degrees, degrees), scale=(factor, factor), keep_ratio=True, border_mode=REPEAT_BORDER, p=1
        )
        theirs = affine(image=images[0, 0].permute(1, 2, 0).numpy())["image"]
        ours = moved_content(images, "difference", torch.tensor([degrees]), torch.tensor([factor]))
        torch.testing.assert_close(ours[0, 0].permute(1, 2, 0), torch.from_numpy(theirs), rtol=0, atol=6e-3)


# --- One draw per clip ---


@pytest.mark.parametrize("kind", ["motion", "difference", "frames"])
@pytest.mark.parametrize("name", sorted(SINGLE.keys() - {"noise"}))
def test_equal_phases_stay_equal_and_equal_clips_do_not(name: str, kind: InputKind) -> None:
    inputs = noisy(1, 1, 3, 12, 14).expand(30, 4, 3, 12, 14)
    changed = SINGLE[name](inputs, kind, random())
    assert torch.equal(changed, changed[:, :1].expand_as(changed))
    ignored = kind != "frames" and name in ("brightness", "contrast")
    assert torch.equal(changed, changed[:1].expand_as(changed)) == ignored
    assert torch.equal(changed, inputs) == ignored


@pytest.mark.parametrize("kind", ["motion", "difference", "frames"])
def test_noise_is_another_one_in_each_phase_channel_and_pixel(kind: InputKind) -> None:
    changed = changes(noise=0.05)(torch.zeros(3, 4, 3, 50, 50), kind, random())
    images = changed.reshape(36, 2500)
    assert torch.allclose(images.std(1), torch.tensor(0.05), atol=0.004)
    assert torch.allclose(images.mean(1), torch.tensor(0.0), atol=0.004)
    others = torch.corrcoef(images) - torch.eye(36)
    assert others.abs().max() < 0.1


def test_what_one_operation_draws_says_nothing_of_what_another_draws() -> None:
    # The sum of a spot on black tells the contrast, its breadth the blur.
    y, x = grid()
    inputs = (0.5 * spot(0, 0) + LOW).expand(300, 1, 1, 29, 29)
    light = changes(contrast=0.5, blur=2.0)(inputs, "frames", random())[:, 0, 0] - LOW
    total = light.sum((-2, -1))
    breadth = (light * (x**2 + y**2)).sum((-2, -1)) / total
    assert torch.corrcoef(torch.stack([total, breadth]))[0, 1].abs() < 0.2


def test_an_operation_draws_the_same_whatever_else_is_on() -> None:
    inputs = field(0.3, 0.0, clips=10)
    alone = changes(rotation=15.0)(inputs, "motion", random())
    assert torch.allclose(changes(rotation=15.0, blur=2.0)(inputs, "motion", random()), alone, atol=1e-6)


# --- Light ---


def test_brightness_is_added_to_frames() -> None:
    inputs = torch.tensor([-0.2, 0.0, 0.1]).expand(200, 2, 1, 5, 3)
    added = changes(brightness=0.25)(inputs, "frames", random()) - inputs
    assert torch.allclose(added, added[:, :1, :, :1, :1].expand_as(added), atol=1e-6)
    assert -0.25 <= added.min() < -0.24
    assert 0.24 < added.max() <= 0.25 + 1e-6


def test_contrast_is_a_factor_of_the_light_and_black_stays_black() -> None:
    light = torch.tensor([0.0, 0.2, 0.5])
    changed = changes(contrast=0.4)((light + LOW).expand(200, 2, 1, 5, 3), "frames", random()) - LOW
    factor = changed[..., 2:] / 0.5
    assert torch.allclose(changed, factor * light, atol=1e-6)
    assert 0.6 - 1e-6 <= factor.min() < 0.62
    assert 1.38 < factor.max() <= 1.4 + 1e-6


def test_blur_spreads_a_spot_by_at_most_its_standard_deviation_and_keeps_its_sum() -> None:
    y, x = grid()
    before = spot(0, 0)
    after = changes(blur=2.0)((before + LOW).expand(200, 1, 1, 29, 29), "frames", random())[:, 0, 0] - LOW
    assert torch.allclose(after.sum((-2, -1)), before.sum(), rtol=1e-3)
    # Variances of convolved densities add up; the two of each are along x and y.
    variance = ((after * (x**2 + y**2)).sum((-2, -1)) - (before * (x**2 + y**2)).sum()) / before.sum() / 2
    sigma = variance.clamp(min=0).sqrt()
    assert sigma.min() < 0.3
    assert 1.9 < sigma.max() <= 2.0


# --- Hidden ---


@pytest.mark.parametrize("kind", ["motion", "difference", "frames"])
def test_one_square_at_one_place_of_each_clip_shows_rest(kind: InputKind) -> None:
    inputs = noisy(60, 2, 3, 12, 20)
    changed = changes(occlusion=0.25)(inputs, kind, random())
    rest = {
        "motion": torch.tensor([0.0, 0.0, LOW]).expand(60, 3),
        "difference": torch.zeros(60, 3),
        "frames": inputs.mean((1, 2, 3, 4))[:, None].expand(60, 3),
    }[kind]
    hidden = ((changed - inputs).abs() > 1e-6).any(2)
    places = set()
    for clip, value, (first, other) in zip(changed, rest, hidden, strict=True):
        assert torch.equal(first, other)
        rows, columns = torch.nonzero(first.any(1)).flatten(), torch.nonzero(first.any(0)).flatten()
        assert (len(rows), len(columns), int(first.sum())) == (3, 3, 9)
        assert torch.allclose(clip[:, :, first], value[:, None], atol=1e-6)
        places.add((int(rows[0]), int(columns[0])))
    assert len(places) > 30
    assert {min(y for y, _ in places), max(y for y, _ in places)} == {0, 9}


def test_the_square_shows_rest_even_where_there_is_noise() -> None:
    changed = changes(noise=0.1, occlusion=0.5)(noisy(5, 2, 3, 8, 8), "motion", random())
    rest = torch.tensor([0.0, 0.0, LOW])[:, None, None]
    assert ((changed == rest).all(2).sum((-2, -1)) == 16).all()


def test_the_smallest_square_is_one_pixel() -> None:
    changed = changes(occlusion=0.001)(noisy(5, 1, 1, 8, 8), "difference", random())
    assert ((changed == 0).sum((1, 2, 3, 4)) == 1).all()


# --- The generator decides all ---


@pytest.mark.parametrize("kind", ["motion", "difference", "frames"])
def test_no_other_generator_is_read_or_changed(kind: InputKind) -> None:
    inputs = noisy(4, 2, 3, 12, 14)
    python_random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = python_random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist(), torch.get_rng_state()
    first = ALL(inputs, kind, random())
    assert python_random.getstate() == before[0]
    assert np.random.get_state(legacy=False)["state"]["key"].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    python_random.seed(2)
    np.random.seed(2)
    torch.manual_seed(2)
    assert torch.equal(ALL(inputs, kind, random()), first)


def test_the_result_does_not_depend_on_what_came_before() -> None:
    inputs = noisy(6, 2, 3, 12, 14)
    first = ALL(inputs, "motion", random(3))
    ALL(noisy(5, 1, 3, 9, 9), "frames", random(4))
    assert torch.equal(ALL(inputs, "motion", random(3)), first)
    assert not torch.equal(ALL(inputs, "motion", random(4)), first)


def test_clips_behind_change_nothing_in_those_before() -> None:
    inputs = noisy(6, 2, 1, 12, 14)
    assert torch.equal(ALL(inputs[:2], "frames", random()), ALL(inputs, "frames", random())[:2])


class Batches(Dataset[Tensor]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Tensor:
        return ALL(noisy(2, 2, 3, 12, 14), "motion", random(index))


def test_worker_processes_make_the_same() -> None:
    here = list(DataLoader(Batches(), batch_size=None))
    there = list(DataLoader(Batches(), batch_size=None, num_workers=1))
    assert all(torch.equal(one, other) for one, other in zip(here, there, strict=True))


# --- Any options, any clips ---


@settings(deadline=None, max_examples=60)
@given(
    augmentation=st.builds(
        FrameAugmentation,
        rotation=st.just(0.0) | st.floats(0, 180),
        zoom=st.just(0.0) | st.floats(0, 1, exclude_max=True),
        brightness=st.just(0.0) | st.floats(0, 1),
        contrast=st.just(0.0) | st.floats(0, 1),
        blur=st.sampled_from([0.0, 5e-324]) | st.floats(0, 20),
        noise=st.just(0.0) | st.floats(0, 1),
        occlusion=st.just(0.0) | st.floats(0, 1, exclude_max=True),
    ),
    kind_and_channels=st.sampled_from([("motion", 3), ("frames", 1), ("frames", 3), ("difference", 1)])
    | st.tuples(st.just("difference"), st.integers(2, 6)),
    shape=st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 12), st.integers(1, 12)),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_any_clips_keep_their_shape_and_range_and_are_left_as_they_were(
    augmentation: FrameAugmentation, kind_and_channels: Any, shape: tuple[int, int, int, int], dtype: torch.dtype
) -> None:
    kind, channels = kind_and_channels
    clips, phases, height, width = shape
    inputs = noisy(clips, phases, channels, height, width).to(dtype)
    kept = inputs.clone()
    changed = augmentation(inputs, kind, random())
    assert changed.shape == inputs.shape
    assert changed.dtype == dtype
    assert ((changed >= LOW) & (changed <= HIGH)).all()
    assert torch.equal(inputs, kept)


def test_albumentations_never_looks_for_a_newer_version() -> None:
    ALL(noisy(1, 1, 3, 8, 8), "motion", random())
    assert os.environ["NO_ALBUMENTATIONS_UPDATE"] == "1"
