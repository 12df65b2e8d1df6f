"""Changes of clips: rotation, zoom, brightness, contrast, blur, noise, occlusion."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional as F

from data_modules.corpus import InputKind
from data_modules.flow import CHANNELS, HIGH, LOW

# Numbers drawn for each clip: two for the geometry, then a seed for each operation of albumentations and for the noise.
_DRAWN, _FIRST_SEED, _LARGEST = 6, 2, 2**32


@dataclass(frozen=True)
class FrameAugmentation:
    """Random changes of clips in the order of the attributes, the same for all phases of a clip, except noise.

    Rotation and zoom work on all clips at once; the rest uses albumentations 2.0.8
    (https://doi.org/10.3390/info11020125), one clip at a time. The ranges are those of
    ``data_modules.transforms.Augmentation``, which checks them; 0 switches a change off.

    Attributes:
        rotation: Turn by up to this many degrees either way about the centre, repeating the border; the vectors of
            motion turn with the image.
        zoom: Scale by a factor in [1 - zoom, 1 + zoom] about the centre, repeating the border; vectors of
            motion, in pixels, scale with it; strain, a ratio of lengths, does not change.
        brightness: Add a number in [-brightness, brightness] to frames whose pixels are in [0, 1].
        contrast: Multiply such frames, before that, by a factor in [1 - contrast, 1 + contrast]; black stays black.
        blur: Gaussian blur with a standard deviation of up to this many pixels.
        noise: Standard deviation of Gaussian noise, independent for each phase, channel and pixel.
        occlusion: Side of one square filled with the rest value, as a fraction of the shorter side of the image.
    """

    rotation: float
    zoom: float
    brightness: float
    contrast: float
    blur: float
    noise: float
    occlusion: float

    def __call__(
        self, inputs: Float[Tensor, "clip phase channel height width"], kind: InputKind, random: np.random.Generator
    ) -> Float[Tensor, "clip phase channel height width"]:
        """Return changed ``inputs``, drawn from ``random``, computed as float32 and clipped to the range.

        Args:
            inputs: Clips in [-0.5, 0.5]; motion has 3 channels (u, v, strain), or 3 for each view.
            kind: What the clips show.
            random: Source of randomness; each clip takes the same number of draws, whichever operations are used.
        """
        if kind == "motion" and inputs.shape[2] > CHANNELS:
            # Views change as phases do: all of a clip alike.
            views = (inputs.shape[2] // CHANNELS, CHANNELS)
            changed = self(inputs.unflatten(2, views).flatten(1, 2), kind, random)
            return changed.unflatten(1, (inputs.shape[1], views[0])).flatten(2, 3)
        light, blur = self._transforms(kind)
        clip_by_clip = light or blur or self.noise or self.occlusion
        if not (self.rotation or self.zoom or clip_by_clip) or not len(inputs):
            return inputs
        # Separate numbers for each operation: with a single one, the strongest blur would go with the largest angle.
        drawn = random.integers(_LARGEST, size=(len(inputs), _DRAWN))
        moved = inputs.to(torch.float32)
        if self.rotation or self.zoom:
            sides = torch.from_numpy(2 * drawn[:, :_FIRST_SEED] / _LARGEST - 1).to(torch.float32)
            moved = moved_content(moved, kind, sides[:, 0] * self.rotation, 1 + sides[:, 1] * self.zoom)
        if not clip_by_clip:
            return moved.clamp(LOW, HIGH).to(inputs.dtype)
        images = moved.permute(0, 1, 3, 4, 2).numpy() - np.float32(LOW)
        for i, (light_seed, blur_seed, noise_seed, place_seed) in enumerate(drawn[:, _FIRST_SEED:].tolist()):
            clip = images[i]
            if light:
                clip = _applied(light, clip, light_seed)
            if blur:
                clip = _applied(blur, clip, blur_seed)
            if self.noise:
                clip = _noisy(clip, self.noise, noise_seed)
            if self.occlusion:
                clip = _hidden(clip, self.occlusion, kind, place_seed)
            images[i] = clip
        changed = torch.from_numpy(images).permute(0, 1, 4, 2, 3) + LOW
        return changed.clamp(LOW, HIGH).contiguous().to(inputs.dtype)

    def _transforms(self, kind: InputKind) -> tuple[Any, Any]:
        """Return albumentations' transforms, None for those that are off."""
        light = blur = None
        if kind == "frames" and (self.brightness or self.contrast):
            light = _albumentations().RandomBrightnessContrast(self.brightness, self.contrast, p=1)
        if self.blur:
            # Not from 0: the kernel is computed by dividing by the standard deviation.
            blur = _albumentations().GaussianBlur(sigma_limit=(min(1e-3, self.blur), self.blur), p=1)
        return light, blur


def moved_content(
    inputs: Float[Tensor, "clip phase channel height width"],
    kind: InputKind,
    degrees: Float[Tensor, " clip"],
    factors: Float[Tensor, " clip"],
) -> Float[Tensor, "clip phase channel height width"]:
    """Return each clip turned and scaled about its centre, bilinear, repeating the border; vectors of motion with it.

    Args:
        inputs: Clips; the first two channels of motion are u and v.
        kind: What they show.
        degrees: Angle, counter-clockwise as seen.
        factors: Scale, > 0.
    """
    height, width = inputs.shape[-2:]
    angle = torch.deg2rad(degrees.to(inputs.dtype))
    cos, sin = torch.cos(angle), torch.sin(angle)
    # y points down, so a counter-clockwise rotation takes (x, y) to (x cos + y sin, y cos - x sin).
    turn = torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 1)
    factors = factors.to(inputs.dtype)[:, None, None]
    # grid_sample takes the source of each pixel, in units of half the distance between the outermost pixels.
    half = inputs.new_tensor([max(width - 1, 1), max(height - 1, 1)]) / 2
    x, y = (torch.arange(size, dtype=inputs.dtype) - (size - 1) / 2 for size in (width, height))
    pixels = torch.stack(torch.meshgrid(x, y, indexing="xy"), 2)
    origin = pixels @ (turn / factors)[:, None] / half
    moved = F.grid_sample(inputs.flatten(1, 2), origin, padding_mode="border", align_corners=True).view_as(inputs)
    if kind == "motion":
        vectors = torch.einsum("nij,npjhw->npihw", turn * factors, moved[:, :, :2])
        moved = torch.cat([vectors, moved[:, :, 2:]], 2)
    return moved


