"""Motion between two face crops, separated into head and face motion."""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float32, Float64

_BLOCKS = 8  # rows and columns of blocks that flow is averaged over: single pixels are too noisy
_STRONGEST = 0.2  # share of the blocks: an expression moves a small part of the face
_KEPT = 0.7  # share of the pixels for refitting head motion: those with the least face motion


class Motion(NamedTuple):
    """Motion between two crops, as fractions of the crop's width.

    Attributes:
        head: Root mean square of the similarity transform (shift, turn, scale) that fits most pixels.
        blocks: The remaining face motion, averaged over blocks of an eighth of the width, without border blocks; to the
            right and downwards as x + iy.
    """

    head: float
    blocks: Complex128[np.ndarray, "row column"]

    @property
    def face(self) -> float:
        """Strength of the face's motion."""
        return float(strength(self.blocks))


def strength(blocks: Complex128[np.ndarray, "*frame row column"]) -> Float64[np.ndarray, "*frame"]:
    """Return the mean length of the strongest fifth of the blocks."""
    lengths = np.sort(np.abs(blocks).reshape(*blocks.shape[:-2], -1))
    return np.asarray(lengths[..., -max(1, int(_STRONGEST * lengths.shape[-1])) :].mean(-1))


def divide(flow: Float32[np.ndarray, "2 size size"]) -> Motion:
    """Return the motion of head and face in a flow field in pixels, at least 16 pixels wide."""
    size = flow.shape[-1]
    place = _places(size)
    # As complex numbers u + iv = shift + turn * (x + iy), where turn is rotation and scale.
    moved = (flow[0, 1::2, 1::2] + 1j * flow[1, 1::2, 1::2]).ravel().astype(np.complex128)
    kept = np.full(place.size, True)
    for _ in range(2):
        p, m = place[kept], moved[kept]
        centred = p - p.mean()
        turn = np.vdot(centred, m) / np.vdot(centred, centred).real
        head = m.mean() - turn * p.mean() + turn * place
        left = np.abs(moved - head)
        count = int(_KEPT * (left.size - 1))
        kept = left <= np.partition(left, count)[count]
    grid = int(np.sqrt(place.size))
    side = grid // _BLOCKS
    rest = (moved - head).reshape(grid, grid)[: side * _BLOCKS, : side * _BLOCKS]
    blocks = rest.reshape(_BLOCKS, side, _BLOCKS, side).mean((1, 3))[1:-1, 1:-1]
    return Motion(float(np.sqrt((np.abs(head) ** 2).mean())) / size, blocks / size)


@cache
def _places(size: int) -> Complex128[np.ndarray, " place"]:
    """Return every second pixel's position relative to the centre, in fractions of the width, as x + iy."""
    axis = (np.arange(1, size, 2) - size / 2) / size
    return (axis[None, :] + 1j * axis[:, None]).ravel()
