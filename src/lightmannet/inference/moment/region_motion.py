"""How regions of a face move from frame to frame, apart from the head, at the video's full frame rate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import atan2, cos, hypot, sin

import cv2
import numpy as np
from jaxtyping import Float32

from data_modules.video.crop import cut_square
from data_modules.video.reader import Pixels

SIZE = 64
"""Height and width in pixels of the squares in which motion is measured."""

REGIONS: dict[str, tuple[float, float, float, float]] = {
    "outer brow, left": (-0.72, -0.34, 0.20, 0.16),
    "outer brow, right": (0.72, -0.34, 0.20, 0.16),
    "inner brow, left": (-0.28, -0.36, 0.20, 0.16),
    "inner brow, right": (0.28, -0.36, 0.20, 0.16),
    "eye, left": (-0.50, 0.0, 0.24, 0.12),
    "eye, right": (0.50, 0.0, 0.24, 0.12),
    "cheek, left": (-0.58, 0.45, 0.24, 0.20),
    "cheek, right": (0.58, 0.45, 0.24, 0.20),
    "nose, left": (-0.22, 0.70, 0.16, 0.16),
    "nose, right": (0.22, 0.70, 0.16, 0.16),
    "mouth corner, left": (-0.42, 1.22, 0.18, 0.18),
    "mouth corner, right": (0.42, 1.22, 0.18, 0.18),
    "upper lip": (0.0, 1.08, 0.22, 0.12),
    "lower lip": (0.0, 1.38, 0.22, 0.12),
    "chin": (0.0, 1.72, 0.30, 0.16),
}
"""Centre and standard deviations, right and down, in distances between the eyes from the middle of the eyes; left and
right as seen in the picture, each left one followed by its right one."""

SIDE, EYE_LEVEL = 3.0, 0.30
"""Side of the square in distances between the eyes, and height of the eyes in it."""

Point = tuple[float, float]

_COUNT, _HEAD = len(REGIONS), 4
_BLOCK, _OVERLAP = 0.25, 0.04  # seconds that share a reference, and that join neighbouring blocks
_BLUR = 1.0  # standard deviation, pixels: brightness is taken for linear over the motion within a block
_NOISE = 0.06  # of a pixel, in standard deviations of the square's brightness
_EXPECTED = 0.04, 0.04, 0.3  # a region's motion right and down (distances between the eyes), and its brightness
_FOLLOW = 0.04  # distances between the eyes that the head may move before the square follows it


@dataclass(frozen=True)
class RegionMotion:
    """What happens in each frame, from an arbitrary origin; lengths in distances between the eyes.

    Attributes:
        local: Each region's motion beyond that of the head, right and down, and its brightness beyond the change of
            light, in standard deviations of the face's brightness.
        head: The head's shift right and down, its turn (radians) and its relative growth.
        change: How much a region changes within .04 s in ways that none of these explain, in the same unit.
    """

    local: Float32[np.ndarray, "frame region 3"]
    head: Float32[np.ndarray, "frame 4"]
    change: Float32[np.ndarray, "frame region"]


def region_motion(chunks: Iterable[Pixels], left_eye: Point, right_eye: Point, rate: float) -> RegionMotion:
    """Return the motion of all frames; memory grows by a few hundred bytes a frame.

    Each block of a quarter of a second is compared with the frames in its middle: the difference in brightness is
    explained, by least squares with a prior, as motion of the head (a similarity transform), as motion and brightness
    of each region, and as a change of light. Neighbouring blocks are joined where they overlap, and the square follows
    the head.

    Args:
        chunks: All frames in order, gray, some at a time; at least one.
        left_eye: x and y in the first frame, pixels, left as seen.
        right_eye: The other one's.
        rate: Frames a second.

    Reference: Lucas, Kanade 1981, "An iterative image registration technique with an application to stereo vision",
    IJCAI 1981, for motion from gradients of brightness; what moves is ours.
    """
    length = max(2, round(_BLOCK * rate))
    overlap = max(1, min(round(_OVERLAP * rate), length - 1))
    start = _Square.around(left_eye, right_eye)
    square, origin = start, np.zeros(_HEAD)
    pieces: list[np.ndarray] = []
    tail: np.ndarray | None = None
    for block in _blocks(chunks, length, overlap):
        measured, change = _measure(square.cut(block), overlap)
        measured[:, -_HEAD:] += origin
        if tail is not None:
            measured += (tail - measured[: len(tail)]).mean(0)
            change = change[len(tail) :]
        new = measured if tail is None else measured[len(tail) :]
        if tail is None:
            change[:overlap] = change[min(overlap, len(change) - 1)]
        pieces.append(np.concatenate([new, change], axis=1).astype(np.float32))
        tail = measured[-overlap:]
        head = measured[-1, -_HEAD:]
        if np.abs(head - origin).max() > _FOLLOW:
            square, origin = start.moved(head), head.copy()
    values = np.concatenate(pieces)
    local, head, change = np.split(values, [3 * _COUNT, 3 * _COUNT + _HEAD], axis=1)
    return RegionMotion(local.reshape(-1, _COUNT, 3), head, change)


@dataclass(frozen=True)
class _Square:
    """A square of the frame: middle of the eyes and distance between them in pixels, angle in radians."""

    eyes: Point
    distance: float
    angle: float

    @classmethod
    def around(cls, left: Point, right: Point) -> "_Square":
        x, y = right[0] - left[0], right[1] - left[1]
        return cls(((left[0] + right[0]) / 2, (left[1] + right[1]) / 2), hypot(x, y), atan2(y, x))

    def moved(self, head: np.ndarray) -> "_Square":
        right, down, turn, growth = head.tolist()
        x, y = self._along(right, down)
        return _Square((self.eyes[0] + x, self.eyes[1] + y), self.distance * (1 + growth), self.angle + turn)

    def cut(self, frames: Pixels) -> np.ndarray:
        x, y = self._along(0.0, SIDE * (0.5 - EYE_LEVEL))
        centre = self.eyes[0] + x, self.eyes[1] + y
        return cut_square(frames, SIZE, centre, SIDE * self.distance, self.angle)[..., 0]

    def _along(self, right: float, down: float) -> Point:
        return (
            self.distance * (right * cos(self.angle) - down * sin(self.angle)),
            self.distance * (right * sin(self.angle) + down * cos(self.angle)),
        )


def _blocks(chunks: Iterable[Pixels], length: int, overlap: int) -> Iterator[Pixels]:
    """Yield ``length`` new frames at a time, with the ``overlap`` before them except at the beginning."""
    kept: list[np.ndarray] = []
    wanted = length
    for chunk in chunks:
        for frame in chunk:
            kept.append(frame)
            if len(kept) == wanted:
                yield np.stack(kept)
                kept, wanted = kept[-overlap:], length + overlap
    if len(kept) > (0 if wanted == length else overlap):
        yield np.stack(kept)


def _measure(squares: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return motion from the block's middle, (frame, 3 a region and 4), and unexplained change, (frame, region)."""
    x, y, bumps, weight = _layout()
    frames = np.stack([cv2.GaussianBlur(square, (0, 0), _BLUR) for square in squares.astype(np.float32)])
    middle = len(frames) // 2
    reference = frames[max(0, middle - 1) : middle + 2].mean(0)
    scale = max(float(reference.std()), 1.0)
    right, down = (-gradient / (scale * SIDE / SIZE) for gradient in np.gradient(reference)[::-1])
    columns = [right * b if k == 0 else down * b if k == 1 else b for b in bumps for k in range(3)]
    columns += [right, down, down * x - right * y, right * x + down * y]
    columns += [np.ones_like(x), (reference - reference.mean()) / scale, x, y]
    model = np.stack(columns, -1).reshape(-1, len(columns)).astype(np.float32)
    prior = np.concatenate([np.tile(_EXPECTED, _COUNT), np.ones(_HEAD + 4)])
    weighted = model * weight.reshape(-1, 1)
    normal = weighted.T @ model + np.diag((_NOISE / prior) ** 2)
    difference = ((frames - reference) / scale).reshape(len(frames), -1).astype(np.float32)
    found = np.linalg.solve(normal, weighted.T @ difference.T).T
    left = difference - found.astype(np.float32) @ model.T
    changed = left - left[np.maximum(np.arange(len(left)) - lag, 0)]
    areas = bumps.reshape(_COUNT, -1)
    change = np.sqrt(changed**2 @ (areas / areas.sum(1, keepdims=True)).T)
    return found[:, : 3 * _COUNT + _HEAD].astype(np.float64), change


@cache
def _layout() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return each pixel's place from the middle of the eyes, each region's bump, and how much a pixel counts."""
    axis = (np.arange(SIZE) + 0.5) / SIZE * SIDE
    x, y = np.meshgrid(axis - SIDE / 2, axis - SIDE * EYE_LEVEL)
    bumps = np.stack(
        [np.exp(-0.5 * (((x - a) / wide) ** 2 + ((y - b) / high) ** 2)) for a, b, wide, high in REGIONS.values()]
    )
    inside = 1.1 - np.hypot(x / 1.25, (y - 0.7) / 1.65)
    return x, y, bumps, (inside / 0.2).clip(0, 1)
