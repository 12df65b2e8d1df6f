"""Synthetic people: the shape of the face, how far and on which side it moves, and with which action units."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from data_modules.flow import SIZE
from data_modules.synthetic.anatomy import REGIONS, Anatomy
from data_modules.synthetic.fields import MIDDLE

LEFT, RIGHT = 0, 1
"""Index of a half of the face: as seen in the image, so LEFT is where x is small."""

SIDE_SIGN = np.array([-1.0, 1.0])


@dataclass(frozen=True)
class Variety:
    """How much people differ; every value except ``place`` is a standard deviation between people.

    Attributes:
        place: Largest shift of the whole face in its crop, along x and y, pixels; all shifts are equally likely.
        scale: Width and height of the face, relative.
        feature: Shift of each part of the face (``REGIONS``), pixels.
        spread: Extent of the moving skin, natural logarithm.
        gain: Habitual intensity of the person, natural logarithm.
        unit_gain: Habitual intensity of each of the person's action units, natural logarithm.
        asymmetry: Ratio of right to left, natural logarithm; drawn per person and again per unit.
        direction: Rotation of each bump's direction, radians.
        preference: Log-odds with which the person shows each action unit, whatever the emotion.
    """

    place: tuple[float, float] = (6.0, 5.0)
    scale: float = 0.12
    feature: float = 1.0
    spread: float = 0.15
    gain: float = 0.3
    unit_gain: float = 0.25
    asymmetry: float = 0.25
    direction: float = 0.12
    preference: float = 0.5


ALIKE = Variety((0.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""No variation: all people have the average, symmetric face."""


@dataclass(frozen=True)
class People:
    """Properties that are fixed for each person.

    Attributes:
        centre: Centre of each bump (x to the right, y down), pixels.
        extent: Standard deviations of each bump along x and y, pixels.
        displacement: Displacement of each bump (u to the right, v down) at intensity 1, pixels.
        preference: Log-odds added to those of the table of frequencies.
    """

    centre: Float64[np.ndarray, "person bump side 2"]
    extent: Float64[np.ndarray, "person bump side 2"]
    displacement: Float64[np.ndarray, "person bump side 2"]
    preference: Float64[np.ndarray, "person unit"]


def draw_people(face: Anatomy, units: int, count: int, generator: np.random.Generator, variety: Variety) -> People:
    """Return ``count`` people who differ as ``variety`` says.

    Args:
        face: Bumps of the average face.
        units: Number of action units.
        count: Number of people.
        generator: Source of all randomness.
        variety: How much people differ.
    """
    bumps = len(face.unit)

    def normal(deviation: float, *shape: int) -> Float64[np.ndarray, "..."]:
        return deviation * generator.standard_normal((count, *shape))

    scale = 1 + normal(variety.scale, 1, 1, 2)
    place = np.array(variety.place) * generator.uniform(-1, 1, (count, 1, 1, 2))
    # Half of a feature's shift is common to both sides (a broad mouth), half is not (a crooked one).
    both = normal(variety.feature, len(REGIONS), 1, 2) + normal(variety.feature / 2, len(REGIONS), 2, 2)
    feature = both[:, face.region]
    outward = face.centre[:, None, 0] * SIZE * scale[..., 0] + feature[..., 0]
    x = MIDDLE + SIDE_SIGN * outward + place[..., 0]
    y = MIDDLE + (face.centre[:, None, 1] * SIZE - SIZE / 2) * scale[..., 1] + feature[..., 1] + place[..., 1]
    extent = face.extent[:, None] * SIZE * scale * np.exp(normal(variety.spread, bumps, 1, 2))

    side = normal(variety.asymmetry, 1, 1) + normal(variety.asymmetry, units, 1)[:, face.unit]
    gain = normal(variety.gain, 1, 1) + normal(variety.unit_gain, units, 1)[:, face.unit] + side * SIDE_SIGN / 2
    angle = normal(variety.direction, bumps, 1)
    out, down = face.displacement[:, :1], face.displacement[:, 1:]
    u = SIDE_SIGN * (out * np.cos(angle) - down * np.sin(angle))
    v = np.broadcast_to(out * np.sin(angle) + down * np.cos(angle), u.shape)
    return People(
        centre=np.stack([x, y], axis=-1),
        extent=np.broadcast_to(extent, (count, bumps, 2, 2)),
        displacement=np.exp(gain)[..., None] * np.stack([u, v], axis=-1),
        preference=normal(variety.preference, units),
    )
