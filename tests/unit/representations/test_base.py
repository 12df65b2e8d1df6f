"""What holds for every representation: moments, shapes, ranges, rest, refused frames and options, fingerprints."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.flow import HIGH, LOW
from data_modules.representations import ApexFlow, Difference, FrameClip, PhaseFlow, Representation
from data_modules.representations.base import evenly_spaced
from data_modules.scaling import STRETCHED
from lightmannet.errors import ConfigurationError, DataError

ALL: tuple[Representation, ...] = (
    FrameClip(frames=3, size=28),
    FrameClip(frames=2, color="rgb", size=31),
    Difference(size=28),
    Difference(color="rgb", size=30),
    ApexFlow(method="tvl1", working_size=28),
    ApexFlow(method="dis", working_size=56, stretch=True),
    PhaseFlow(method="dis", phases=3, working_size=28),
    PhaseFlow(method="dis", phases=2, working_size=56, reference="onset"),
)
MOMENTS = st.tuples(*[st.integers(0, 10_000)] * 3).map(sorted)


def shape_of_frames(representation: Representation) -> tuple[int, int, int, int]:
    side = representation.working_size
    return len(representation.moments(0, 1, 2)), side, side, 3 if representation.color == "rgb" else 1


def noise(representation: Representation, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape_of_frames(representation), dtype=np.uint8)


@given(moments=MOMENTS, representation=st.sampled_from(ALL))
def test_moments_lie_in_the_clip_in_ascending_order_and_their_number_is_fixed(
    moments: list[int], representation: Representation
) -> None:
    onset, apex, offset = moments
    wanted = representation.moments(onset, apex, offset)
    assert len(wanted) == len(representation.moments(0, 0, 0))
    assert list(wanted) == sorted(wanted)
    assert onset <= wanted[0] <= wanted[-1] <= offset


@given(first=st.integers(0, 5000), length=st.integers(0, 5000), count=st.integers(2, 40))
def test_evenly_spaced_moments_are_within_half_a_frame_of_equal_steps(first: int, length: int, count: int) -> None:
    found = evenly_spaced(first, first + length, count)
    assert found[0] == first
    assert found[-1] == first + length
    assert np.abs(np.array(found) - np.linspace(first, first + length, count)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("representation", [each for each in ALL if not isinstance(each, (ApexFlow, Difference))])
def test_a_clip_whose_offset_comes_before_its_onset_is_refused(representation: Representation) -> None:
    with pytest.raises(DataError, match="onset 9 comes after offset 4: correct the frame numbers"):
        representation.moments(9, 5, 4)
    assert representation.moments(4, -1, 9) == representation.moments(4, 6, 9)  # without a usable apex


@pytest.mark.parametrize("representation", [each for each in ALL if isinstance(each, (ApexFlow, Difference))])
def test_a_clip_whose_apex_comes_before_its_onset_is_refused(representation: Representation) -> None:
    with pytest.raises(DataError, match="onset 9 comes after apex 5: correct the frame numbers"):
        representation.moments(9, 5, 20)
    assert representation.moments(3, 7, 0) == (3, 7)  # without a usable offset


@pytest.mark.parametrize("representation", ALL)
def test_the_result_has_the_promised_shape_type_and_range(representation: Representation) -> None:
    image = representation.render(noise(representation))
    side = representation.size
    assert image.shape == (representation.phases, representation.channels, side, side)
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    assert image.flags.writeable
    assert image.min() >= LOW
    assert image.max() <= HIGH
    assert image.std() > 0.01


@pytest.mark.parametrize("representation", ALL)
def test_the_same_frames_give_the_same_result_and_stay_as_they_were(representation: Representation) -> None:
    frames = noise(representation)
    before = frames.copy()
    first = representation.render(frames)
    assert np.array_equal(first, representation.render(frames))
    assert np.array_equal(frames, before)
    assert not np.array_equal(first, representation.render(noise(representation, seed=1)))


@pytest.mark.parametrize("representation", [each for each in ALL if each.kind != "frames"])
def test_identical_frames_give_exactly_no_motion(representation: Representation) -> None:
    frames = noise(representation)
    frames[:] = frames[0]
    image = representation.render(frames)
    assert not image[:, :2].any()
    assert (image[:, 2:] == (LOW if representation.kind == "motion" else 0)).all()


@pytest.mark.parametrize("representation", ALL)
def test_other_frames_than_the_wanted_ones_are_refused(representation: Representation) -> None:
    frames = noise(representation)
    name = type(representation).__name__
    wrong = [frames[1:], frames[:, 1:], frames[:, :, 1:], np.concatenate([frames, frames], axis=-1)]
    for given_frames in wrong:
        with pytest.raises(DataError, match=rf"{name} was given frames of shape .* crop the frames of its moments to"):
            representation.render(given_frames)


@pytest.mark.parametrize("kind", [FrameClip, Difference, ApexFlow, PhaseFlow])
@pytest.mark.parametrize("size", [-28, 0, 27, 225])
def test_a_size_that_no_network_takes_is_refused(kind: type[Representation], size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"size={size}: from 28 to 224 pixels"):
        kind(size=size)  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", [FrameClip, Difference])
def test_an_unknown_colour_is_refused(kind: type[FrameClip] | type[Difference]) -> None:
    with pytest.raises(ConfigurationError, match="color='grey': gray or rgb"):
        kind(color="grey")  # type: ignore[arg-type]


def test_motion_alone_has_a_scaling_and_says_whether_it_is_stretched() -> None:
    assert [each for each in ALL if each.scaling == STRETCHED] == [ALL[5]]
    assert [each.kind == "motion" for each in ALL] == [each.scaling is not None for each in ALL]
    assert [each.kind for each in ALL[::2]] == ["frames", "difference", "motion", "motion"]


def test_every_option_and_the_class_change_the_fingerprint() -> None:
    clip, flow, phased = FrameClip(), ApexFlow(), PhaseFlow()
    variants: list[Representation] = [
        clip,
        replace(clip, frames=9),
        replace(clip, color="rgb"),
        replace(clip, size=28),
        Difference(),
        Difference(color="rgb"),
        Difference(size=28),
        flow,
        ApexFlow(method="dis"),
        ApexFlow(size=56),
        ApexFlow(full_scale=0.06),
        ApexFlow(stretch=True),
        ApexFlow(working_size=140),
        ApexFlow(full_strain=0.6),
        phased,
        replace(phased, phases=3),
        replace(phased, reference="onset"),
    ]
    assert len({each.fingerprint() for each in variants}) == len(variants)
    assert ApexFlow().fingerprint() == ApexFlow(working_size=112).fingerprint()


def test_versions_of_algorithm_and_library_are_in_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "scikit-image " in ApexFlow().fingerprint()
    assert "OpenCV " in PhaseFlow(method="dis").fingerprint()
    before = [each.fingerprint() for each in ALL]
    monkeypatch.setattr(Representation, "version", 0)
    assert all(each.fingerprint() != old for each, old in zip(ALL, before, strict=True))
