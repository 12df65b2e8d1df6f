"""Batches as recipes: which image of a shared pool, and what augmentation does to it, in place of pixels.

Many folds and seeds are trained on the same few images. Each image is kept once, where the training happens; drawing a
batch then takes microseconds and moves a few numbers, and all pixels are made there in one go.
"""

import hashlib
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_modules.corpus import InputKind
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips


class ImagePool:
    """All training images, once each, of all folds."""

    def __init__(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._images: list[Tensor] = []

    def recipes(self, clips: Clips) -> Clips:
        """Return the clips with the number of each image in place of its pixels, as (clip, 1, 1, 1, 1)."""
        rows = []
        for image in clips.inputs:
            digest = hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest()
            row = self._rows.setdefault(digest, len(self._images))
            if row == len(self._images):
                self._images.append(image)
            rows.append(row)
        return replace(clips, inputs=torch.tensor(rows, dtype=torch.float64)[:, None, None, None, None])

    def images(self) -> Float[Tensor, "image phase channel height width"]:
        """Return all images, in the order of their numbers."""
        return torch.stack(self._images)


class DrawnAhead:
    """Augmentation of recipes: what is drawn is written behind the number of the image, as channels 1 to 4.

    Args:
        augmentation: What draws; one that is ``drawn_ahead``.
    """

    def __init__(self, augmentation: Augmentation) -> None:
        self._augmentation = augmentation

    def __call__(self, clips: Clips, random: np.random.Generator, kind: InputKind = "motion") -> Clips:
        """Return the recipes, complete; the same numbers are drawn as for pixels."""
        drawn = self._augmentation.draw(len(clips), random, kind)
        return replace(clips, inputs=torch.cat([clips.inputs, drawn[:, None, :, None, None]], 2))


def cook(
    recipes: Float[Tensor, "*batch 1 numbers 1 1"],
    images: Float[Tensor, "image phase channel height width"],
    augmentation: Augmentation | None,
    kind: InputKind,
) -> Float[Tensor, "*batch phase channel height width"]:
    """Return the pixels of recipes.

    Args:
        recipes: Of any number of clips; one number (the image), or five (and what augmentation drew).
        images: Those of the pool, on the same device.
        augmentation: What drew.
        kind: What the images show.
    """
    numbers = recipes.reshape(-1, recipes.shape[-3])
    pixels = images[numbers[:, 0].to(torch.int64)]
    if numbers.shape[1] > 1:
        assert augmentation is not None  # or nothing would have been drawn
        pixels = augmentation.change(pixels, numbers[:, 1:], kind)
    return pixels.reshape(*recipes.shape[:-4], *images.shape[1:])
