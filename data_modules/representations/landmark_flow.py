"""Motion images from landmarks alone: no picture of a face is needed."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float32, Float64

from data_modules.flow import HIGH, LOW, SIZE, STRAIN, optical_strain
from data_modules.representations.base import Representation, check_order, evenly_spaced
from data_modules.scaling import STRETCHED, Scaling, stretch
from data_modules.video.eyes import EYES
from data_modules.video.landmarks import LEFT_EYE, RIGHT_EYE, Landmarks
from data_modules.video.reader import Pixels
from lightmannet.errors import ConfigurationError, DataError

_STABLE = [*range(27, 36), 36, 39, 42, 45]
"""Nose and eye corners, which expressions move least."""

_BORDER = np.linspace(-4, SIZE + 4, 8)
"""Where the motion is held at 0, on each side of a square about the image: the chin lies below the image's lower edge,
and a ring nearer to it would hold the mouth."""
_SMOOTHING = 1.0


@dataclass(frozen=True)
class LandmarkFlow(Representation):
    """The motion of 68 landmarks from onset to apex, or in phases; the result is (phases, 3, size, size).

    The apex's points are aligned to the onset's by the similarity transform that fits nose and eye corners best, which
    removes head motion, and the eyes are moved to fixed positions. Between the points the motion is a thin-plate
    spline, smoothed a little, as the lips' inner points nearly coincide; at eight places of each side of a square, a
    seventh of the width outside of the image, it is 0. It is computed in pixels of a grid of 28, whatever the size, so
    that the motion does not depend on it.

    Signs and scaling are those of ``MotionImages``.

    Args:
        size: Height and width of the image in pixels, 28..224.
        full_scale: Motion that reaches the end of the range, as a fraction of the image's width.
        stretch: Stretch each channel of each image over the whole range, as the released MEGC2019 images are.
        full_strain: Strain that reaches the end of the range.
        phases: 1 shows the motion from onset to apex; more show equally long phases from onset to offset, each the
            motion during it, as ``PhaseFlow``.

    Raises:
        ConfigurationError: An option outside its range.

    Reference: Bookstein 1989, "Principal warps: thin-plate splines and the decomposition of deformations", IEEE TPAMI
    11(6); Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns", IEEE TPAMI
    13(4).
    """

    size: int = SIZE
    full_scale: float = 0.05
    stretch: bool = False
    full_strain: float = 0.5
    phases: int = 1
    color: Literal["gray", "rgb"] = field(default="gray", init=False)
    kind: ClassVar[Literal["motion", "difference", "frames"]] = "motion"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("full_scale", "full_strain"):
            if not 0 < getattr(self, name) < np.inf:
                raise ConfigurationError(f"{name}={getattr(self, name)}: a number greater than 0")
        if self.phases < 1:
            raise ConfigurationError(f"phases={self.phases}: at least 1 is needed")

    @property
    def channels(self) -> int:
        """Channels per image: u, v and strain."""
        return 3

    @property
    def scaling(self) -> Scaling:
        """How motion is scaled."""
        return STRETCHED if self.stretch else Scaling("absolute", self.full_scale, self.full_strain)

    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        """Return onset and apex, or ``phases + 1`` frame numbers from onset to offset."""
        if self.phases > 1:
            return evenly_spaced(onset, offset, self.phases + 1)
        check_order(("onset", onset), ("apex", apex))
        return onset, apex

    def render_points(self, points: Float64[np.ndarray, "frame 68 2"]) -> Float32[np.ndarray, "phase 3 size size"]:
        """Return the network's input, in [-0.5, 0.5].

        Args:
            points: Landmarks of the frames of ``moments()``.

        Raises:
            DataError: The points of all frames are the same.
        """
        if (points == points[0]).all():
            raise DataError("the landmarks of the apex equal those of the neutral face: there is no motion")
        return np.stack([self._image(first, second) for first, second in pairwise(points)])

    def _image(self, first: Landmarks, second: Landmarks) -> Float32[np.ndarray, "3 size size"]:
        motion = landmark_motion(first, second, self.size)
        channels = np.concatenate([motion, optical_strain(motion)[None]])
        if self.stretch:
            return stretch(channels).astype(np.float32)
        full = np.array([2 * self.full_scale * self.size] * 2 + [self.full_strain])[:, None, None]
        rest = np.zeros((3, 1, 1))
        rest[STRAIN] = LOW
        return (channels / full + rest).clip(LOW, HIGH).astype(np.float32)

    def _render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        raise DataError(
            "LandmarkFlow needs landmarks, but the clip has frames. Choose a database of landmarks, or ApexFlow"
        )


def landmark_motion(onset: Landmarks, apex: Landmarks, size: int = SIZE) -> Float64[np.ndarray, "2 {size} {size}"]:
    """Return u and v of each pixel, in pixels of the image, with the eyes at ``EYES`` and without head motion.

    Args:
        onset: Points of the first picture, in any unit.
        apex: Points of the second picture.
        size: Height and width of the image in pixels.
    """
    from scipy.interpolate import RBFInterpolator

    still = _similarity(apex[_STABLE], onset[_STABLE])(apex)
    place = _similarity(np.stack([onset[LEFT_EYE].mean(0), onset[RIGHT_EYE].mean(0)]), np.array(EYES))
    first, second = place(onset), place(still)
    low, high = _BORDER[0], _BORDER[-1]
    border = [(at, end) for at in _BORDER for end in (low, high)]
    border += [(end, at) for at in _BORDER[1:-1] for end in (low, high)]
    spline = RBFInterpolator(
        np.concatenate([first, border]),
        np.concatenate([second - first, np.zeros((len(border), 2))]),
        kernel="thin_plate_spline",
        smoothing=_SMOOTHING,
    )
    # Centres of the pixels of the image, in pixels of the grid of 28.
    centres = (np.arange(size) + 0.5) * SIZE / size
    grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    return np.asarray(spline(grid).reshape(size, size, 2).transpose(2, 0, 1) * (size / SIZE))


class _Similarity:
    """Rotation, scale and shift of the plane."""

    def __init__(self, turn: complex, shift: complex) -> None:
        self.turn, self.shift = turn, shift

    def __call__(self, points: Float64[np.ndarray, "point 2"]) -> Float64[np.ndarray, "point 2"]:
        moved = (points @ np.array([1, 1j])) * self.turn + self.shift
        return np.stack([moved.real, moved.imag], axis=1)


def _similarity(source: Float64[np.ndarray, "point 2"], target: Float64[np.ndarray, "point 2"]) -> _Similarity:
    """Return the similarity transform that best maps ``source`` to ``target`` (least squares)."""
    one, other = (points @ np.array([1, 1j]) for points in (source, target))
    centred = one - one.mean()
    turn = complex(np.vdot(centred, other - other.mean()) / np.vdot(centred, centred))
    return _Similarity(turn, complex(other.mean()) - turn * complex(one.mean()))
