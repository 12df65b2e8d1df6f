"""Motion in phases."""

import numpy as np
import pytest

from data_modules.representations import ApexFlow, PhaseFlow
from lightmannet.errors import ConfigurationError
from tests.moving_skin import bumps, moving_skin

COURSE = (0.0, 0.5, 1.0, 0.5, 0.0)
"""How far a motion has come at the five moments of four phases: it rises and falls."""


def clip() -> np.ndarray:
    """Frames of a texture that moves away and back; (5, 112, 112, 1)."""
    # The field tells how far each place of the later frame came from: the texture itself is the onset.
    frames = [moving_skin(-share * bumps(112, 3.0)).first for share in COURSE]
    return np.stack(frames)[..., None]


def test_phases_are_equally_long_whatever_the_length_of_the_clip() -> None:
    phased = PhaseFlow(phases=4)
    assert phased.moments(10, 20, 50) == (10, 20, 30, 40, 50)
    assert phased.moments(100, 300, 500) == (100, 200, 300, 400, 500)
    assert phased.moments(0, 1, 2) == (0, 1, 1, 2, 2)


def test_the_motion_during_each_phase_rises_and_falls() -> None:
    images = PhaseFlow(method="dis", phases=4).render(clip())
    at_a_bump = images[:, 1, 8, 8]  # it moves up, then down
    assert (at_a_bump[:2] < -0.05).all()
    assert (at_a_bump[2:] > 0.05).all()


def test_the_motion_since_the_onset_is_largest_in_the_middle_and_gone_at_the_end() -> None:
    images = PhaseFlow(method="dis", phases=4, reference="onset").render(clip())
    at_a_bump = images[:, 1, 8, 8]
    assert at_a_bump[1] < at_a_bump[0] < -0.05
    assert at_a_bump[1] < at_a_bump[2] < -0.05
    assert at_a_bump[3] == 0


@pytest.mark.parametrize("reference", ["onset", "previous"])
def test_each_phase_is_the_flow_image_of_its_two_frames(reference: str) -> None:
    frames = clip()
    images = PhaseFlow(method="dis", phases=4, reference=reference).render(frames)  # type: ignore[arg-type]
    for phase in range(4):
        pair = [0 if reference == "onset" else phase, phase + 1]
        assert np.array_equal(images[phase], ApexFlow(method="dis").render(frames[pair])[0])


@pytest.mark.parametrize("phases", [-1, 0])
def test_no_phase_at_all_is_refused(phases: int) -> None:
    with pytest.raises(ConfigurationError, match=f"phases={phases}: at least 1"):
        PhaseFlow(phases=phases)


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="reference='apex': onset or previous"):
        PhaseFlow(reference="apex")  # type: ignore[arg-type]
