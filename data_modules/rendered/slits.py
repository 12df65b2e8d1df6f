"""Eyes and mouth as slits in the skin: how the skin above and below moves when they open and close."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

Edge = Float32[np.ndarray, " place"]


REACH = 3.5
"""The tables span signed x from -REACH to REACH half-widths of the face; outside, their end values apply."""

PLACES = np.linspace(-REACH, REACH, 4097)
"""Signed x of each table entry."""


@dataclass(frozen=True, eq=False)
class Slit:
    """A slit between two edges; moving an edge moves the skin next to it, decreasing to 0 at a fixed line.

    In each column the map is piecewise linear in y and increasing, so that its inverse is exact. All entries belong to
    ``PLACES``; heights are in half-widths of the face, downwards.

    Attributes:
        upper: Height of the upper edge at rest.
        lower: Height of the lower edge at rest.
        top: Height above which nothing moves.
        bottom: Height below which nothing moves.
    """

    upper: Edge
    lower: Edge
    top: Edge
    bottom: Edge

    def forward(
        self, x: Float64[np.ndarray, "*point"], y: Float64[np.ndarray, "*point"], up: Edge, down: Edge
    ) -> Float64[np.ndarray, "*point"]:
        """Return the heights to which points move.

        Args:
            x: Their signed x.
            y: Their heights at rest; between the edges, points are taken to belong to the nearer one.
            up: How far the upper edge moves upwards at each place.
            down: How far the lower edge moves downwards at each place.
        """
        at = _index(x)
        upper, lower, top, bottom = self.upper[at], self.lower[at], self.top[at], self.bottom[at]
        above = np.clip((y - top) / (upper - top), 0, 1)
        below = np.clip((bottom - y) / (bottom - lower), 0, 1)
        return np.where(y < 0.5 * (upper + lower), y - up[at] * above, y + down[at] * below)

    def backward(
        self, x: Float32[np.ndarray, "*point"], y: Float32[np.ndarray, "*point"], up: Edge, down: Edge, pixel: float
    ) -> tuple[Float32[np.ndarray, "*point"], Float32[np.ndarray, "*point"]]:
        """Return the rest position of the skin at points, and the share of each pixel covered by the open slit.

        Args:
            x: Their signed x.
            y: Their heights.
            up: How far the upper edge has moved upwards at each place.
            down: How far the lower edge has moved downwards at each place.
            pixel: Height of a pixel.

        Returns:
            Heights at rest (inside the slit: the nearer edge), and the share of each pixel inside the slit, 0..1.
        """
        at = _index(x)
        upper, lower, top, bottom = self.upper[at], self.lower[at], self.top[at], self.bottom[at]
        high, low = upper - up[at], lower + down[at]
        above = top + (np.minimum(y, high) - top) * ((upper - top) / (high - top))
        below = bottom - (bottom - np.maximum(y, low)) * ((bottom - lower) / (bottom - low))
        above, below = np.where(y < top, y, above), np.where(y > bottom, y, below)
        rest = np.where(y < 0.5 * (high + low), above, below)
        overlap = np.minimum(y - high, pixel / 2) + np.minimum(low - y, pixel / 2)
        return rest, np.clip(overlap / np.float32(pixel), 0, 1)


def _index(x: np.ndarray) -> np.ndarray:
    scale = (len(PLACES) - 1) / (2 * REACH)
    return np.clip((x + REACH) * scale + 0.5, 0, len(PLACES) - 1).astype(np.intp)
