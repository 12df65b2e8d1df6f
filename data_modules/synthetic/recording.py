"""From people and their expressions to the displacement field that a flow algorithm would measure."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from data_modules.synthetic.action_units import ActionUnitTable
from data_modules.synthetic.anatomy import Anatomy
from data_modules.synthetic.expressions import Style, draw_intensities
from data_modules.synthetic.fields import MIDDLE, Field, flow_noise, head_motion, skin_motion
from data_modules.synthetic.people import People


@dataclass(frozen=True)
class SyntheticCamera:
    """How a database's recording and flow estimation change the motion.

    Attributes:
        gain: Factor of all true motion, i.e. the size of a face in pixels.
        noise: Standard deviation of the flow's errors, pixels.
        smoothness: Correlation length of the errors, pixels.
    """

    gain: float
    noise: float
    smoothness: float


def record(
    style: Style,
    table: ActionUnitTable,
    face: Anatomy,
    people: People,
    person: Int64[np.ndarray, " clip"],
    emotions: Int64[np.ndarray, " clip"],
    camera: SyntheticCamera,
    generator: np.random.Generator,
) -> tuple[Field, Bool[np.ndarray, "clip unit"]]:
    """Return the displacement field of each clip, in pixels, and which units (columns of ``table``) it shows.

    Args:
        style: Micro or macro.
        table: Frequencies of action units given the emotion.
        face: Bumps of the average face.
        people: The people of the database.
        person: Row of ``people`` for each clip.
        emotions: Row of ``table`` for each clip.
        camera: The database's recording.
        generator: Source of all randomness.
    """
    clips = len(person)
    intensity = draw_intensities(style, table, emotions, people.preference[person], generator)
    centre = people.centre[person] + style.misplaced * generator.standard_normal((clips, 1, 1, 2))
    displacement = people.displacement[person] * intensity[:, face.unit][..., None]
    tilt = style.tilt * generator.standard_normal(clips)
    skin = skin_motion(MIDDLE + turned(centre - MIDDLE, tilt), people.extent[person], turned(displacement, tilt))
    head = head_motion(
        shift=style.head * generator.standard_normal((clips, 2)),
        turn=style.head / MIDDLE * generator.standard_normal(clips),
        growth=style.head / MIDDLE * generator.standard_normal(clips),
    )
    field = camera.gain * (skin + head) + camera.noise * flow_noise(clips, camera.smoothness, generator)
    return np.asarray(field), np.asarray((intensity > 0).any(axis=2))


def turned(
    vectors: Float64[np.ndarray, "clip bump side 2"], angle: Float64[np.ndarray, " clip"]
) -> Float64[np.ndarray, "clip bump side 2"]:
    """Return the vectors (right, down) turned clockwise as seen by each clip's ``angle`` in radians."""
    cosine, sine = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=-1)
