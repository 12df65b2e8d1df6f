"""From two frames to a motion image: flow, averaged down to the image's size, and its strain, both scaled."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from data_modules.flow import HIGH, LOW, SIZE, STRAIN, optical_strain
from data_modules.representations.base import Representation
from data_modules.representations.optical_flow import FlowMethod, computed_with, optical_flow
from data_modules.scaling import STRETCHED, Scaling, stretch
from data_modules.video.reader import Pixels
from lightmannet.errors import ConfigurationError

WORKING_SIZE = 112
"""Smallest default height and width in pixels at which flow is computed: at 28 pixels a micro-expression moves by a
fraction of a pixel, which no method estimates well."""


@dataclass(frozen=True)
class MotionImages(Representation):
    """Motion images (u, v, strain) of pairs of frames; ``ApexFlow`` and ``PhaseFlow`` choose the pairs.

    Flow from the first to the second frame of a pair is computed at ``working_size``, averaged over areas down to
    ``size`` and then expressed in pixels of that size (divided by ``working_size / size``). Stored are, in
    [-0.5, 0.5] and clipped,

    - u, pixels to the right, and v, pixels downwards, as ``u / (2 full_scale size)``: 0 is no motion, 0.5 a motion to
      the right (downwards) by ``full_scale`` of the image's width;
    - optical strain of that averaged field (central differences, unitless) as ``strain / full_strain - 0.5``: -0.5 is
      none, 0.5 is ``full_strain`` or more.

    So the same motion of the same face has the same values for every ``size`` and ``working_size``.

    Args:
        method: ``tvl1``, common in the field, or ``dis``, several times faster.
        size: Height and width of the images in pixels, 28..224.
        full_scale: Motion that reaches the end of the range, as a fraction of the image's width. The default fits
            macro-expressions, which move skin by up to about a twentieth of the face; micro-expressions use part of
            the range, so that they remain visibly smaller.
        stretch: Stretch each channel of each image to the whole range, as in the released MEGC2019 images, instead of
            scaling all by the same factor: amplitude is lost, and 0 no longer means no motion. A constant channel is
            stored as no motion.
        working_size: Height and width in pixels that frames are cropped to and flow is computed at, a multiple of
            ``size``; 0 takes the smallest one of at least 112.
        full_strain: Strain that reaches the end of the range. The default fits that of ``full_scale``: skin that
            moves as a Gaussian of standard deviation 0.06 of the width (as in ``synthetic.anatomy``) and at most 0.05
            of it changes by up to 0.05 / 0.06 · exp(-1/2) = 0.5.

    Raises:
        ConfigurationError: An option outside its range.
    """

    method: FlowMethod = "tvl1"
    size: int = SIZE
    full_scale: float = 0.05
    stretch: bool = False
    working_size: int = 0
    full_strain: float = 0.5
    color: Literal["gray", "rgb"] = field(default="gray", init=False)
    kind: ClassVar[Literal["motion", "difference", "frames"]] = "motion"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in get_args(FlowMethod):
            raise ConfigurationError(f"method={self.method!r}: one of {', '.join(get_args(FlowMethod))}")
        for name in ("full_scale", "full_strain"):
            if not 0 < getattr(self, name) < np.inf:
                raise ConfigurationError(f"{name}={getattr(self, name)}: a number greater than 0")
        smallest = -(-WORKING_SIZE // self.size) * self.size
        if self.working_size == 0:
            object.__setattr__(self, "working_size", smallest)
        if self.working_size < self.size or self.working_size % self.size:
            raise ConfigurationError(
                f"working_size={self.working_size}: a multiple of size={self.size} is needed, such as {smallest}"
            )

    @property
    def channels(self) -> int:
        """Channels per image: u, v and strain."""
        return 3

    @property
    def scaling(self) -> Scaling:
        """How motion is scaled."""
        return STRETCHED if self.stretch else Scaling("absolute", self.full_scale, self.full_strain)

    @abstractmethod
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return, for each image, the indices of the two frames of ``moments()`` whose motion it shows."""

    def _render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        return np.stack(
            [self._image(frames[first, :, :, 0], frames[second, :, :, 0]) for first, second in self.pairs()]
        )

    def _image(
        self, first: UInt8[np.ndarray, "height width"], second: UInt8[np.ndarray, "height width"]
    ) -> Float32[np.ndarray, "3 size size"]:
        motion = area_average(optical_flow(first, second, self.method), self.size)
        channels = np.concatenate([motion, optical_strain(motion[None])])
        if self.stretch:
            return stretch(channels).astype(np.float32)
        full = np.array([2 * self.full_scale * self.size] * 2 + [self.full_strain])[:, None, None]
        return (channels / full + _REST).clip(LOW, HIGH).astype(np.float32)

    def fingerprint(self) -> str:
        """Return a text that changes whenever the result may change; it includes the library that computes the flow."""
        return f"{super().fingerprint()} {computed_with(self.method)}"


def area_average(flow: Float32[np.ndarray, "2 height width"], size: int) -> Float64[np.ndarray, "2 size size"]:
    """Return the mean flow of each of size x size equal squares, in pixels of that smaller image.

    Args:
        flow: Flow in pixels; its height and width are the same multiple of ``size``.
        size: Height and width of the result.
    """
    factor = flow.shape[-1] // size
    blocks = flow.astype(np.float64).reshape(2, size, factor, size, factor)
    return np.asarray(blocks.mean(axis=(2, 4)) / factor)


_REST = np.zeros((3, 1, 1))
_REST[STRAIN] = LOW
