"""A small 1-D network that finds expressions in the motion of a face's regions."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from torch import Tensor, nn

from data_modules.annotations import Kind
from lightmannet.inference.moment.candidates import Candidate, without_overlaps
from lightmannet.inference.moment.region_motion import REGIONS, RegionMotion
from lightmannet.inference.moment.weights import read_weights

RATE = 100
"""Samples a second that the network sees, whatever the video's frame rate."""

_LAG = 0.02  # seconds to both sides over which velocity is taken
_TREND = 1.0  # seconds to both sides of the mean that is taken away, twice
_SCALE = 25.0, 25.0, 3.0  # of a region's motion and brightness, to be about 1
_CHANNELS = 3 * len(REGIONS)
INPUTS = 2 * (_CHANNELS + 4) + len(REGIONS)
_WIDTH, _DILATIONS = 32, (1, 2, 4, 8, 16, 32, 64)
_REACH = 2 * sum(_DILATIONS)  # samples that an output depends on, to either side
_WINDOW = 6000  # samples computed at a time, so that memory does not grow with a long video
_LEAST = 0.1  # candidates that are less likely are not proposed
_WEIGHTS = Path(__file__).with_name("network.safetensors")


class MomentNetwork(nn.Module):
    """Dilated convolutions over time; for each moment, how likely it lies in an expression, and where that begins.

    Reference: Liong, See, Wong 2021, "Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting
    from Long Videos", ICIP 2021 (SOFTNet), for a small network on motion whose scores are searched for peaks; Zhang,
    Wu, Li 2022, "ActionFormer", ECCV 2022, for distances to beginning and end at each moment. Both networks are larger.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(INPUTS, _WIDTH, 1)
        self.steps = nn.ModuleList(nn.Conv1d(_WIDTH, _WIDTH, 5, padding=2 * d, dilation=d) for d in _DILATIONS)
        self.last = nn.Conv1d(_WIDTH, 5, 1)

    def forward(self, inputs: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch 5 time"]:
        """Return logits of micro and macro, logarithms of the seconds since the onset and to the offset, and the logit
        of the apex's place between them.
        """
        found = F.relu(self.first(inputs))
        for step in self.steps:
            found = found + F.relu(step(found))
        return self.last(found)


def network_inputs(motion: RegionMotion, rate: float) -> Float32[np.ndarray, "channel time"]:
    """Return what the network sees, 100 times a second: motion without its trend, velocity and unexplained change."""
    scale = np.tile(_SCALE, len(REGIONS))
    moved = np.concatenate([motion.local.reshape(len(motion.local), -1) * scale, motion.head * _SCALE[0]], axis=1)
    moved, changed = (resampled(values, rate) for values in (moved, np.log1p(10 * motion.change)))
    lag = round(_LAG * RATE)
    padded = np.pad(moved, [(lag, lag), (0, 0)], mode="edge")
    parts = moved - _mean_around(_mean_around(moved)), padded[2 * lag :] - padded[: -2 * lag], changed
    return np.ascontiguousarray(np.concatenate(parts, axis=1).T.astype(np.float32))


def candidates(network: MomentNetwork, inputs: Float32[np.ndarray, "channel time"]) -> list[Candidate]:
    """Return what the network proposes, in seconds, the likeliest first."""
    outputs = []
    with torch.inference_mode():
        for start in range(0, inputs.shape[1], _WINDOW):
            before = min(start, _REACH)
            part = torch.from_numpy(inputs[:, start - before : start + _WINDOW + _REACH])
            outputs.append(network(part[None])[0, :, before : before + _WINDOW].numpy())
    return decode(np.concatenate(outputs, axis=1))


def decode(outputs: Float32[np.ndarray, "5 time"]) -> list[Candidate]:
    """Return the intervals that the network's outputs stand for, without those that overlap a likelier one."""
    likely = 1 / (1 + np.exp(-outputs[:2]))
    before, after = np.exp(outputs[2:4].clip(-6, 2))
    place = 1 / (1 + np.exp(-outputs[4]))
    time = np.arange(outputs.shape[1]) / RATE
    onset, offset = time - before, time + after
    apex = onset + place * (before + after)
    found = []
    kinds: tuple[Kind, Kind] = ("micro", "macro")
    for kind, score in zip(kinds, likely, strict=True):
        padded = np.pad(score, 1, constant_values=-1)
        peaks = np.flatnonzero((score >= padded[:-2]) & (score > padded[2:]) & (score >= _LEAST))
        for peak in peaks:
            # Moments near the peak that mean the same interval agree on it better than any of them alone.
            near = slice(max(0, peak - 5), peak + 6)
            weight = score[near] / score[near].sum()
            begins, strongest, ends = (float(values[near] @ weight) for values in (onset, apex, offset))
            found.append(Candidate(begins, strongest, ends, float(score[peak]), kind))
    return without_overlaps(found)


@cache
def trained_network() -> MomentNetwork:
    """Return the network that comes with the package."""
    network = MomentNetwork()
    network.load_state_dict(read_weights(_WEIGHTS))
    return network.eval()


def resampled(values: np.ndarray, rate: float) -> np.ndarray:
    """Return values at ``RATE`` a second, averaged where there are more and interpolated where there are fewer."""
    if rate == RATE or len(values) == 1:
        return values
    if rate > RATE:
        reach = round(rate / RATE / 2)
        if reach:
            padded = np.pad(values, [(reach, reach), (0, 0)], mode="edge")
            values = np.mean([padded[k : k + len(values)] for k in range(2 * reach + 1)], axis=0)
    times = np.arange(0, (len(values) - 1) / rate + 1e-9, 1 / RATE)
    place = (times * rate).clip(0, len(values) - 1)
    low = np.minimum(place.astype(int), len(values) - 2)
    share = (place - low)[:, None]
    return (1 - share) * values[low] + share * values[low + 1]


def _mean_around(values: np.ndarray) -> np.ndarray:
    reach = round(_TREND * RATE)
    padded = np.pad(values, [(reach + 1, reach), (0, 0)], mode="edge")
    sums = padded.cumsum(0, dtype=np.float64)
    return (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
