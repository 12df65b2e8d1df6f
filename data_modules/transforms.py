"""Augmentation of clips: mirrored, shifted, rotated or zoomed, with other brightness, blurred, partly hidden."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from data_modules.corpus import InputKind
from data_modules.flow import HIGH, LOW, magnify, mirror
from data_modules.frame_augmentation import FrameAugmentation
from data_modules.scaling import Scaling, refuse_stretched
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training clips, drawn once per clip and the same for all its phases (except ``noise``).

    Mirror, shift and gain are batched tensor operations, because they are cheap compared with a meta-step; the rest
    works on one clip at a time (``data_modules.frame_augmentation``). Changes are made in the order of the attributes.

    Attributes:
        mirror: Mirror half of the clips; u of motion changes its sign.
        shift: Shift each clip by up to this many pixels in x and y, repeating the border; >= 0.
        gain: Scale motion and differences by a factor in [1 - gain, 1 + gain], clipped to the range; in [0, 1). Frames
            do not change.
        rotation: Turn each clip by up to this many degrees either way, repeating the border, and the vectors of motion
            with it; in [0, 180].
        zoom: Scale each clip by a factor in [1 - zoom, 1 + zoom], repeating the border, and the vectors of motion with
            it; in [0, 1).
        brightness: Add a number in [-brightness, brightness] to the pixels of frames (black is 0, white 1), clipped to
            the range; in [0, 1]. Motion and differences do not change.
        contrast: Multiply these pixels, before that, by a factor in [1 - contrast, 1 + contrast], clipped to the range;
            in [0, 1]. Motion and differences do not change.
        blur: Gaussian blur with a standard deviation of up to this many pixels; in [0, 20]. Strain is blurred as an
            image, so it is no longer exactly that of the blurred motion.
        noise: Standard deviation of Gaussian noise in each phase, channel and pixel, relative to the range; in [0, 1].
        occlusion: Side of a square at one place of each clip, as a fraction of the shorter side of the image; in
            [0, 1). It is filled with no motion or no difference; in frames with the mean of the clip's pixels.

    Raises:
        ConfigurationError: Values outside their range; the message names all of them.
    """

    mirror: bool = True
    shift: int = 2
    gain: float = 0.3
    rotation: float = 0.0
    zoom: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    occlusion: float = 0.0

    def __post_init__(self) -> None:
        ranges = {
            "shift": (self.shift >= 0, "shift >= 0"),
            "gain": (0 <= self.gain < 1, "0 <= gain < 1"),
            "rotation": (0 <= self.rotation <= 180, "0 <= rotation <= 180"),
            "zoom": (0 <= self.zoom < 1, "0 <= zoom < 1"),
            "brightness": (0 <= self.brightness <= 1, "0 <= brightness <= 1"),
            "contrast": (0 <= self.contrast <= 1, "0 <= contrast <= 1"),
            "blur": (0 <= self.blur <= 20, "0 <= blur <= 20"),
            "noise": (0 <= self.noise <= 1, "0 <= noise <= 1"),
            "occlusion": (0 <= self.occlusion < 1, "0 <= occlusion < 1"),
        }
        wrong = {name: needed for name, (holds, needed) in ranges.items() if not holds}
        if wrong:
            values = ", ".join(f"{name}: {getattr(self, name)}" for name in wrong)
            raise ConfigurationError(f"augmentation needs {', '.join(wrong.values())}, but has {values}.")

    def __call__(self, clips: Clips, random: np.random.Generator, kind: InputKind = "motion") -> Clips:
        """Return changed copies of ``clips``.

        Args:
            clips: Clips whose inputs are in [-0.5, 0.5].
            random: The only source of randomness.
            kind: What the inputs show: ``motion`` (u, v and strain), ``difference`` (0 is no change; any number of
                channels) or ``frames`` of a video (a phase is a frame of 1 or 3 channels, pixel / 255 - 0.5).
        """
        inputs = self.change(clips.inputs, self.draw(len(clips), random, kind), kind)
        if self._by_clip:
            inputs = FrameAugmentation(*self._rest)(inputs, kind, random)
        return replace(clips, inputs=inputs)

    def check(self, scaling: Scaling | None) -> None:
        """Refuse motion images of a scaling in which the changes cannot be right.

        Raises:
            ConfigurationError: As ``refuse_stretched``.
        """
        names = ("gain", "rotation", "zoom", "occlusion")
        refuse_stretched(scaling, {name: bool(getattr(self, name)) for name in names}, "augmentation")

    @property
    def drawn_ahead(self) -> bool:
        """Whether ``draw`` and ``change`` are all that it does."""
        return not self._by_clip

    def draw(self, count: int, random: np.random.Generator, kind: InputKind) -> Float64[Tensor, "clip 4"]:
        """Return what mirror, shift and gain do to ``count`` clips: mirrored (0 or 1), pixels in y and x, factor."""
        drawn = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64).repeat(count, 1)
        if self.mirror:
            drawn[:, 0] = torch.from_numpy(random.random(count) < 0.5)
        if self.shift:
            drawn[:, 1:3] = torch.from_numpy(random.integers(-self.shift, self.shift + 1, (2, count))).T
        if self.gain and kind != "frames":
            drawn[:, 3] = torch.from_numpy(random.uniform(1 - self.gain, 1 + self.gain, count))
        return drawn

    def change(
        self,
        inputs: Float[Tensor, "clip phase channel height width"],
        drawn: Float64[Tensor, "clip 4"],
        kind: InputKind,
    ) -> Float[Tensor, "clip phase channel height width"]:
        """Return clips mirrored, shifted and scaled as ``draw`` says; wherever the tensors are."""
        if self.mirror:
            inputs = torch.where(drawn[:, 0, None, None, None, None] > 0, mirrored(inputs, kind), inputs)
        if self.shift:
            inputs = _shift(inputs, drawn[:, 1:3].to(torch.int64))
        if self.gain and kind != "frames":
            gain = drawn[:, 3].to(inputs.dtype)[:, None, None, None, None]
            inputs = magnify(inputs, gain) if kind == "motion" else torch.clamp(inputs * gain, LOW, HIGH)
        return inputs

    @property
    def _rest(self) -> tuple[float, ...]:
        return self.rotation, self.zoom, self.brightness, self.contrast, self.blur, self.noise, self.occlusion

    @property
    def _by_clip(self) -> bool:
        return any(self._rest)


def mirrored(inputs: Tensor, kind: InputKind) -> Tensor:
    """Return inputs (…, height, width) with left and right exchanged; u of motion changes its sign."""
    return mirror(inputs) if kind == "motion" else inputs.flip(-1)


def _shift(inputs: Tensor, offsets: Int64[Tensor, "clip 2"]) -> Tensor:
    """Shift each clip's content by ``offsets`` (y, x) pixels, repeating the border."""
    height, width = inputs.shape[-2:]
    y, x = offsets.T
    rows = (torch.arange(height, device=inputs.device) - y[:, None]).clamp(0, height - 1)
    columns = (torch.arange(width, device=inputs.device) - x[:, None]).clamp(0, width - 1)
    clip = torch.arange(len(inputs), device=inputs.device)
    # Advanced indices in front of and behind slices: the result is (clip, height, width, phase, channel).
    moved = inputs[clip[:, None, None], :, :, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 4, 1, 2)
