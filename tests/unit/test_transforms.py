"""Augmentation of motion images, differences and frames."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from data_modules.corpus import InputKind
from data_modules.flow import HIGH, LOW, STRAIN, magnify, mirror
from data_modules.frame_augmentation import FrameAugmentation
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from tests.clips import make_clips, same

MIRROR = Augmentation(mirror=True, shift=0, gain=0.0)
SHIFT = Augmentation(mirror=False, shift=2, gain=0.0)
GAIN = Augmentation(mirror=False, shift=0, gain=0.3)
ALL = Augmentation()
EVERYTHING = Augmentation(True, 2, 0.3, 15.0, 0.2, 0.2, 0.2, 1.0, 0.05, 0.25)


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


@pytest.mark.parametrize("augmentation", [MIRROR, SHIFT, GAIN, ALL, EVERYTHING])
def test_the_generator_decides_all(augmentation: Augmentation) -> None:
    clips = make_clips(20, size=8)
    first = augmentation(clips, random(1))
    assert same(first, augmentation(clips, random(1)))
    assert not same(first, augmentation(clips, random(2)))


def test_switched_off_it_changes_nothing() -> None:
    clips = make_clips(20, size=8)
    assert same(Augmentation(mirror=False, shift=0, gain=0.0)(clips, random()), clips)


@pytest.mark.parametrize("augmentation", [MIRROR, SHIFT, GAIN, ALL, EVERYTHING])
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


def test_the_defaults_draw_mirror_then_shift_then_gain_and_nothing_else() -> None:
    clips = make_clips(40, size=8, phases=2)
    drawn, after = random(7), random(7)
    mirrored = drawn.random(40) < 0.5
    offsets = drawn.integers(-2, 3, (2, 40)).T.tolist()
    factors = torch.from_numpy(drawn.uniform(0.7, 1.3, 40)).to(torch.float32)
    expected = [
        magnify(shifted(mirror(images) if flipped else images, y, x), factor.view(1, 1, 1, 1))
        for images, flipped, (y, x), factor in zip(clips.inputs, mirrored, offsets, factors, strict=True)
    ]
    assert torch.equal(ALL(clips, after).inputs, torch.stack(expected))
    assert after.random() == drawn.random()


# --- Kinds of clips ---


@pytest.mark.parametrize("kind", ["difference", "frames"])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_images_than_motion_are_mirrored_without_a_change_of_sign(kind: InputKind, channels: int) -> None:
    clips = make_clips(60, size=8, phases=2)
    clips = replace(clips, inputs=clips.inputs[:, :, :channels])
    changed = MIRROR(clips, random(), kind).inputs
    mirrored = [torch.equal(new, old.flip(-1)) for new, old in zip(changed, clips.inputs, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(changed, clips.inputs, strict=True)]
    assert 15 < sum(mirrored) < 45
    assert sum(mirrored) + sum(kept) == 60


def test_differences_are_scaled_around_no_change() -> None:
    weak = 0.5 * make_clips(200, size=6, phases=2).inputs[:, :, :2]
    changed = GAIN(replace(make_clips(200), inputs=weak), random(), "difference").inputs
    factors = size(changed) / size(weak)
    assert torch.allclose(changed, factors * weak, atol=1e-6)
    assert 0.7 <= factors.min() < 0.72
    assert 1.28 < factors.max() <= 1.3


def test_frames_have_no_gain() -> None:
    clips = make_clips(20, size=6)
    assert same(GAIN(clips, random(), "frames"), clips)


def test_a_shift_moves_all_kinds_alike() -> None:
    clips = make_clips(20, size=6)
    motion = SHIFT(clips, random())
    assert same(SHIFT(clips, random(), "difference"), motion)
    assert same(SHIFT(clips, random(), "frames"), motion)


@pytest.mark.parametrize("kind", ["motion", "difference"])
def test_brightness_and_contrast_leave_all_but_frames_as_they_are(kind: InputKind) -> None:
    clips = make_clips(20, size=6)
    light = replace(MIRROR, mirror=False, brightness=0.5, contrast=0.5)
    assert same(light(clips, random(), kind), clips)
    assert not same(light(clips, random(), "frames"), clips)


def test_the_further_changes_follow_with_the_numbers_drawn_next() -> None:
    clips = make_clips(20, size=8, phases=2)
    drawn = random(3)
    moved = ALL(clips, drawn)
    further = FrameAugmentation(15.0, 0.2, 0.2, 0.2, 1.0, 0.05, 0.25)(moved.inputs, "motion", drawn)
    assert torch.equal(EVERYTHING(clips, random(3)).inputs, further)


@settings(deadline=None, max_examples=40)
@given(
    augmentation=st.builds(
        Augmentation,
        mirror=st.booleans(),
        shift=st.integers(0, 20),
        gain=st.floats(0, 1, exclude_max=True),
        rotation=st.sampled_from([0.0, 180.0]) | st.floats(0, 180),
        zoom=st.just(0.0) | st.floats(0, 1, exclude_max=True),
        brightness=st.floats(0, 1),
        contrast=st.floats(0, 1),
        blur=st.sampled_from([0.0, 20.0]) | st.floats(0, 20),
        noise=st.floats(0, 1),
        occlusion=st.floats(0, 1, exclude_max=True),
    ),
    kind=st.sampled_from(["motion", "difference", "frames"]),
    seed=st.integers(0, 2**32),
)
def test_whatever_the_options_clips_keep_their_shape_and_range(
    augmentation: Augmentation, kind: InputKind, seed: int
) -> None:
    clips = make_clips(5, size=7, phases=2)
    changed = augmentation(clips, random(seed), kind)
    assert changed.inputs.shape == clips.inputs.shape
    assert ((changed.inputs >= LOW) & (changed.inputs <= HIGH)).all()
    assert same(clips, make_clips(5, size=7, phases=2))
    assert same(changed, augmentation(clips, random(seed), kind))


# --- Ranges ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shift": -1}, r"needs shift >= 0, but has shift: -1\.$"),
        ({"gain": -0.1}, r"needs 0 <= gain < 1, but has gain: -0\.1\.$"),
        ({"gain": 1.0}, r"needs 0 <= gain < 1, but has gain: 1\.0\.$"),
        ({"rotation": 181.0}, r"needs 0 <= rotation <= 180, but has rotation: 181\.0\.$"),
        ({"rotation": float("nan")}, r"needs 0 <= rotation <= 180, but has rotation: nan\.$"),
        ({"zoom": 1.0}, r"needs 0 <= zoom < 1, but has zoom: 1\.0\.$"),
        ({"brightness": 1.1}, r"needs 0 <= brightness <= 1, but has brightness: 1\.1\.$"),
        ({"contrast": -0.1}, r"needs 0 <= contrast <= 1, but has contrast: -0\.1\.$"),
        ({"blur": 21.0}, r"needs 0 <= blur <= 20, but has blur: 21\.0\.$"),
        ({"noise": 2.0}, r"needs 0 <= noise <= 1, but has noise: 2\.0\.$"),
        ({"occlusion": 1.0}, r"needs 0 <= occlusion < 1, but has occlusion: 1\.0\.$"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Augmentation(**options)


def test_all_values_out_of_range_are_told_at_once() -> None:
    message = r"needs shift >= 0, 0 <= zoom < 1, 0 <= noise <= 1, but has shift: -2, zoom: 1\.5, noise: -1\."
    with pytest.raises(ConfigurationError, match=message):
        Augmentation(shift=-2, zoom=1.5, noise=-1)
