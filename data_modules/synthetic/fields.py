"""Displacement fields: moving skin, a moving head, and the errors of estimating flow."""

import numpy as np
from jaxtyping import Float64

from data_modules.flow import SIZE

MIDDLE = (SIZE - 1) / 2
"""Coordinate of the image's centre: pixel 0 is at 0, so mirroring maps x to ``SIZE - 1 - x``."""

Field = Float64[np.ndarray, "clip 2 height width"]
"""Displacement (u to the right, v down) of every pixel, in pixels."""


def skin_motion(
    centre: Float64[np.ndarray, "clip bump side 2"],
    extent: Float64[np.ndarray, "clip bump side 2"],
    displacement: Float64[np.ndarray, "clip bump side 2"],
) -> Field:
    """Return the sum of Gaussian bumps with peak ``displacement`` at ``centre``; all in pixels."""
    pixels = np.arange(SIZE, dtype=np.float64)
    clips = len(centre)
    # Axis-aligned Gaussians are products of one profile along x and one along y: one matrix product per clip.
    profile = np.exp(-0.5 * ((pixels - centre[..., None]) / extent[..., None]) ** 2).reshape(clips, -1, 2, SIZE)
    along_x, along_y = profile[:, :, 0], profile[:, :, 1]
    moved = displacement.reshape(clips, -1, 2).transpose(0, 2, 1)[..., None] * along_x[:, None]
    return np.asarray(along_y.transpose(0, 2, 1)[:, None] @ moved)


def head_motion(
    shift: Float64[np.ndarray, "clip 2"], turn: Float64[np.ndarray, " clip"], growth: Float64[np.ndarray, " clip"]
) -> Field:
    """Return the displacement field of a rigid head motion.

    Args:
        shift: Translation (right, down), pixels.
        turn: Clockwise rotation in the image plane, radians (small).
        growth: Relative change of size (the head approaches), small.
    """
    offset = np.arange(SIZE, dtype=np.float64) - MIDDLE
    x, y = offset[None, None, :], offset[None, :, None]
    u = shift[:, 0, None, None] + growth[:, None, None] * x - turn[:, None, None] * y
    v = shift[:, 1, None, None] + growth[:, None, None] * y + turn[:, None, None] * x
    return np.stack([u, v], axis=1)


def flow_noise(clips: int, smoothness: float, generator: np.random.Generator) -> Field:
    """Return errors of flow estimation: white noise smoothed over ``smoothness`` pixels, of unit variance."""
    distance = np.arange(SIZE)[:, None] - np.arange(SIZE)[None, :]
    kernel = np.exp(-0.5 * (distance / smoothness) ** 2)
    # Rows of unit length keep the variance at 1 everywhere, also at the border.
    kernel /= np.linalg.norm(kernel, axis=1, keepdims=True)
    return np.asarray(kernel @ generator.standard_normal((clips, 2, SIZE, SIZE)) @ kernel.T)
