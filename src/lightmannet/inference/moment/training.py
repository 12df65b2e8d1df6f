"""Training the network that spots expressions, on long videos whose expressions are annotated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from torch import Tensor

from lightmannet.inference.moment.candidates import Candidate
from lightmannet.inference.moment.network import RATE, MomentNetwork, network_inputs
from lightmannet.inference.moment.region_motion import REGIONS, RegionMotion

_WINDOW = 800  # samples of a training example
_BATCH, _RATE = 16, 2e-3
_CENTRE = 0.35  # of the duration, to both sides of the middle: moments that must be recognised
_FRAME_RATES = 25.0, 30.0, 50.0, 60.0
# Each left region precedes its right one.
_MIRRORED = [index ^ 1 if index < 12 else index for index in range(len(REGIONS))]


@dataclass(frozen=True)
class Example:
    """A video's motion, measured once or with the eyes found at slightly different places, and its expressions."""

    motion: Sequence[RegionMotion]
    rate: float
    expressions: Sequence[Candidate]


def train(examples: Sequence[Example], steps: int, seed: int, counter: Iterable[int] | None = None) -> MomentNetwork:
    """Return a network trained on random excerpts, mirrored, slowed down and at several frame rates.

    Args:
        examples: Videos.
        steps: Updates with 16 excerpts of 8 s each.
        seed: Of the start and of all randomness.
        counter: Counts the updates, e.g. with a progress bar.
    """
    random, start = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    network = MomentNetwork()
    for weights in network.parameters():
        if weights.dim() > 1:
            fan_in = weights[0].numel()
            torch.nn.init.normal_(
                weights, std=(2 / fan_in) ** 0.5 * (0.3 if weights.shape[2] > 1 else 1), generator=start
            )
        else:
            torch.nn.init.zeros_(weights)
    assert network.last.bias is not None
    with torch.no_grad():
        network.last.bias[:2], network.last.bias[2:4] = -3.0, -1.0  # rarely an expression, some .4 s long
    torch.nn.init.normal_(network.last.weight, std=0.02, generator=start)
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, steps)
    for _ in counter or range(steps):
        batch = [_excerpt(examples[int(random.integers(len(examples)))], random) for _ in range(_BATCH)]
        inputs, targets = (torch.from_numpy(np.stack(parts)) for parts in zip(*batch, strict=True))
        optimizer.zero_grad()
        loss = spotting_loss(network(inputs), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return network.eval()


def spotting_loss(outputs: Float[Tensor, "batch 5 time"], targets: Float[Tensor, "batch 6 time"]) -> Tensor:
    """Return the focal loss of both kinds plus, within expressions, 1 - IoU and the apex's error over the duration.

    Args:
        outputs: As ``MomentNetwork.forward`` returns them.
        targets: As ``targets_of`` returns them.
    """
    kinds, counted = targets[:, :2], targets[:, 2:3]
    likely = torch.sigmoid(outputs[:, :2])
    right = torch.where(kinds > 0, likely, 1 - likely)
    focal = (1 - right) ** 2 * F.binary_cross_entropy_with_logits(outputs[:, :2], kinds, reduction="none")
    weight = counted * (1 + kinds * torch.tensor([8.0, 2.0])[:, None])
    found = (focal * weight).sum() / weight.sum() * 20
    inside = (targets[:, 3] > 0) & (targets[:, 4] > 0)
    before, after = (outputs[:, k].clamp(-6, 2).exp()[inside] for k in (2, 3))
    true_before, true_after, apex = (targets[:, k][inside] for k in (3, 4, 5))
    shared = torch.minimum(before, true_before) + torch.minimum(after, true_after)
    union = torch.maximum(before, true_before) + torch.maximum(after, true_after)
    place = torch.sigmoid(outputs[:, 4][inside])
    missed = (place * (before + after) - before - apex).abs() / (true_before + true_after)
    share = 1 / (true_before + true_after)  # a short expression counts as much as a long one
    return found + ((1 - shared / union + 2 * missed) * share).sum() / share.sum().clamp(min=1)


def targets_of(expressions: Sequence[Candidate], count: int) -> Float32[np.ndarray, "6 time"]:
    """Return for each sample: micro, macro, whether it counts; seconds since onset, to offset and apex (or 0)."""
    time = np.arange(count) / RATE
    targets = np.zeros((6, count), np.float32)
    targets[2] = 1
    for e in expressions:
        inside = (time > e.onset) & (time < e.offset)
        centre = np.abs(time - (e.onset + e.offset) / 2) <= _CENTRE * (e.offset - e.onset)
        targets[2, inside & ~centre] = 0
        targets[0 if e.kind == "micro" else 1, centre] = 1
        for row, values in ((3, time - e.onset), (4, e.offset - time), (5, e.apex - time)):
            targets[row, inside] = values[inside]
    return targets


def mirrored(motion: RegionMotion) -> RegionMotion:
    """Return what the mirrored video would give."""
    return RegionMotion(
        motion.local[:, _MIRRORED] * np.array([-1, 1, 1], np.float32),
        motion.head * np.array([-1, 1, -1, 1], np.float32),
        motion.change[:, _MIRRORED],
    )


def _excerpt(example: Example, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    motion = example.motion[int(random.integers(len(example.motion)))]
    rate, first = example.rate, 0
    if random.random() < 0.5:
        motion = mirrored(motion)
    frames, every = len(motion.local), 1
    if random.random() < 0.4:
        every = max(1, round(rate / random.choice(_FRAME_RATES)))
        first = int(random.integers(every))
    stretch = float(np.exp(random.uniform(-0.15, 0.15)))
    gain = float(np.exp(0.25 * random.standard_normal()))
    chosen = slice(first, frames, every)
    seen = RegionMotion(*(gain * values[chosen] for values in (motion.local, motion.head, motion.change)))
    shown = rate / every / stretch
    inputs = network_inputs(seen, shown)

    def moved(time: float) -> float:
        return (time - first / rate) * stretch

    expressions = [Candidate(moved(e.onset), moved(e.apex), moved(e.offset), 1.0, e.kind) for e in example.expressions]
    targets = targets_of(expressions, inputs.shape[1])
    if inputs.shape[1] < _WINDOW:
        missing = _WINDOW - inputs.shape[1]
        # Rest before and after a short clip.
        before = int(random.integers(missing + 1))
        inputs = np.pad(inputs, [(0, 0), (before, missing - before)])
        targets = np.pad(targets, [(0, 0), (before, missing - before)])
        targets[2, :before] = targets[2, _WINDOW - (missing - before) :] = 1
    start = int(random.integers(inputs.shape[1] - _WINDOW + 1))
    window = slice(start, start + _WINDOW)
    return inputs[:, window], targets[:, window]
