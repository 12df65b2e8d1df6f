"""Changes of clips that albumentations makes: turned, zoomed, lighter or darker, blurred, noisy, partly hidden."""

import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from data_modules.flow import HIGH, LOW

Kind = Literal["motion", "difference", "frames"]

# OpenCV's INTER_LINEAR and BORDER_REPLICATE: albumentations wants the numbers, and only for them cv2 is not imported.
_LINEAR, _REPEAT_BORDER = 1, 1
_OPERATIONS = 5


@dataclass(frozen=True)
class FrameAugmentation:
    """Random changes of clips in the order of the attributes; all phases of a clip get one draw, except of the noise.

    albumentations 2.0.8 (https://doi.org/10.3390/info11020125) does the work, a clip at a time. The ranges are those
    of ``data_modules.transforms.Augmentation``, which checks them; 0 switches a change off.

    Attributes:
        rotation: Turn by up to this many degrees either way about the centre, repeating the border; the vectors of
            motion turn with the image.
        zoom: Scale by a factor in [1 - zoom, 1 + zoom] about the centre, repeating the border; the vectors of motion,
            being in pixels, grow alike, and strain, being a ratio of lengths, stays.
        brightness: Add a number in [-brightness, brightness] to frames whose pixels are in [0, 1].
        contrast: Multiply such frames, before, by a factor in [1 - contrast, 1 + contrast]; black stays black.
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
        self, inputs: Float[Tensor, "clip phase channel height width"], kind: Kind, random: np.random.Generator
    ) -> Float[Tensor, "clip phase channel height width"]:
        """Return changed ``inputs``, drawn from ``random``, computed as float32 and clipped to the range.

        Args:
            inputs: Clips in [-0.5, 0.5]; motion has 3 channels (u, v, strain).
            kind: What the clips show.
            random: Gives each clip one seed an operation, whether the operation is used or not.
        """
        affine, light, blur = self._transforms(kind)
        if not (affine or light or blur or self.noise or self.occlusion):
            return inputs
        images = inputs.permute(0, 1, 3, 4, 2).to(torch.float32).numpy() - np.float32(LOW)
        # A seed of its own for each operation: with one for all, the strongest blur would go with the largest angle.
        seeds = random.integers(2**32, size=(len(images), _OPERATIONS)).tolist()
        for i, (affine_seed, light_seed, blur_seed, noise_seed, place_seed) in enumerate(seeds):
            clip = images[i]
            if affine:
                clip = _moved(affine, clip, kind, affine_seed)
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

    def _transforms(self, kind: Kind) -> tuple[Any, Any, Any]:
        """Return albumentations' transforms, None for those that are off."""
        library = _albumentations()
        affine = light = blur = None
        if self.rotation or self.zoom:
            affine = library.Affine(
                rotate=(-self.rotation, self.rotation),
                scale=(1 - self.zoom, 1 + self.zoom),
                keep_ratio=True,
                interpolation=_LINEAR,
                border_mode=_REPEAT_BORDER,
                p=1,
            )
        if kind == "frames" and (self.brightness or self.contrast):
            light = library.RandomBrightnessContrast(self.brightness, self.contrast, p=1)
        if self.blur:
            # Not from 0 on: the kernel is computed by a division by the standard deviation.
            blur = library.GaussianBlur(sigma_limit=(min(1e-3, self.blur), self.blur), p=1)
        return affine, light, blur


def _albumentations() -> Any:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would ask the network for a newer version when imported
    import albumentations

    return albumentations


def _applied(
    transform: Any, images: Float32[np.ndarray, "phase height width channel"], seed: int
) -> Float32[np.ndarray, "phase height width channel"]:
    transform.set_random_seed(seed)
    return transform(images=images)["images"]


def _moved(
    affine: Any, images: Float32[np.ndarray, "phase height width channel"], kind: Kind, seed: int
) -> Float32[np.ndarray, "phase height width channel"]:
    moved = _applied(affine, images, seed)
    if kind != "motion":
        return moved
    # The matrix that moved the content, applied to the vectors (x, y) too; albumentations knows of no vectors.
    matrix = affine.get_applied_params()["matrix"][:2, :2].astype(np.float32)
    vectors = (moved[..., :2] + np.float32(LOW)) @ matrix.T - np.float32(LOW)
    return np.concatenate([vectors.clip(0, 1), moved[..., 2:]], axis=-1)


def _noisy(
    images: Float32[np.ndarray, "phase height width channel"], deviation: float, seed: int
) -> Float32[np.ndarray, "phase height width channel"]:
    # GaussNoise would add the same noise to all phases, out of OpenCV's generator, which belongs to the whole process
    # and which it gives one of only 2^16 seeds.
    noise = np.random.default_rng(seed).standard_normal(images.shape, dtype=np.float32)
    return (images + np.float32(deviation) * noise).clip(0, 1)


def _hidden(
    images: Float32[np.ndarray, "phase height width channel"], fraction: float, kind: Kind, seed: int
) -> Float32[np.ndarray, "phase height width channel"]:
    # Whole pixels, as fractions of height and width would make no square of an image that is none.
    side = max(1, round(fraction * min(images.shape[1:3])))
    fill = {"motion": (-LOW, -LOW, 0.0), "difference": -LOW, "frames": float(images.mean(dtype=np.float64))}[kind]
    square = _albumentations().CoarseDropout((1, 1), (side, side), (side, side), fill=fill, p=1)
    return _applied(square, images, seed)
