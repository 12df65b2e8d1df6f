"""Conventions of a motion image and the operations that respect them.

A motion image has three channels, or three for each of several views: u (pixels to the right), v (pixels downwards) and
optical strain ``sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2)``. As stored in [-0.5, 0.5], no motion is 0 in u and v and -0.5
in strain.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

U, V, STRAIN = 0, 1, 2
CHANNELS = 3
LOW, HIGH = -0.5, 0.5

SIZE = 28
"""Height and width in pixels of the motion images of MEGC2019, which are the default for others."""


def optical_strain(
    motion: Float64[np.ndarray, "*batch 2 height width"],
) -> Float64[np.ndarray, "*batch height width"]:
    """Return ``sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2)`` by central differences, one-sided at the border; unitless.

    Args:
        motion: u and v of each pixel, in pixels.

    Reference:
        Liong et al., "Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression Recognition",
        FG 2019: the magnitude of the infinitesimal strain tensor of the flow field.
    """
    u_y, u_x = np.gradient(motion[..., U, :, :], axis=(-2, -1))
    v_y, v_x = np.gradient(motion[..., V, :, :], axis=(-2, -1))
    return np.asarray(np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2))


def mirror(images: Float[Tensor, "*batch channel height width"]) -> Float[Tensor, "*batch channel height width"]:
    """Return the images of the mirrored face: left and right exchanged, so u also changes its sign."""
    mirrored = images.flip(-1)
    mirrored[..., U::CHANNELS, :, :].neg_()
    return mirrored


def magnify(
    images: Float[Tensor, "*batch channel height width"], gain: float | Float[Tensor, "*#batch 1 1 1"]
) -> Float[Tensor, "*batch channel height width"]:
    """Return the images with ``gain`` times the motion, clipped to the range.

    u and v grow around 0, strain around its own zero, -0.5.
    """
    rest = images.new_tensor([0.0, 0.0, LOW]).repeat(images.shape[-3] // CHANNELS)[:, None, None]
    return torch.clamp((images - rest) * gain + rest, LOW, HIGH)


def to_float(pixels: Tensor) -> Tensor:
    """Return 8-bit pixels 0..255 as float32 in [-0.5, 0.5]."""
    return pixels.to(torch.float32) / 255 - 0.5
