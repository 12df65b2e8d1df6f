"""Expressions as moments at which regions turn back: differences along the main direction (MDMD)."""

import numpy as np
from jaxtyping import Float

from data_modules.annotations import Kind
from lightmannet.inference.moment.candidates import Candidate, without_overlaps
from lightmannet.inference.moment.network import RATE, resampled
from lightmannet.inference.moment.region_motion import RegionMotion

_HALF: dict[Kind, float] = {"micro": 0.15, "macro": 0.6}
"""Seconds from a moment to the two that it is compared with: half of a typical duration."""

_SHARE = 1 / 3  # regions whose differences count: the largest third
_LEAST = 0.003  # distances between the eyes
_EDGE = 0.4  # share of a peak's height at which an expression begins and ends


def turned_back(motion: RegionMotion, rate: float) -> list[Candidate]:
    """Return where regions moved one way and then back again, the strongest first.

    A moment is compared with two others, k before and k after it, for a k of each kind. A region's main direction is
    that of its motion since k before; what counts is how much further it has come along it than it is k after. The mean
    of the largest third of these differences is a curve over time, whose peaks are apexes.

    Args:
        motion: Of all frames.
        rate: Frames a second.

    Reference: Wang et al. 2017, "A main directional maximal difference analysis for spotting facial movements from
    long-term videos", Neurocomputing 230 (MDMD); it has flow in blocks of 6 x 6, here it is that of regions.
    """
    found = []
    places = resampled(motion.local[..., :2].reshape(len(motion.local), -1), rate)
    places = places.reshape(len(places), -1, 2)
    for kind, seconds in _HALF.items():
        curve = _difference(places, round(seconds * RATE))
        left = curve.copy()
        while (apex := int(left.argmax())) and left[apex] >= _LEAST:
            low = _EDGE * curve[apex]
            before, after = np.flatnonzero(curve[:apex] <= low), np.flatnonzero(curve[apex + 1 :] <= low)
            onset = int(before[-1]) if len(before) else 0
            offset = apex + 1 + int(after[0]) if len(after) else len(curve) - 1
            found.append(Candidate(onset / RATE, apex / RATE, offset / RATE, float(curve[apex]), kind))
            left[onset : offset + 1] = 0
    return without_overlaps(found)


def _difference(places: Float[np.ndarray, "time region 2"], k: int) -> Float[np.ndarray, " time"]:
    padded = np.pad(places, [(k, k), (0, 0), (0, 0)], mode="edge")
    since, until = places - padded[: len(places)], padded[2 * k :] - padded[: len(places)]
    length = np.hypot(since[..., 0], since[..., 1])
    along = (since * until).sum(-1) / np.maximum(length, 1e-9)
    further = np.sort(np.maximum(length - along, 0), axis=1)
    count = max(1, round(_SHARE * further.shape[1]))
    return further[:, -count:].mean(1)
