"""Painting colours onto the layers of a face."""

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.rendered.canvas import Layer, Picture
from data_modules.rendered.face import Colour

Painted = UInt8[np.ndarray, "side side 4"]
"""Red, green and blue, each already multiplied by the last channel, opacity."""


def over(
    picture: Picture, opacity: Layer, colour: Colour | tuple[float, ...] | Picture, mask: Layer, light: Layer | float
) -> None:
    """Paint a colour over a layer, in place.

    Args:
        picture: Colours of the layer, multiplied by opacity.
        opacity: Opacity of the layer, 0..1.
        colour: What to paint.
        mask: Opacity of the paint in each place, 0..1.
        light: Factor of the colour.
    """
    paint = np.asarray(colour, np.float32) * np.asarray(light, np.float32)[..., None]
    picture *= (1 - mask)[..., None]
    picture += paint * mask[..., None]
    opacity *= 1 - mask
    opacity += mask


def mix(picture: Picture, colour: Colour | tuple[float, ...], share: Layer) -> Picture:
    """Return the picture mixed with a share 0..1 of a colour in each pixel."""
    return (picture + (np.asarray(colour, np.float32) - picture) * share[..., None]).astype(np.float32)


def redder(colour: Colour, share: float) -> Colour:
    """Return a skin colour with more blood, by a share 0..1."""
    r, g, b = colour
    return (r + share * 0.10 * (1 - r), g * (1 - 0.42 * share), b * (1 - 0.36 * share))


def darker(colour: Colour, factor: float) -> Colour:
    """Return a colour multiplied by a factor."""
    r, g, b = (value * factor for value in colour)
    return r, g, b


def finish(picture: Picture, opacity: Layer) -> Painted:
    """Return a layer as 8-bit red, green, blue and opacity."""
    layer = np.concatenate([picture, opacity[..., None]], axis=-1)
    # Layers have twice the frame's resolution; without this blur, downsampling would alias.
    return np.clip(np.rint(255 * cv2.GaussianBlur(layer, (0, 0), 0.7)), 0, 255).astype(np.uint8)
