"""Two frames of a texture that moves by a known smooth field; noise, no faces."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8

# Place, standard deviation and direction of moving bumps, as fractions of the image; as large as moving skin.
BUMPS = (
    (0.30, 0.30, 0.08, 0.06, 0.0, -1.0),
    (0.70, 0.30, 0.08, 0.06, 0.3, -0.9),
    (0.32, 0.74, 0.10, 0.07, -0.8, -0.6),
    (0.68, 0.74, 0.10, 0.07, 0.8, 0.6),
)


class Motion(NamedTuple):
    """Frames before and after, and the true displacement (u, v) in pixels of each pixel of the first."""

    first: UInt8[np.ndarray, "height width"]
    second: UInt8[np.ndarray, "height width"]
    field: Float64[np.ndarray, "2 height width"]


def bumps(size: int, peak: float) -> Float64[np.ndarray, "2 height width"]:
    """Return a field of four bumps that move by ``peak`` pixels at their centres; most of the image rests."""
    x, y = _grid(size)
    field = np.zeros((2, size, size))
    for right, down, wide, high, u, v in BUMPS:
        profile = np.exp(-0.5 * (((x - right) / wide) ** 2 + ((y - down) / high) ** 2))
        field += peak * np.array([u, v])[:, None, None] * profile
    return field


def moving_skin(field: Float64[np.ndarray, "2 height width"], seed: int = 0) -> Motion:
    """Return a random smooth texture that moves by ``field``, exactly but for the rounding to 8 bits.

    The texture is a sum of waves, a function of the place as a fraction of the image: it can be sampled anywhere, so
    ``second(x + u, y + v) = first(x, y)`` holds without interpolation, and at any size it is the same texture.
    """
    size = field.shape[-1]
    generator = np.random.default_rng(seed)
    waves = 120
    # 3 to 30 waves across the image, fine ones weaker, as in skin.
    frequency = 3 * 10 ** generator.uniform(0, 1, waves)
    angle, phase = generator.uniform(0, 2 * np.pi, (2, waves))
    along = 2 * np.pi * frequency * np.array([np.cos(angle), np.sin(angle)])

    def sample(x: np.ndarray, y: np.ndarray) -> UInt8[np.ndarray, "height width"]:
        places = along[0][:, None] * x.ravel() + along[1][:, None] * y.ravel() + phase[:, None]
        brightness = (np.cos(places) / frequency[:, None]).sum(axis=0) / np.sqrt((0.5 / frequency**2).sum())
        return (128 + 40 * brightness.reshape(x.shape)).round().clip(0, 255).astype(np.uint8)

    x, y = _grid(size)
    # What arrives at a place: the second frame is the texture, the first shows it where it will have moved to.
    return Motion(sample(x + field[0] / size, y + field[1] / size), sample(x, y), field)


def _grid(size: int) -> Float64[np.ndarray, "2 height width"]:
    """Return x and y of the pixels' centres, fractions of the image."""
    centre = (np.arange(size) + 0.5) / size
    return np.stack(np.meshgrid(centre, centre))
