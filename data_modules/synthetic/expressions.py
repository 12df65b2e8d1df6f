"""Which action units one clip shows, how strongly and on which side: draws of micro- and macro-expressions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from data_modules.corpus import CLASSES
from data_modules.synthetic.action_units import ActionUnitTable

CLASS_OF_EMOTION = {
    "anger": "negative",
    "contempt": "negative",
    "disgust": "negative",
    "fear": "negative",
    "sadness": "negative",
    "happy": "positive",
    "surprise": "surprise",
}
"""Class of each CK+ emotion in the three classes of MEGC2019."""

LEAKAGE = {16: 0.3, 18: 0.3, 22: 0.3, 25: 0.2, 26: 0.2, 27: 0.2}
"""Weight of units in micro-expressions, 1 by default: opening or pursing the lips is rare there (our choice)."""


@dataclass(frozen=True)
class Style:
    """What makes an expression micro or macro.

    Attributes:
        intensity: Typical intensity of a unit; at 1 a mouth corner moves by two pixels.
        variation: Standard deviation of the intensity's logarithm between clips, and again between units of a clip.
        units: Probability of showing 1, 2, 3, … units; empty for no limit.
        one_sided: Probability that a clip moves mainly one half of the face.
        idle: Largest share of the movement on the other half of such a clip.
        apex: Smallest share of the full movement in the frame taken as apex, which may be the wrong one; at most 1.
        stray: Probability that a clip shows one more unit, unrelated to the emotion.
        mislabelled: Probability that the movement belongs to an emotion of another class than the label.
        head: Standard deviation of head motion, pixels at the image's border, for each of shift, turn and approach.
        misplaced: Standard deviation of the registration error of the face, pixels.
        tilt: Standard deviation of the head's tilt in the image plane, radians.
    """

    intensity: float
    variation: float
    units: tuple[float, ...]
    one_sided: float
    idle: float
    apex: float
    stray: float
    mislabelled: float
    head: float
    misplaced: float
    tilt: float


MICRO = Style(
    intensity=0.2,
    variation=0.3,
    units=(0.1, 0.35, 0.35, 0.2),
    one_sided=0.3,
    idle=0.3,
    apex=0.5,
    stray=0.08,
    mislabelled=0.03,
    head=0.03,
    misplaced=1.0,
    tilt=0.12,
)
"""Small, few units, often one-sided, sometimes a wrong apex or label."""

MACRO_OVER_MICRO = 4.0
"""Typical intensity of a unit in a macro-expression over that in a micro-expression."""

MACRO = Style(
    intensity=MACRO_OVER_MICRO * MICRO.intensity,
    variation=0.2,
    units=(),
    one_sided=0.05,
    idle=0.5,
    apex=1.0,
    stray=0.0,
    mislabelled=0.0,
    head=0.06,
    misplaced=1.0,
    tilt=0.12,
)
"""Posed: large, all of the emotion's units, nearly always on both sides, apex and label correct."""


def labels_of_emotions(table: ActionUnitTable) -> Int64[np.ndarray, " emotion"]:
    """Return the label, an index of ``CLASSES``, of each row of ``table``."""
    return np.array([CLASSES.index(CLASS_OF_EMOTION[emotion]) for emotion in table.emotions])


def draw_emotions(
    style: Style, table: ActionUnitTable, labels: Int64[np.ndarray, " clip"], generator: np.random.Generator
) -> Int64[np.ndarray, " clip"]:
    """Return the emotion (row of ``table``) behind each clip's label, with CK+'s frequencies within the class.

    With probability ``style.mislabelled`` the emotion belongs to one of the other classes.
    """
    classes = labels_of_emotions(table)
    wrong = generator.random(len(labels)) < style.mislabelled
    shown = np.where(wrong, (labels + generator.integers(1, len(CLASSES), len(labels))) % len(CLASSES), labels)
    weight = np.where(classes == shown[:, None], table.sequences, 0).cumsum(axis=1)
    return np.asarray((weight <= generator.random((len(labels), 1)) * weight[:, -1:]).sum(axis=1), dtype=np.int64)


def draw_intensities(
    style: Style,
    table: ActionUnitTable,
    emotions: Int64[np.ndarray, " clip"],
    preference: Float64[np.ndarray, "clip unit"],
    generator: np.random.Generator,
) -> Float64[np.ndarray, "clip unit 2"]:
    """Return the intensity of each action unit on the left and right half of the image, 0 where inactive.

    Units are drawn independently of each other given the emotion.

    Args:
        style: Micro or macro.
        table: Frequencies of action units given the emotion.
        emotions: Row of ``table`` for each clip.
        preference: Log-odds of the clip's person, added to those of the table.
        generator: Source of all randomness.
    """
    clips, units = preference.shape
    frequency = table.frequencies[emotions].clip(0.01, 0.99)
    probability = 1 / (1 + (1 / frequency - 1) * np.exp(-preference))
    if style.units:
        active = _few_units(style, table, probability, generator)
    else:
        active = generator.random((clips, units)) < probability
        active[np.arange(clips), probability.argmax(axis=1)] = True
    strays = np.flatnonzero(generator.random(clips) < style.stray)
    active[strays, generator.integers(0, units, len(strays))] = True
    noise = generator.standard_normal((clips, 1)) + generator.standard_normal((clips, units))
    caught = generator.uniform(style.apex, 1.0, (clips, 1))
    sides = np.ones((clips, 1, 2))
    halves = np.flatnonzero(generator.random(clips) < style.one_sided)
    sides[halves, 0, generator.integers(0, 2, len(halves))] = generator.uniform(0, style.idle, len(halves))
    return np.asarray((active * style.intensity * np.exp(style.variation * noise) * caught)[..., None] * sides)


def _few_units(
    style: Style, table: ActionUnitTable, probability: Float64[np.ndarray, "clip unit"], generator: np.random.Generator
) -> Bool[np.ndarray, "clip unit"]:
    """Return the active units: a few, drawn without replacement in proportion to their probabilities."""
    clips, units = probability.shape
    weight = probability * np.array([LEAKAGE.get(unit, 1.0) for unit in table.units])
    # Sorting log-weights with Gumbel noise added is a draw without replacement.
    order = np.argsort(-(np.log(weight) + generator.gumbel(size=(clips, units))), axis=1)
    number = np.asarray(1 + generator.choice(len(style.units), size=clips, p=style.units))
    active = np.zeros((clips, units), dtype=np.bool_)
    np.put_along_axis(active, order, np.arange(units)[None, :] < number[:, None], axis=1)
    return active
