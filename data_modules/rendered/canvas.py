"""The plane on which a face is painted: a grid over the image and a margin, and the brushes."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, Float32, Float64

from data_modules.rendered.face import Face

MARGIN = 0.1
"""Margin beyond the image on each side, fraction of its width, which head motion brings into view."""

Layer = Float32[np.ndarray, "side side"]
Picture = Float32[np.ndarray, "side side 3"]


class Canvas:
    """A square grid in face coordinates (half-widths of the face from the point between the eyes).

    Args:
        face: The face whose coordinates are used.
        side: Number of grid points along each axis.
    """

    x: Layer
    y: Layer

    def __init__(self, face: Face, side: int) -> None:
        self.side = side
        self.step = (1 + 2 * MARGIN) / (side * face.scale)  # of the grid, in face coordinates
        self._origin = (np.array(face.centre) + MARGIN) / (1 + 2 * MARGIN) * side - 0.5
        place = (np.arange(side) + 0.5) / side * (1 + 2 * MARGIN) - MARGIN
        x, y = np.meshgrid(*((place - middle) / face.scale for middle in face.centre))
        self.x, self.y = x.astype(np.float32), y.astype(np.float32)

    def column(self, points: Float[np.ndarray, "*point 2"]) -> Float[np.ndarray, "*point 2"]:
        """Return the fractional column and row of points given in face coordinates."""
        return points * points.dtype.type(1 / self.step) + self._origin.astype(points.dtype)

    def bump(self, x: float, y: float, wide: float, high: float) -> Layer:
        """Return a Gaussian bump of height 1."""
        return np.exp(-0.5 * (((self.x - x) / wide) ** 2 + ((self.y - y) / high) ** 2)).astype(np.float32)

    def step_up(self, distance: Layer, soft: float = 0.0) -> Layer:
        """Return 0 where ``distance`` is negative and 1 where positive, with an edge ``soft`` or one grid step wide."""
        ramp = np.clip(distance / max(soft, self.step) + 0.5, 0, 1)
        return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)

    def inside(
        self, points: Sequence[tuple[float, float]] | Float64[np.ndarray, "point 2"], soft: float = 0.0
    ) -> Layer:
        """Return 1 inside a polygon given in face coordinates and 0 outside, blurred by ``soft``."""
        return self._draw(points, soft, None)

    def stroke(
        self, points: Sequence[tuple[float, float]] | Float64[np.ndarray, "point 2"], width: float, soft: float = 0.0
    ) -> Layer:
        """Return 1 on a line given in face coordinates and 0 elsewhere, blurred by ``soft``."""
        return self._draw(points, soft, width)

    def noise(self, random: np.random.Generator, size: float, stretch: float = 1.0) -> Layer:
        """Return smooth noise of mean 0 and deviation 1 whose grains are ``size`` half-widths of the face.

        Args:
            random: Source of the noise; the draws do not depend on the number of grid points.
            size: Standard deviation of the smoothing along x.
            stretch: Standard deviation along y relative to x.
        """
        grid = random.standard_normal((320, 320), dtype=np.float32)
        grain = size / self.step * 320 / self.side
        if grain > 0.3:
            grid = cv2.GaussianBlur(grid, (0, 0), grain, sigmaY=grain * stretch).astype(np.float32)
        grid = cv2.resize(grid, (self.side, self.side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        return (grid - grid.mean()) / grid.std()

    def _draw(self, points: Sequence[tuple[float, float]] | np.ndarray, soft: float, width: float | None) -> Layer:
        # OpenCV takes fixed-point coordinates; its lines have whole widths, hence the enlargement.
        zoom, shift = 3, 4
        place = (self.column(np.asarray(points, dtype=np.float64)) + 0.5) * zoom - 0.5
        corners = [np.rint(place * 2**shift).astype(np.int32)]
        drawn = np.zeros((self.side * zoom, self.side * zoom), np.uint8)
        if width is None:
            cv2.fillPoly(drawn, corners, 255, cv2.LINE_AA, shift)
        else:
            cv2.polylines(drawn, corners, False, 255, max(1, round(width / self.step * zoom)), cv2.LINE_AA, shift)
        small = cv2.resize(drawn, (self.side, self.side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return cv2.GaussianBlur(small, (0, 0), soft / self.step) if soft > 0.3 * self.step else small
