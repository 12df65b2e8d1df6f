"""Motion images, mirrored and magnified."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from data_modules.flow import HIGH, LOW, STRAIN, U, V, magnify, mirror, to_float


def images(*batch: int, seed: int = 0) -> Tensor:
    return torch.rand(*batch, 3, 6, 5, generator=torch.Generator().manual_seed(seed)) - 0.5


def motion(seed: int = 0) -> Tensor:
    """A small motion of every pixel, (2, height, width): u, v."""
    return 0.01 * torch.randn(2, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def image_of(field: Tensor) -> Tensor:
    """The image of a motion, from the definition of optical strain."""
    u_y, u_x = torch.gradient(field[0])
    v_y, v_x = torch.gradient(field[1])
    strain = (u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2).sqrt()
    return torch.stack([field[0], field[1], strain + LOW])


# --- Mirrored ---


@pytest.mark.parametrize("batch", [(), (4,), (4, 2)])
def test_mirrored_twice_an_image_is_itself_again(batch: tuple[int, ...]) -> None:
    assert torch.equal(mirror(mirror(images(*batch))), images(*batch))


def test_the_mirrored_motion_goes_left_where_it_went_right() -> None:
    image = torch.zeros(3, 4, 4)
    image[U, 1, 0], image[V, 1, 0], image[STRAIN, 1, 0] = 0.25, 0.125, 0.375
    mirrored = mirror(image)
    assert mirrored[:, 1, 3].tolist() == [-0.25, 0.125, 0.375]
    assert mirrored[:, 1, 0].tolist() == [0, 0, 0]


def test_the_mirrored_image_is_the_image_of_the_mirrored_motion() -> None:
    u, v = motion()
    mirrored = torch.stack([-u.flip(-1), v.flip(-1)])
    assert torch.allclose(mirror(image_of(motion())), image_of(mirrored), atol=1e-12)


def test_mirroring_leaves_the_image_that_it_is_given_as_it_was() -> None:
    image = images(2, 1)
    mirror(image)
    assert torch.equal(image, images(2, 1))


# --- Magnified ---


def test_gain_1_changes_nothing() -> None:
    assert torch.allclose(magnify(images(3, 2), 1.0), images(3, 2), atol=1e-7)


@settings(deadline=None)
@given(st.floats(0, 100))
def test_no_motion_stays_no_motion(gain: float) -> None:
    rest = torch.tensor([0.0, 0.0, LOW])[:, None, None].expand(3, 6, 5)
    assert torch.equal(magnify(rest, gain), rest)


@settings(deadline=None)
@given(st.floats(0, 100))
def test_what_leaves_the_range_is_clipped(gain: float) -> None:
    magnified = magnify(images(4), gain)
    assert magnified.min() >= LOW
    assert magnified.max() <= HIGH


def test_both_ends_of_the_range_are_reached() -> None:
    magnified = magnify(images(4), 100.0)
    assert (magnified[:, :2].min().item(), magnified[:, :2].max().item()) == (LOW, HIGH)
    assert magnified[:, STRAIN].max() == HIGH


def test_the_magnified_image_is_the_image_of_the_magnified_motion() -> None:
    assert torch.allclose(magnify(image_of(motion()), 3.0), image_of(3 * motion()), atol=1e-12)


def test_each_clip_may_have_its_own_gain() -> None:
    clips = images(2, 4)
    magnified = magnify(clips, torch.tensor([0.5, 2.0])[:, None, None, None, None])
    assert torch.equal(magnified[0], magnify(clips[0], 0.5))
    assert torch.equal(magnified[1], magnify(clips[1], 2.0))


def test_magnifying_leaves_the_image_that_it_is_given_as_it_was() -> None:
    image = images(2, 1)
    magnify(image, 4.0)
    assert torch.equal(image, images(2, 1))


# --- From 8 bits ---


def test_pixels_become_float32_from_end_to_end_of_the_range_in_equal_steps() -> None:
    floats = to_float(torch.arange(256, dtype=torch.uint8))
    assert floats.dtype == torch.float32
    assert (floats[0].item(), floats[-1].item()) == (LOW, HIGH)
    assert torch.allclose(floats.diff(), torch.tensor(1 / 255), atol=1e-7)
