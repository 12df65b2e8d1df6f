"""Rise and fall: motion made of known shapes."""

import numpy as np
import pytest

from lightmannet.inference.moment.main_direction import turned_back
from lightmannet.inference.moment.matched_filters import filtered, fitted, shape
from lightmannet.inference.moment.region_motion import REGIONS, RegionMotion

RATE = 100.0


def motion_of(seconds: float, events: list[tuple[float, float, float]], rate: float = RATE) -> RegionMotion:
    """Return noise with (onset, duration, rise) of mouth corners that move by .05."""
    count = round(seconds * rate)
    local = 0.0005 * np.random.default_rng(0).normal(size=(count, len(REGIONS), 3)).astype(np.float32)
    for onset, duration, rise in events:
        start, length = round(onset * rate), round(duration * rate) + 1
        local[start : start + length, 10:12, 1] -= 0.05 * shape(length, rise)[:, None].astype(np.float32)
    return RegionMotion(local, np.zeros((count, 4), np.float32), np.zeros((count, len(REGIONS)), np.float32))


def test_a_shape_rises_and_falls() -> None:
    course = shape(101, 0.3, 0.2)
    assert course[[0, 100]].tolist() == [0, 0]
    assert (course[30:51] == 1).all()
    assert (np.diff(course[:31]) > 0).all()
    assert (np.diff(course[50:]) < 0).all()


@pytest.mark.parametrize("rate", [200.0, 100.0, 60.0])
def test_filters_find_a_short_and_a_long_movement(rate: float) -> None:
    found = filtered(motion_of(8, [(1.5, 0.34, 0.4), (4.0, 1.7, 0.25)], rate), rate)[:2]
    assert {c.kind for c in found} == {"micro", "macro"}
    for candidate in found:
        onset, seconds, rise = (1.5, 0.34, 0.4) if candidate.kind == "micro" else (4.0, 1.7, 0.25)
        assert candidate.onset == pytest.approx(onset, abs=0.15 * seconds)
        assert candidate.offset == pytest.approx(onset + seconds, abs=0.15 * seconds)
        assert candidate.apex == pytest.approx(onset + rise * seconds, abs=0.15 * seconds)


def test_differences_along_the_main_direction_find_a_turn() -> None:
    found = turned_back(motion_of(4, [(1.5, 0.34, 0.5)]), RATE)[0]
    assert found.apex == pytest.approx(1.67, abs=0.04)


def test_nothing_is_found_without_motion() -> None:
    still = motion_of(3, [])
    assert turned_back(still, RATE) == []
    assert all(candidate.score < 0.1 for candidate in filtered(still, RATE))


@pytest.mark.parametrize("rise", [0.3, 0.4, 0.55])
def test_a_fitted_shape_has_its_apex_within_two_frames(rise: float) -> None:
    motion = motion_of(0.3, [(0.0, 0.29, rise)], 200.0)
    found = fitted(motion, 200.0, 0.0, 59 / 200, 0.2)
    assert found.apex * 200 == pytest.approx(rise * 58, abs=2)
    assert found.kind == "micro"


def test_what_drifts_is_taken_away_before_a_shape_is_fitted() -> None:
    motion = motion_of(0.3, [(0.0, 0.29, 0.4)], 200.0)
    drift = np.linspace(0, 0.2, 60, dtype=np.float32)[:, None, None]
    drifting = RegionMotion(motion.local + drift, motion.head, motion.change)
    assert fitted(drifting, 200.0, 0.0, 59 / 200, 0.0).apex == pytest.approx(
        fitted(motion, 200.0, 0.0, 59 / 200, 0.0).apex, abs=1 / 200
    )
