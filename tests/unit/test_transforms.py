"""Augmentation of motion images."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from data_modules.flow import HIGH, LOW, STRAIN, mirror
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from tests.clips import make_clips, same

MIRROR = Augmentation(mirror=True, shift=0, gain=0.0)
SHIFT = Augmentation(mirror=False, shift=2, gain=0.0)
GAIN = Augmentation(mirror=False, shift=0, gain=0.3)
ALL = Augmentation()


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def shifted(images: Tensor, y: int, x: int) -> Tensor:
    """The images moved y pixels down and x to the right, pixel by pixel."""
    moved = torch.empty_like(images)
    height, width = images.shape[-2:]
    for row in range(height):
        for column in range(width):
            from_row = min(max(row - y, 0), height - 1)
            from_column = min(max(column - x, 0), width - 1)
            moved[..., row, column] = images[..., from_row, from_column]
    return moved


def size(motion: Tensor) -> Tensor:
    """One number a clip."""
    return torch.linalg.vector_norm(motion, dim=(1, 2, 3, 4), keepdim=True)


@pytest.mark.parametrize("augmentation", [MIRROR, SHIFT, GAIN, ALL])
def test_all_phases_of_a_clip_get_the_same_draw_and_clips_different_ones(augmentation: Augmentation) -> None:
    one = make_clips(1, size=8)
    clips = replace(make_clips(40, size=8), inputs=one.inputs.expand(40, 3, -1, -1, -1))
    changed = augmentation(clips, random()).inputs
    assert changed.shape == (40, 3, 3, 8, 8)
    assert torch.equal(changed, changed[:, :1].expand_as(changed))
    assert not torch.equal(changed, changed[:1].expand_as(changed))


def test_about_half_of_the_clips_are_mirrored_and_the_others_stay() -> None:
    clips = make_clips(200, size=8, phases=2)
    changed = MIRROR(clips, random()).inputs
    mirrored = [torch.equal(new, mirror(old)) for new, old in zip(changed, clips.inputs, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(changed, clips.inputs, strict=True)]
    assert 80 < sum(mirrored) < 120
    assert sum(mirrored) + sum(kept) == 200


def test_each_clip_is_shifted_as_a_loop_over_its_pixels_would_by_every_offset_allowed() -> None:
    inputs = torch.rand(300, 2, 3, 5, 7, generator=torch.Generator().manual_seed(0)) - 0.5  # higher is not wider
    clips = replace(make_clips(300, size=6), inputs=inputs)
    changed = SHIFT(clips, random()).inputs
    offsets = [(y, x) for y in range(-2, 3) for x in range(-2, 3)]
    references = torch.stack([shifted(inputs, y, x) for y, x in offsets])
    found = (references == changed).flatten(2).all(-1)
    assert found.sum(0).tolist() == [1] * 300
    times = Counter(found.int().argmax(0).tolist())
    assert len(times) == 25
    assert max(times.values()) < 30  # of 12


def test_the_motion_of_a_clip_is_scaled_around_no_motion() -> None:
    # Weak enough not to be clipped.
    weak = 0.5 * make_clips(200, size=6, phases=2).inputs
    weak[:, :, STRAIN] -= 0.25
    changed = GAIN(replace(make_clips(200), inputs=weak), random()).inputs
    rest = torch.tensor([0.0, 0.0, LOW])[:, None, None]
    factors = size(changed - rest) / size(weak - rest)
    assert torch.allclose(changed - rest, factors * (weak - rest), atol=1e-6)
    assert 0.7 <= factors.min() < 0.72
    assert 1.28 < factors.max() <= 1.3


def test_strong_motion_is_clipped_to_the_range() -> None:
    changed = GAIN(make_clips(50, size=6), random()).inputs
    assert (changed.min().item(), changed.max().item()) == (LOW, HIGH)


@pytest.mark.parametrize("augmentation", [MIRROR, SHIFT, GAIN, ALL])
def test_the_generator_decides_all(augmentation: Augmentation) -> None:
    clips = make_clips(20, size=8)
    first = augmentation(clips, random(1))
    assert same(first, augmentation(clips, random(1)))
    assert not same(first, augmentation(clips, random(2)))


def test_switched_off_it_changes_nothing() -> None:
    clips = make_clips(20, size=8)
    assert same(Augmentation(mirror=False, shift=0, gain=0.0)(clips, random()), clips)


@pytest.mark.parametrize("augmentation", [MIRROR, SHIFT, GAIN, ALL])
def test_the_clips_that_it_is_given_stay_as_they_were(augmentation: Augmentation) -> None:
    clips = make_clips(20, size=8, phases=2)
    augmentation(clips, random())
    assert same(clips, make_clips(20, size=8, phases=2))


def test_only_the_images_change() -> None:
    clips = make_clips(20, size=8)
    changed = ALL(clips, random())
    assert same(Clips(clips.inputs, changed.labels, changed.subjects, changed.ids), clips)
    assert changed.inputs.dtype == clips.inputs.dtype


def test_no_clips_stay_no_clips() -> None:
    assert len(ALL(make_clips(3).select([]), random())) == 0


@pytest.mark.parametrize(("shift", "gain"), [(-1, 0.3), (2, -0.1), (2, 1.0)])
def test_values_out_of_range_are_refused(shift: int, gain: float) -> None:
    message = f"needs shift >= 0 and 0 <= gain < 1, but has shift: {shift}, gain: {gain}"
    with pytest.raises(ConfigurationError, match=message):
        Augmentation(shift=shift, gain=gain)
