"""Motion between two face crops, divided into that of the head and that of the face."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from data_modules.representations.optical_flow import dis

_BLOCKS = 8  # rows and columns of blocks that flow is averaged over: single pixels are mostly noise
_STRONGEST = 0.2  # share of the blocks: what moves in an expression is a small part of the face
_KEPT = 0.7  # share of the pixels that the head's motion is fitted to again: those that the face moves least


class Motion(NamedTuple):
    """Strength of motion, as fractions of the crop's width.

    Attributes:
        head: Root mean square of the similarity transform (shift, turn, scale) that fits most pixels.
        face: What is left, averaged over blocks of an eighth of the width, without those at the border; mean of the
            strongest fifth of the blocks.
    """

    head: float
    face: float


def motion(first: UInt8[np.ndarray, "size size"], second: UInt8[np.ndarray, "size size"]) -> Motion:
    """Return how far head and face move between two gray crops, at least 16 pixels wide."""
    return divide(dis(first, second))


def divide(flow: Float32[np.ndarray, "2 size size"]) -> Motion:
    """Return the strengths of head and face in a flow field in pixels."""
    size = flow.shape[-1]
    sparse = flow[:, 1::2, 1::2].reshape(2, -1).astype(np.float64)
    axis = (np.arange(1, size, 2) - size / 2) / size
    y, x = (grid.ravel() for grid in np.meshgrid(axis, axis, indexing="ij"))
    zero, one = np.zeros_like(x), np.ones_like(x)
    # u = a + c x - d y, v = b + d x + c y
    rows = np.stack([np.stack([one, zero, x, -y], 1), np.stack([zero, one, y, x], 1)])
    kept = np.full(x.size, True)
    for _ in range(2):
        design, target = rows[:, kept].reshape(-1, 4), sparse[:, kept].reshape(-1)
        coefficients = np.linalg.solve(design.T @ design, design.T @ target)
        left = np.hypot(*(sparse - rows @ coefficients))
        kept = left <= np.quantile(left, _KEPT)
    side = len(axis) // _BLOCKS
    rest = (sparse - rows @ coefficients).reshape(2, len(axis), len(axis))[:, : side * _BLOCKS, : side * _BLOCKS]
    blocks = rest.reshape(2, _BLOCKS, side, _BLOCKS, side).mean((2, 4))[:, 1:-1, 1:-1]
    lengths = np.sort(np.hypot(*blocks).ravel())
    strongest = lengths[-max(1, int(_STRONGEST * lengths.size)) :]
    head = np.sqrt(((rows @ coefficients) ** 2).sum(0).mean())
    return Motion(float(head) / size, float(strongest.mean()) / size)
