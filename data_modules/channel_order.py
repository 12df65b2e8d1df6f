"""Identifies the channels of a motion image from its pixels: strain follows from u and v."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Float64, UInt8

from lightmannet.errors import DataError

NAMES = ("u", "v", "strain")
_LEAST = 0.3
"""Share of strain's variance that the other two channels must explain: in the right order 0.71 of that of MEGC2019's
images, the median of 309; of noise less than 0.01."""


@dataclass(frozen=True)
class ChannelOrder:
    """The order of the channels of some images.

    Attributes:
        order: ``u``, ``v`` and ``strain`` in the order of red, green and blue.
        fit: Share of the variance of strain that u and v explain (R²), the median over the images.
        fit_exchanged: The same with u and v exchanged; they differ only in the direction of their gradients.
        stretched: Whether each channel of each image spans 0 to 255.
        images: Number of images that were examined.
    """

    order: tuple[str, str, str]
    fit: float
    fit_exchanged: float
    stretched: bool
    images: int


def channel_order(images: Sequence[UInt8[np.ndarray, "height width 3"]]) -> ChannelOrder:
    """Return the order of channels that explains strain best.

    Strain is ``sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2)``, so that its square is a linear function of ``u_x^2 + u_y^2 /
    2``, ``v_y^2 + v_x^2 / 2`` and ``u_y v_x``, whatever the factors that u and v were stored with.

    Args:
        images: At least one image, red, green and blue as stored.

    Raises:
        DataError: In no order does strain follow from the other two channels.
    """
    fits = {order: float(np.median([_fit(image, order) for image in images])) for order in permutations(range(3))}
    best = max(fits, key=lambda order: fits[order])
    if fits[best] < _LEAST:
        raise DataError(
            "no channel is the optical strain of the other two (at best they explain "
            f"{max(fits[best], 0):.0%} of its variance): these are not motion images of u, v and strain"
        )
    order = ["", "", ""]
    for name, channel in zip(NAMES, best, strict=True):
        order[channel] = name
    spans = all(
        image[..., channel].min() == 0 and image[..., channel].max() == 255 for image in images for channel in range(3)
    )
    return ChannelOrder(
        order=(order[0], order[1], order[2]),
        fit=fits[best],
        fit_exchanged=fits[best[1], best[0], best[2]],
        stretched=spans,
        images=len(images),
    )


def _fit(image: UInt8[np.ndarray, "height width 3"], order: tuple[int, ...]) -> float:
    """Return the R² of squared strain, with the channels ``order`` taken for u, v and strain."""
    u, v, strain = (image[..., channel].astype(np.float64) for channel in order)
    (u_y, u_x), (v_y, v_x) = np.asarray(np.gradient(u)), np.asarray(np.gradient(v))
    return _explained((strain - strain.min()) ** 2, [u_x**2 + u_y**2 / 2, v_y**2 + v_x**2 / 2, u_y * v_x])


def _explained(target: Float64[np.ndarray, "height width"], terms: list[np.ndarray]) -> float:
    design = np.stack([*(term.ravel() for term in terms), np.ones(target.size)], axis=1)
    rest = target.ravel() - design @ np.linalg.lstsq(design, target.ravel(), rcond=None)[0]
    spread = target.ravel() - target.mean()
    return 1 - float(rest @ rest) / float(spread @ spread) if spread.any() else 0.0
