"""Invented people: a face and its habitual movement."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from data_modules.rendered.camera import Camera, draw_camera
from data_modules.rendered.face import Face, draw_face
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.options import Options

_GAIN, _UNIT_GAIN, _ASYMMETRY, _SPEED, _PREFERENCE = 0.3, 0.25, 0.25, 0.2, 0.7


@dataclass(frozen=True)
class Person:
    """Properties shared by all clips of one person; how much people differ is our guess.

    Attributes:
        face: The face.
        camera: The camera.
        gain: Habitual strength of each action unit on each side, a factor; the side is as in ``State.units``.
        speed: Habitual speed of expressions, a factor.
        preference: Log-odds added to each action unit's log-odds given the emotion.
        one_sided: Probability that a micro-expression moves mainly one side.
        side: Probability that this is the person's left side.
        blinks: Mean number of blinks per second.
        restless: Amount of head motion, a factor.
        talkative: Mean number of bouts of speech per second.
    """

    face: Face
    camera: Camera
    gain: Float64[np.ndarray, "unit 2"]
    speed: float
    preference: Float64[np.ndarray, " unit"]
    one_sided: float
    side: float
    blinks: float
    restless: float
    talkative: float


def draw_person(random: np.random.Generator, options: Options) -> Person:
    """Return an invented person in front of a camera with the size and noise of ``options``.

    Args:
        random: Source of all randomness.
        options: Options of the corpus.
    """
    face = draw_face(random)
    camera = draw_camera(random)
    units = len(UNITS)
    common = _GAIN * random.standard_normal() + _UNIT_GAIN * random.standard_normal((units, 1))
    uneven = _ASYMMETRY * (random.standard_normal() + random.standard_normal((units, 1)))
    return Person(
        face=face,
        camera=replace(camera, size=options.size, noise=options.noise * camera.noise),
        gain=np.exp(common + uneven * np.array([0.5, -0.5])),
        speed=float(np.exp(_SPEED * random.standard_normal())),
        preference=_PREFERENCE * random.standard_normal(units),
        one_sided=float(random.uniform(0.05, 0.45)),
        side=float(random.uniform(0.2, 0.8)),
        blinks=float(random.uniform(0.1, 0.5)),
        restless=float(np.exp(0.4 * random.standard_normal())),
        talkative=float(random.uniform(0.02, 0.12)),
    )