def _albumentations() -> Any:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would ask the network for a newer version when imported
    import albumentations

    return albumentations


def _applied(
    transform: Any, images: Float32[np.ndarray, "phase height width channel"], seed: int
) -> Float32[np.ndarray, "phase height width channel"]:
    transform.set_random_seed(seed)
    return transform(images=images)["images"]


def _noisy(
    images: Float32[np.ndarray, "phase height width channel"], deviation: float, seed: int
) -> Float32[np.ndarray, "phase height width channel"]:
    # GaussNoise would add the same noise to all phases, from OpenCV's process-wide generator, with one of only 2^16
    # seeds.
    noise = np.random.default_rng(seed).standard_normal(images.shape, dtype=np.float32)
    return (images + np.float32(deviation) * noise).clip(0, 1)


def _hidden(
    images: Float32[np.ndarray, "phase height width channel"], fraction: float, kind: InputKind, seed: int
) -> Float32[np.ndarray, "phase height width channel"]:
    # Whole pixels: fractions of height and width would not give a square in an image that is not square.
    side = max(1, round(fraction * min(images.shape[1:3])))
    fill = {"motion": (-LOW, -LOW, 0.0), "difference": -LOW, "frames": float(images.mean(dtype=np.float64))}[kind]
    square = _albumentations().CoarseDropout((1, 1), (side, side), (side, side), fill=fill, p=1)
    return _applied(square, images, seed)
