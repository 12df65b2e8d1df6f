"""Where on the face each action unit moves the skin, and in which direction.

Positions are fractions of a face crop as MEGC2019 uses it (brows near y = 0.15, mouth corners near y = 0.6). They and
the displacements are our own reading of the Facial Action Coding System's descriptions, checked by eye against the
class means of real flow images; they were not fitted to any data.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

REGIONS = ("brow", "eye", "cheek", "mouth", "chin")
"""Parts of the face whose positions vary between people, independently of each other."""


@dataclass(frozen=True)
class Bump:
    """One smooth, localized displacement on one half of the face; the other half moves symmetrically.

    Attributes:
        unit: Action unit the bump belongs to.
        region: Part of the face it moves with.
        x: Distance of the centre from the midline, fraction of the crop's width.
        y: Height of the centre, fraction of the crop's height from the top.
        width: Standard deviation of the Gaussian along x, fraction of the crop.
        height: Standard deviation along y, fraction of the crop.
        outward: Displacement of the centre away from the midline at intensity 1, pixels of a 28x28 image.
        down: Displacement of the centre downwards at intensity 1, pixels of a 28x28 image.
    """

    unit: int
    region: str
    x: float
    y: float
    width: float
    height: float
    outward: float
    down: float


BUMPS = (
    # Inner and outer brow raiser.
    Bump(1, "brow", 0.12, 0.15, 0.064, 0.053, -0.2, -2.0),
    Bump(2, "brow", 0.32, 0.16, 0.064, 0.053, 0.2, -2.0),
    # Brow lowerer: down, and the inner ends towards each other.
    Bump(4, "brow", 0.12, 0.17, 0.064, 0.049, -1.2, 1.4),
    Bump(4, "brow", 0.28, 0.18, 0.064, 0.045, -0.6, 0.9),
    # Upper lid raiser.
    Bump(5, "eye", 0.22, 0.26, 0.064, 0.032, 0.0, -1.2),
    # Cheek raiser: the cheek up, the skin beside the eye towards it.
    Bump(6, "cheek", 0.28, 0.46, 0.080, 0.060, 0.2, -1.2),
    Bump(6, "eye", 0.37, 0.30, 0.048, 0.045, -0.7, 0.2),
    # Lid tightener: the lids towards each other.
    Bump(7, "eye", 0.21, 0.33, 0.064, 0.032, -0.3, -0.9),
    Bump(7, "eye", 0.21, 0.25, 0.064, 0.032, -0.1, 0.6),
    # Nose wrinkler: the sides of the nose and the upper lip up, the inner brows down.
    Bump(9, "cheek", 0.09, 0.41, 0.048, 0.068, 0.0, -1.5),
    Bump(9, "brow", 0.09, 0.20, 0.048, 0.045, -0.4, 1.1),
    Bump(9, "mouth", 0.11, 0.58, 0.056, 0.034, 0.0, -0.7),
    # Upper lip raiser; nasolabial furrow deepener.
    Bump(10, "mouth", 0.11, 0.58, 0.060, 0.038, 0.0, -1.3),
    Bump(10, "cheek", 0.19, 0.51, 0.048, 0.045, 0.2, -0.8),
    Bump(11, "cheek", 0.18, 0.52, 0.040, 0.053, 0.5, -0.9),
    # Lip corner puller: corners and cheeks up and outwards.
    Bump(12, "mouth", 0.25, 0.62, 0.064, 0.056, 1.3, -1.4),
    Bump(12, "cheek", 0.30, 0.50, 0.072, 0.060, 0.5, -0.8),
    # Dimpler: the corners tighten, skin from both sides moves towards a point beside them.
    Bump(14, "mouth", 0.22, 0.63, 0.040, 0.038, 1.1, -0.2),
    Bump(14, "mouth", 0.36, 0.62, 0.048, 0.045, -0.7, 0.0),
    # Lip corner depressor.
    Bump(15, "mouth", 0.25, 0.66, 0.056, 0.049, 0.2, 1.5),
    Bump(15, "chin", 0.22, 0.79, 0.064, 0.045, 0.1, 0.6),
    # Lower lip depressor.
    Bump(16, "mouth", 0.09, 0.73, 0.064, 0.038, 0.1, 1.3),
    # Chin raiser: chin boss and lower lip up.
    Bump(17, "chin", 0.08, 0.87, 0.064, 0.053, 0.0, -1.5),
    Bump(17, "mouth", 0.08, 0.74, 0.064, 0.034, 0.0, -0.9),
    # Lip pucker.
    Bump(18, "mouth", 0.21, 0.64, 0.056, 0.045, -1.3, 0.0),
    # Lip stretcher; neck tightener.
    Bump(20, "mouth", 0.26, 0.66, 0.064, 0.045, 1.6, 0.3),
    Bump(21, "chin", 0.26, 0.94, 0.096, 0.045, 0.8, 0.5),
    # Lip funneler: corners inwards, lips apart.
    Bump(22, "mouth", 0.20, 0.64, 0.056, 0.045, -0.9, 0.0),
    Bump(22, "mouth", 0.07, 0.59, 0.056, 0.032, 0.0, -0.7),
    Bump(22, "mouth", 0.07, 0.72, 0.056, 0.032, 0.0, 0.7),
    # Lip tightener and lip pressor: the lips towards each other.
    Bump(23, "mouth", 0.19, 0.65, 0.048, 0.034, -0.9, 0.0),
    Bump(23, "mouth", 0.08, 0.60, 0.056, 0.032, 0.0, 0.4),
    Bump(23, "mouth", 0.08, 0.71, 0.056, 0.032, 0.0, -0.4),
    Bump(24, "mouth", 0.10, 0.60, 0.064, 0.032, 0.0, 0.9),
    Bump(24, "mouth", 0.10, 0.71, 0.064, 0.032, 0.0, -0.9),
    # Lips part; jaw drop; mouth stretch.
    Bump(25, "mouth", 0.08, 0.60, 0.064, 0.032, 0.0, -0.5),
    Bump(25, "mouth", 0.08, 0.73, 0.064, 0.038, 0.0, 1.2),
    Bump(26, "mouth", 0.09, 0.75, 0.080, 0.045, 0.0, 1.6),
    Bump(26, "chin", 0.10, 0.89, 0.104, 0.060, 0.0, 1.8),
    Bump(27, "mouth", 0.09, 0.76, 0.080, 0.053, 0.0, 2.2),
    Bump(27, "mouth", 0.23, 0.68, 0.056, 0.053, -0.8, 1.0),
    Bump(27, "chin", 0.11, 0.89, 0.112, 0.060, 0.0, 3.0),
)


@dataclass(frozen=True)
class Anatomy:
    """The bumps as arrays, ready for vectorised drawing.

    Attributes:
        unit: Column of each bump's action unit in the table of frequencies.
        region: Index of each bump's part of the face in ``REGIONS``.
        centre: Distance from the midline and height of the centre, fractions of the crop.
        extent: Standard deviations along x and y, fractions of the crop.
        displacement: Outwards and downwards at intensity 1, pixels of a 28x28 image.
    """

    unit: Int64[np.ndarray, " bump"]
    region: Int64[np.ndarray, " bump"]
    centre: Float64[np.ndarray, "bump 2"]
    extent: Float64[np.ndarray, "bump 2"]
    displacement: Float64[np.ndarray, "bump 2"]


def anatomy(units: tuple[int, ...]) -> Anatomy:
    """Return the bumps as arrays, with action units numbered as in ``units``."""
    return Anatomy(
        unit=np.array([units.index(bump.unit) for bump in BUMPS], dtype=np.int64),
        region=np.array([REGIONS.index(bump.region) for bump in BUMPS], dtype=np.int64),
        centre=np.array([(bump.x, bump.y) for bump in BUMPS]),
        extent=np.array([(bump.width, bump.height) for bump in BUMPS]),
        displacement=np.array([(bump.outward, bump.down) for bump in BUMPS]),
    )
