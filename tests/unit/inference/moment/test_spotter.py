"""Which intervals are proposed, whatever the length of the video."""

import numpy as np
import pytest

from lightmannet.inference.moment import spotter
from lightmannet.inference.moment.region_motion import REGIONS, RegionMotion
from lightmannet.inference.moment.spotter import found_in, kind_of, strength


def moving(seconds: float, rate: float = 30.0) -> RegionMotion:
    """Return noise with a smile every five seconds."""
    count = round(seconds * rate)
    local = 0.0005 * np.random.default_rng(0).normal(size=(count, len(REGIONS), 3)).astype(np.float32)
    time = np.arange(count) / rate % 5
    smile = 0.1 * np.sin(np.pi * ((time - 2) / 1.2).clip(0, 1)) ** 2
    local[:, 10:12, 1] -= smile[:, None].astype(np.float32)
    local[:, 6:8, 1] -= 0.4 * smile[:, None].astype(np.float32)
    return RegionMotion(local, np.zeros((count, 4), np.float32), np.full((count, len(REGIONS)), 0.02, np.float32))


def test_parts_of_a_long_video_propose_what_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    motion = moving(40)
    monkeypatch.setitem(spotter.LEAST, "network", {"micro": 0.3, "macro": 0.3})
    monkeypatch.setattr(spotter, "_PART", 1000.0)
    whole = found_in(motion, 30.0, "network")
    monkeypatch.setattr(spotter, "_PART", 11.0)
    parts = found_in(motion, 30.0, "network")
    assert len(whole) >= 4
    assert len(parts) == len(whole)
    for one, other in zip(sorted(whole, key=lambda c: c.onset), sorted(parts, key=lambda c: c.onset), strict=True):
        assert (one.onset, one.apex, one.offset) == pytest.approx((other.onset, other.apex, other.offset), abs=0.02)


def test_strength_is_high_where_the_face_moves() -> None:
    curve = strength(moving(10), 30.0)
    assert len(curve) == 300
    assert abs(int(curve[:150].argmax()) - 78) <= 3


def test_half_a_second_parts_micro_from_macro() -> None:
    assert [kind_of(0, 50, 100.0), kind_of(0, 51, 100.0), kind_of(0, 51, None)] == ["micro", "macro", "micro"]
