"""Calibration: temperature, reliability, and the probability below which no class is named."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import nextafter
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lightmannet.inference.ensemble import SMALLEST

_TEMPERATURES = torch.logspace(-1, 1, 401)
BINS = 10

NEVER = nextafter(1, 2)
"""Threshold above every probability, even one rounded to 1."""


@dataclass(frozen=True)
class Calibration:
    """Calibration on validation people, and how reliable it is.

    Attributes:
        temperature: T > 0, by which log-probabilities are divided; 1 without validation people.
        threshold: Top probability below which no class is named, 0..1, or ``NEVER``.
        people: Number of validation people.
        clips: Number of their clips; 0 if nothing was fitted.
        error: Expected calibration error of the validation clips, each with a temperature fitted on other people;
            None with fewer than two people.
        curve: For each non-empty bin of top probability: mean top probability, share of right answers, clips.
        answered: Share of these clips with a top probability of at least ``threshold``.
        right: Share of right answers among them; None without any.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    people: int = 0
    clips: int = 0
    error: float | None = None
    curve: tuple[tuple[float, float, int], ...] = ()
    answered: float | None = None
    right: float | None = None

    def as_settings(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def calibrate(
    probabilities: Float[Tensor, "clip class"], labels: Int64[Tensor, " clip"], people: Sequence[str]
) -> Calibration:
    """Fit temperature and threshold on validation clips, and measure their reliability across people.

    The temperature minimises the negative log-likelihood. For reliability and threshold each person's clips are
    recognised with a temperature fitted on the other people. The threshold maximises right minus wrong answers; of
    equally good ones the lowest is chosen. If wrong answers prevail at every threshold, it is ``NEVER``, and no class
    is ever named.

    Args:
        probabilities: Class probabilities before calibration.
        labels: True classes.
        people: Person of each clip.

    Reference: Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599.
    """
    if not len(labels):
        return Calibration()
    names = sorted(set(people))
    temperature = fit_temperature(probabilities, labels)
    if len(names) < 2:
        return Calibration(temperature, 1 / probabilities.shape[1], len(names), len(labels))
    crossed = torch.empty_like(probabilities)
    for name in names:
        mine = torch.tensor([person == name for person in people])
        crossed[mine] = apply_temperature(probabilities[mine], fit_temperature(probabilities[~mine], labels[~mine]))
    top, right = crossed.max(1).values, crossed.argmax(1) == labels
    threshold = _threshold(top, right)
    named = top >= threshold
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        people=len(names),
        clips=len(labels),
        error=calibration_error(top, right),
        curve=reliability_curve(top, right),
        answered=float(named.float().mean()),
        right=float(right[named].float().mean()) if named.any() else None,
    )


def apply_temperature(probabilities: Float[Tensor, "clip class"], temperature: float) -> Float[Tensor, "clip class"]:
    """Return ``softmax(log p / T)``, as a bundle's network does."""
    return torch.softmax(probabilities.clamp_min(SMALLEST).log() / temperature, dim=1)


def fit_temperature(probabilities: Float[Tensor, "clip class"], labels: Int64[Tensor, " clip"]) -> float:
    """Return the temperature from 0.1 to 10 with the least negative log-likelihood."""
    logs = probabilities.clamp_min(SMALLEST).log().double()
    scaled = logs[None] / _TEMPERATURES[:, None, None].double()
    losses = -torch.log_softmax(scaled, 2)[:, torch.arange(len(labels)), labels].mean(1)
    return float(_TEMPERATURES[int(losses.argmin())])


def reliability_curve(top: Float[Tensor, " clip"], right: Tensor) -> tuple[tuple[float, float, int], ...]:
    """Return mean top probability, share of right answers and number of clips of each non-empty bin."""
    bins = (top * BINS).long().clamp_max(BINS - 1)
    curve = []
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            curve.append((float(top[inside].mean()), float(right[inside].float().mean()), int(inside.sum())))
    return tuple(curve)


def calibration_error(top: Float[Tensor, " clip"], right: Tensor) -> float:
    """Return the expected calibration error over ten equally wide bins of top probability."""
    return sum(count * abs(said - true) for said, true, count in reliability_curve(top, right)) / len(top)


def _threshold(top: Float[Tensor, " clip"], right: Tensor) -> float:
    candidates = [0.0, *sorted(set(top.tolist()))]
    gains = [int(right[top >= t].sum()) - int((~right)[top >= t].sum()) for t in candidates]
    if max(gains) <= 0:
        return NEVER
    return candidates[max(range(len(candidates)), key=lambda place: (gains[place], -place))]
