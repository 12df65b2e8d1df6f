import numpy as np
import pytest
import torch

from data_modules.flow import HIGH, LOW, magnify, mirror, optical_strain
from data_modules.scaling import CENTRED, STRETCHED, Form, Scaling, rescale, stretch
from data_modules.synthetic.fields import flow_noise
from lightmannet.errors import ConfigurationError

SMALL = Scaling("absolute", 0.02, 0.25)
LARGE = Scaling("absolute", 0.05, 0.5)


def images(scaling: Scaling = LARGE, clips: int = 4) -> torch.Tensor:
    """Smooth motion of at most a hundredth of the width, with its strain."""
    field = flow_noise(clips, 3.0, np.random.default_rng(0))
    field *= 0.28 / np.abs(field).max()
    full = np.array([2 * scaling.full_motion * 28] * 2 + [scaling.full_strain])[:, None, None]
    rest = np.array([0, 0, LOW])[:, None, None]
    return torch.from_numpy(np.concatenate([field, optical_strain(field)[:, None]], axis=1) / full + rest).float()


def test_absolute_images_are_converted_by_the_ratio_of_their_ranges() -> None:
    torch.testing.assert_close(rescale(images(LARGE), LARGE, SMALL), images(SMALL).clamp(LOW, HIGH))


@pytest.mark.parametrize("source", [SMALL, LARGE, None])
def test_stretched_images_are_the_same_from_whatever_scale(source: Scaling | None) -> None:
    given = images(SMALL if source is None else source)
    expected = torch.from_numpy(stretch(images(LARGE).double().numpy())).float()
    torch.testing.assert_close(rescale(given, source, STRETCHED), expected)
    assert rescale(given, source, STRETCHED).amin((-2, -1)).tolist() == [[LOW] * 3] * 4


def test_centred_motion_has_its_median_at_0_and_its_strongest_at_the_end_of_the_range() -> None:
    moved = images(clips=3)
    centred = rescale(moved, LARGE, CENTRED)
    for clip, plain in zip(centred, moved, strict=True):
        for channel, original in zip(clip[:2].numpy(), plain[:2].double().numpy(), strict=True):
            shifted = original - np.median(original)
            np.testing.assert_allclose(channel, shifted / (2 * np.abs(shifted).max()), atol=1e-6)
    assert torch.equal(centred[:, 2], rescale(moved, LARGE, STRETCHED)[:, 2])


def test_centring_loses_nothing_of_stretched_images() -> None:
    stretched = rescale(images(), LARGE, STRETCHED)
    torch.testing.assert_close(rescale(rescale(stretched, STRETCHED, CENTRED), CENTRED, STRETCHED), stretched)


def test_centred_images_of_the_mirrored_face_are_the_mirrored_images() -> None:
    torch.testing.assert_close(rescale(mirror(images()), LARGE, CENTRED), mirror(rescale(images(), LARGE, CENTRED)))


def test_magnifying_keeps_the_rest_of_centred_images_but_moves_that_of_stretched_ones() -> None:
    def rest(images: torch.Tensor) -> torch.Tensor:
        return images[:, :2].flatten(2).quantile(0.5, dim=-1)

    stretched, centred = (rescale(images(), LARGE, scaling) for scaling in (STRETCHED, CENTRED))
    assert (rest(magnify(stretched, 0.5)) - rest(stretched)).abs().max() > 0.01
    torch.testing.assert_close(rest(magnify(centred, 0.5)), rest(centred), atol=1e-6, rtol=0)


def test_an_image_without_motion_stays_without() -> None:
    rest = torch.zeros(1, 3, 28, 28)
    rest[:, 2] = LOW
    for scaling in (STRETCHED, CENTRED, SMALL):
        assert torch.equal(rescale(rest, LARGE, scaling), rest)


@pytest.mark.parametrize("source", [STRETCHED, CENTRED, None])
def test_amplitude_that_is_not_known_cannot_be_had_back(source: Scaling | None) -> None:
    with pytest.raises(
        ConfigurationError, match=f"images of {source or 'unknown'} scaling cannot be converted to absolute"
    ):
        rescale(images(), source, LARGE)


def test_nothing_but_its_own_kind_fits_images_of_unknown_scaling() -> None:
    assert rescale(images(), None, None) is not None
    with pytest.raises(
        ConfigurationError, match="images of stretched scaling cannot be converted to images of unknown"
    ):
        rescale(images(), STRETCHED, None)


@pytest.mark.parametrize(("form", "motion", "strain"), [("absolute", 0.0, 0.5), ("absolute", 0.05, -1.0)])
def test_an_absolute_scaling_needs_both_numbers(form: Form, motion: float, strain: float) -> None:
    with pytest.raises(ConfigurationError, match="absolute needs full_motion > 0 and full_strain > 0"):
        Scaling(form, motion, strain)


def test_a_stretched_scaling_has_no_amplitude() -> None:
    with pytest.raises(ConfigurationError, match="stretched images have no amplitude"):
        Scaling("stretched", 0.05)
