"""Degradation of data on purpose, to measure a method's robustness."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from data_modules.corpus import InputKind
from data_modules.flow import HIGH, LOW, magnify
from data_modules.frame_augmentation import FrameAugmentation
from data_modules.protocols import balanced_groups, select_subjects
from data_modules.scaling import Scaling, refuse_stretched
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError

# Streams of random numbers. None is 0: NumPy pads a seed with zeros, so [seed] and [seed, 0] are the same stream.
_PEOPLE, _IMBALANCE, _LABELS, _IMAGES, _FEW = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Corruption:
    """Fewer or mislabelled training clips and degraded test images; the defaults change nothing.

    Test labels are never changed. Supports drawn from training people are degraded like the training clips.

    Attributes:
        people: Share of the training people to keep, in (0, 1], with about that share of each class.
        minority: Share of training clips to keep of each class except the most frequent, in (0, 1]; at least one clip.
        clips_per_class: Training clips to keep per class, drawn at random, >= 1; None keeps all.
        label_noise: Share of training clips that get the label of another class, drawn uniformly, in [0, 1).
        gain: Factor of the motion, the difference or the brightness of test clips, >= 0.
        blur: Standard deviation in pixels of a Gaussian blur of test clips, >= 0.
        noise: Standard deviation of Gaussian noise in each pixel of test clips, of a range of 1, >= 0.
        occlusion: Side of a square without motion (in frames: of mean brightness) at one place of each test clip, as a
            fraction of the shorter side, in [0, 1).

    Raises:
        ConfigurationError: A value outside its range.
    """

    people: float = 1.0
    minority: float = 1.0
    clips_per_class: int | None = None
    label_noise: float = 0.0
    gain: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    occlusion: float = 0.0

    def __post_init__(self) -> None:
        ranges = {
            "people": (0 < self.people <= 1, "0 < people <= 1"),
            "minority": (0 < self.minority <= 1, "0 < minority <= 1"),
            "clips_per_class": (self.clips_per_class is None or self.clips_per_class >= 1, "clips_per_class >= 1"),
            "label_noise": (0 <= self.label_noise < 1, "0 <= label_noise < 1"),
            "gain": (self.gain >= 0, "gain >= 0"),
            "blur": (self.blur >= 0, "blur >= 0"),
            "noise": (self.noise >= 0, "noise >= 0"),
            "occlusion": (0 <= self.occlusion < 1, "0 <= occlusion < 1"),
        }
        wrong = {name: needed for name, (holds, needed) in ranges.items() if not holds}
        if wrong:
            values = ", ".join(f"{name}: {getattr(self, name)}" for name in wrong)
            raise ConfigurationError(f"corruption needs {', '.join(wrong.values())}, but has {values}.")

    def check(self, scaling: Scaling | None) -> None:
        """Refuse motion images of a scaling in which the changes cannot be right.

        Raises:
            ConfigurationError: As ``refuse_stretched``.
        """
        refuse_stretched(scaling, {"gain": self.gain != 1, "occlusion": bool(self.occlusion)}, "corruption")

    def training(self, clips: Clips, n_classes: int, seed: int) -> Clips:
        """Return a part of the training clips, some with a wrong label.

        Args:
            clips: All clips of the training people.
            n_classes: Number of classes.
            seed: Chooses people, clips and labels.

        Raises:
            ConfigurationError: No person is left, or a class has fewer than ``clips_per_class`` clips.
        """
        if self.people < 1:
            sizes = (self.people, 1 - self.people)
            kept = balanced_groups(clips, sizes, seed + _PEOPLE)[0]
            if not kept:
                raise ConfigurationError(
                    f"corruption: people: {self.people} of the training people leaves nobody. Raise it."
                )
            clips = select_subjects(clips, kept)
        if self.minority < 1:
            clips = clips.select(_imbalanced(clips.labels.numpy(), self.minority, [seed, _IMBALANCE]))
        if self.clips_per_class is not None:
            clips = clips.select(_few(clips.labels.numpy(), self.clips_per_class, [seed, _FEW]))
        if self.label_noise:
            random = np.random.default_rng([seed, _LABELS])
            wrong = random.permutation(len(clips))[: round(self.label_noise * len(clips))]
            labels = clips.labels.clone()
            shift = torch.from_numpy(random.integers(1, n_classes, len(wrong)))
            labels[wrong] = (labels[wrong] + shift) % n_classes
            clips = replace(clips, labels=labels)
        return clips

    def testing(self, clips: Clips, kind: InputKind, seed: int) -> Clips:
        """Return the test clips with degraded images; changes are made in the order of the attributes.

        Args:
            clips: All clips of the test people.
            kind: What the images show.
            seed: Seed of noise and places.
        """
        inputs = clips.inputs
        if self.gain != 1:
            if kind == "motion":
                inputs = magnify(inputs, self.gain)
            else:
                rest = LOW if kind == "frames" else 0.0
                inputs = ((inputs - rest) * self.gain + rest).clamp(LOW, HIGH)
        if self.blur:
            inputs = _blurred(inputs, self.blur)
        if self.noise or self.occlusion:
            spoil = FrameAugmentation(0, 0, 0, 0, 0, self.noise, self.occlusion)
            inputs = spoil(inputs.clone(), kind, np.random.default_rng([seed, _IMAGES]))
        return clips if inputs is clips.inputs else replace(clips, inputs=inputs)


def _few(labels: np.ndarray, count: int, seed: list[int]) -> list[int]:
    """Return the indices of ``count`` clips of each class, in order."""
    random = np.random.default_rng(seed)
    kept: list[int] = []
    for label, found in enumerate(np.bincount(labels)):
        if 0 < found < count:
            raise ConfigurationError(
                f"corruption: clips_per_class: {count}, but class {label} has {found} training clips. Lower it."
            )
        # A larger count includes the clips of a smaller one, so that curves over it are smooth.
        kept += random.permutation(np.flatnonzero(labels == label))[:count].tolist()
    return sorted(kept)


def _imbalanced(labels: np.ndarray, share: float, seed: list[int]) -> list[int]:
    """Return the indices of the clips that stay, in order."""
    counts = np.bincount(labels)
    random = np.random.default_rng(seed)
    kept = [
        mine if label == counts.argmax() else random.permutation(mine)[: max(1, round(share * len(mine)))]
        for label in np.unique(labels)
        for mine in [np.flatnonzero(labels == label)]
    ]
    return sorted(np.concatenate(kept).tolist())


def _blurred(
    inputs: Float[Tensor, "clip phase channel height width"], deviation: float
) -> Float[Tensor, "clip phase channel height width"]:
    radius = int(np.ceil(3 * deviation))
    weights = torch.exp(-(torch.arange(-radius, radius + 1) ** 2) / (2 * deviation**2)).to(inputs.dtype)
    weights = weights / weights.sum()
    images = inputs.flatten(0, 2).unsqueeze(1)
    images = F.conv2d(F.pad(images, (0, 0, radius, radius), mode="replicate"), weights[None, None, :, None])
    images = F.conv2d(F.pad(images, (radius, radius, 0, 0), mode="replicate"), weights[None, None, None, :])
    return images.reshape(inputs.shape)
