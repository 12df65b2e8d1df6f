"""Expressions as rises and falls of a region's motion: filters of known shapes."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float64

from lightmannet.inference.moment.candidates import Candidate, kind_of, without_overlaps
from lightmannet.inference.moment.network import RATE, resampled
from lightmannet.inference.moment.region_motion import REGIONS, RegionMotion

_DURATIONS = 0.12, 0.16, 0.2, 0.26, 0.34, 0.44, 0.6, 0.85, 1.2, 1.7, 2.4, 3.4  # seconds
_RISES = 0.25, 0.4, 0.55  # of the duration, until the apex
_SCALE = 25.0, 25.0, 3.0  # of a region's motion and brightness, to be about 1
_EYES = ("eye, left", "eye, right")  # left out, as blinks have the shape of micro-expressions
_LEAST = 0.5  # share of the motion in the window that the shape has to explain
_FINE = [(rise, hold) for rise in np.arange(0.2, 0.66, 0.02).tolist() for hold in (0.0, 0.05, 0.1, 0.2)]
_FITTED_SCALE = 25.0, 25.0, 1.0  # brightness tells less about the exact moment
_SHARPNESS = 50.0  # how fast a shape counts less that fits worse
_FEWEST = 4  # frames from onset to offset


def shape(count: int, rise: float, hold: float = 0.0) -> Float64[np.ndarray, " {count}"]:
    """Return a smooth rise from 0 to 1 and fall back to 0.

    Args:
        count: Samples, the first and the last are 0.
        rise: When 1 is reached, as a share of the duration.
        hold: How long it stays there, likewise.
    """
    place = np.linspace(0, 1, count)
    level = np.minimum(place / rise, (1 - place) / (1 - rise - hold)).clip(0, 1)
    return np.asarray(level * level * (3 - 2 * level))


def filtered(motion: RegionMotion, rate: float) -> list[Candidate]:
    """Return where the motion of all regions together has the shape of an expression, the strongest first.

    Each shape is fitted, with a straight line for what drifts, to every window of its length. A candidate's score is
    the motion that the shape explains, times the share of all motion in the window that this is.

    Args:
        motion: Of all frames.
        rate: Frames a second.

    Reference: Turin 1960, "An introduction to matched filters", IRE Transactions on Information Theory 6; which shapes
    and which score is ours.
    """
    values = torch.from_numpy(resampled(_moved(motion, _SCALE), rate).T.astype(np.float32))
    found = []
    for seconds in _DURATIONS:
        count = round(seconds * RATE) + 1
        if count > values.shape[1]:
            continue
        line = torch.linalg.qr(torch.stack([torch.ones(count), torch.linspace(-1, 1, count)], 1))[0].T
        along = F.conv1d(values[:, None], line[:, None])
        total = (values**2).cumsum(1, dtype=torch.float64)
        total = F.pad(total, (1, 0))
        rest = (total[:, count:] - total[:, :-count]).sum(0) - (along.double() ** 2).sum((0, 1))
        for rise in _RISES:
            template = torch.from_numpy(shape(count, rise).astype(np.float32))
            template = template - line.T @ (line @ template)
            template = template / template.norm()
            explained = (F.conv1d(values[:, None], template[None, None])[:, 0].double() ** 2).sum(0)
            share = explained / rest.clamp(min=1e-6)
            score = (explained / count).sqrt() * share
            peaks = (score >= F.pad(score, (1, 0))[:-1]) & (score > F.pad(score, (0, 1))[1:]) & (share >= _LEAST)
            for start in peaks.nonzero()[:, 0].tolist():
                onset, offset = start / RATE, (start + count - 1) / RATE
                found.append(Candidate(onset, onset + rise * seconds, offset, float(score[start]), kind_of(seconds)))
    return without_overlaps(found)


def fitted(motion: RegionMotion, rate: float, onset: float, offset: float, slack: float) -> Candidate:
    """Return the rise and fall that explains most of the motion between two moments.

    Args:
        motion: Of all frames.
        rate: Frames a second.
        onset: Seconds from the first frame.
        offset: Likewise.
        slack: How far onset and offset may be moved, as a share of the duration.
    """
    last = len(motion.local) - 1
    moved = _moved(motion, _FITTED_SCALE)
    margin = slack * (offset - onset) * rate
    starts, ends = (
        sorted({round(min(max(place * rate + k * margin, 0), last)) for k in (-1, -0.5, 0, 0.5, 1)})
        for place in (onset, offset)
    )
    best, apexes, scores = (0, 0, 0.0), [], []
    for start in starts:
        for stop in ends:
            if stop - start < _FEWEST:
                continue
            values = moved[start : stop + 1]
            line = np.linalg.qr(np.stack([np.ones(len(values)), np.linspace(-1, 1, len(values))], 1))[0]
            values = values - line @ (line.T @ values)
            shapes = np.stack([shape(len(values), rise, hold) for rise, hold in _FINE], 1)
            shapes = shapes - line @ (line.T @ shapes)
            explained = ((shapes.T @ values) ** 2).sum(1) / (shapes**2).sum(0)
            share = explained / max(float((values**2).sum()), 1e-9)
            score = share * np.sqrt(explained / len(values))
            apexes.append(start + np.array([rise for rise, _ in _FINE]) * (stop - start))
            scores.append(score)
            if score.max() > best[2]:
                best = start, stop, float(score.max())
    if best[2] == 0:
        return Candidate(onset, (onset + offset) / 2, offset, 0.0, kind_of(offset - onset))
    start, stop, top = best
    # Of shapes that fit about as well, none is right alone.
    weight = np.exp(_SHARPNESS * (np.concatenate(scores) / top - 1))
    apex = float(weight @ np.concatenate(apexes) / weight.sum())
    return Candidate(start / rate, apex / rate, stop / rate, top, kind_of((stop - start) / rate))


def _moved(motion: RegionMotion, scale: tuple[float, float, float]) -> Float64[np.ndarray, "frame value"]:
    """Return motion and brightness of all regions but the eyes, in comparable units."""
    regions = [index for index, name in enumerate(REGIONS) if name not in _EYES]
    return (motion.local[:, regions] * np.array(scale)).reshape(len(motion.local), -1)
