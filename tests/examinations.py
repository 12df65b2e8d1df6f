"""A made-up examination of a clip, with the network that it asks."""

import numpy as np
import torch
from torch import Tensor, nn

from lightmannet.inference.answer import Answer, Interval, QualityWarning
from lightmannet.inference.recogniser import Examination

SIZE = 56


class TopLeft(nn.Module):
    """Scores three classes; the second sees the upper left quarter alone, and with its opposite sign the third."""

    def forward(self, inputs: Tensor) -> Tensor:
        corner = inputs[:, 0, 0, :14, :14].pow(2).sum((1, 2))
        return torch.stack([inputs.sum((1, 2, 3, 4)) * 0, corner, -corner], 1)


def examination(decision: str | None = "positive", fps: float | None = 200.0, found: bool = True) -> Examination:
    """Return an examination of noise whose apex moved to the right.

    Args:
        decision: The class named; None for "can't tell".
        fps: Frames per second.
        found: Whether an interval was found, and so probabilities.
    """
    generator = np.random.default_rng(0)
    frames = generator.integers(60, 200, (3, SIZE, SIZE, 3)).astype(np.uint8)
    flow = np.zeros((2, SIZE, SIZE), np.float32)
    flow[0, : SIZE // 2, : SIZE // 2] = 1.5
    inputs = torch.rand(1, 1, 3, 28, 28, generator=torch.Generator().manual_seed(0)) - 0.5
    answer = Answer(
        clip="somewhere/<clip> & co.mp4",
        interval=Interval(10, 40, 80, 1.0, "micro", "spotted") if found else None,
        classes=("negative", "positive", "surprise"),
        probabilities=(0.2, 0.7, 0.1) if found else (),
        decision=decision if found else None,
        reason="" if decision and found else "Can't tell: the most likely class has a probability of 0.70.",
        warnings=(
            QualityWarning("too_dark", "warning", "The face is dark <12 of 255>; film it in more light."),
            QualityWarning("not_calibrated", "info", "The bundle was not calibrated."),
        ),
        learned_from="Learned from drawn faces only (made): nothing is known about real ones.",
        score="Score on 40 clips of 3 people not trained on: UF1 0.54.",
        seconds={"read": 0.1},
    )
    return Examination(
        answer=answer,
        frames=frames,
        flow=flow,
        inputs=inputs,
        still=torch.zeros_like(inputs),
        numbers=(10, 40, 80),
        fps=fps,
        candidates=(),
    )
