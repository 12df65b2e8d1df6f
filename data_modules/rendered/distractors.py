"""Movement other than expressions: blinks, head motion, speech, and changes of the light."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from data_modules.rendered.person import Person

_SHIFT, _ROLL = 0.004, 0.006  # standard deviations: fractions of the image's width, radians
_POSE = np.array([0.02, 0.02, 0.05])  # standard deviations of the same: posture in one recording
_LARGEST = np.array([0.05, 0.05, 0.1])  # with more, the face would leave the frame
_DRIFT, _FLICKER = 0.012, 0.004  # standard deviation and largest amplitude of the light's changes


@dataclass(frozen=True)
class Distractors:
    """Curves over the frames of a recording, in the units of ``State``.

    Attributes:
        blink: Closing of the eyes, 0..1.
        mouth: Opening of the mouth in speech, -1..1.
        head: Shift right and down, fractions of the image's width; roll, radians.
        light: Factor of the illumination.
    """

    blink: Float64[np.ndarray, " frame"]
    mouth: Float64[np.ndarray, " frame"]
    head: Float64[np.ndarray, "frame 3"]
    light: Float64[np.ndarray, " frame"]


def draw_distractors(
    random: np.random.Generator, person: Person, seconds: Float64[np.ndarray, " frame"], amount: float
) -> Distractors:
    """Return the distractors of a recording.

    Args:
        random: Source of all randomness.
        person: The person, who has habits of their own.
        seconds: Time of each frame, ascending from 0.
        amount: Factor of amplitude and frequency; 0 for none.
    """
    blink, mouth = np.zeros_like(seconds), np.zeros_like(seconds)
    for start in _starts(random, seconds, amount * person.blinks):
        # The lids close three times as fast as they open.
        blink = np.maximum(blink, bump((seconds - start) / random.uniform(0.18, 0.35), 0.3))
    for start in _starts(random, seconds, amount * person.talkative):
        bout = bump((seconds - start) / random.uniform(0.4, 1.5), 0.5)
        mouth += random.uniform(0.1, 0.35) * bout * np.sin(2 * np.pi * random.uniform(3, 6) * (seconds - start))
    drift = np.array([_SHIFT, _SHIFT, _ROLL]) * np.stack([_wander(random, seconds, 0.9) for _ in range(3)], axis=-1)
    pose = _POSE * random.standard_normal(3)
    flicker = random.uniform(0, _FLICKER) * np.sin(2 * np.pi * (random.uniform(2, 12) * seconds + random.random()))
    return Distractors(
        blink=blink,
        mouth=mouth.clip(-1, 1),
        head=(amount * (person.restless * drift + pose)).clip(-_LARGEST, _LARGEST),
        light=1 + amount * (_DRIFT * _wander(random, seconds, 0.5) + flicker),
    )


def bump(phase: Float64[np.ndarray, " frame"], rise: float, hold: float = 0.0) -> Float64[np.ndarray, " frame"]:
    """Return a smooth curve from 0 at phase 0 to 1 and back to 0 at phase 1; 0 outside.

    Args:
        phase: Time relative to the whole duration.
        rise: Phase at which 1 is reached, in (0, 1).
        hold: Duration at 1, less than ``1 - rise``.
    """
    up, down = phase / rise, (1 - phase) / (1 - rise - hold)
    level = np.minimum(up, down).clip(0, 1)
    return np.asarray(level * level * (3 - 2 * level))


def _starts(random: np.random.Generator, seconds: Float64[np.ndarray, " frame"], rate: float) -> list[float]:
    """Return times of independent events; some lie up to half a second before the first frame."""
    length = float(seconds[-1]) + 0.5
    return sorted(random.uniform(-0.5, length - 0.5, random.poisson(rate * length)).tolist())


def _wander(random: np.random.Generator, seconds: Float64[np.ndarray, " frame"], fastest: float) -> np.ndarray:
    """Return a slow random motion with standard deviation 1, of frequencies up to ``fastest`` Hz."""
    waves = 4
    frequency, phase = random.uniform(0.05, fastest, waves), random.random(waves)
    return np.asarray(np.sin(2 * np.pi * (seconds[:, None] * frequency + phase)).sum(axis=1) * np.sqrt(2 / waves))
