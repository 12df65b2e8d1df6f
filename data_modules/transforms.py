"""Augmentation of motion images that keeps them true: mirrored faces, small shifts, weaker or stronger motion."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from data_modules.flow import magnify, mirror
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training clips, one draw a clip, the same for all its phases.

    Batched tensor operations: one image at a time, the same three operations cost a tenth of a meta-step.

    Attributes:
        mirror: Mirror half of the clips; u changes its sign.
        shift: Shift each clip by up to this many pixels in x and y, repeating the border; >= 0.
        gain: Scale the motion by a factor in [1 - gain, 1 + gain], clipped to the range; in [0, 1).

    Raises:
        ConfigurationError: A value outside its range.
    """

    mirror: bool = True
    shift: int = 2
    gain: float = 0.3

    def __post_init__(self) -> None:
        if self.shift < 0 or not 0 <= self.gain < 1:
            raise ConfigurationError(
                f"augmentation needs shift >= 0 and 0 <= gain < 1, but has shift: {self.shift}, gain: {self.gain}."
            )

    def __call__(self, clips: Clips, random: np.random.Generator) -> Clips:
        """Return changed copies of ``clips``, drawn from ``random``."""
        inputs = clips.inputs
        if self.mirror:
            chosen = torch.from_numpy(random.random(len(clips)) < 0.5)
            inputs = torch.where(chosen[:, None, None, None, None], mirror(inputs), inputs)
        if self.shift:
            inputs = _shift(inputs, random.integers(-self.shift, self.shift + 1, (2, len(clips))))
        if self.gain:
            factor = torch.from_numpy(random.uniform(1 - self.gain, 1 + self.gain, len(clips))).to(inputs.dtype)
            inputs = magnify(inputs, factor[:, None, None, None, None])
        return replace(clips, inputs=inputs)


def _shift(inputs: Tensor, offsets: np.ndarray) -> Tensor:
    """Move each clip's content by ``offsets`` (y, x) pixels; what moves in repeats the border."""
    height, width = inputs.shape[-2:]
    y, x = torch.from_numpy(offsets).to(torch.int64)
    rows = (torch.arange(height) - y[:, None]).clamp(0, height - 1)
    columns = (torch.arange(width) - x[:, None]).clamp(0, width - 1)
    clip = torch.arange(len(inputs))
    # Advanced indices in front of and behind slices: the result is (clip, height, width, phase, channel).
    moved = inputs[clip[:, None, None], :, :, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 4, 1, 2)
