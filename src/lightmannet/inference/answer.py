"""The answer for one clip, as plain values."""

from dataclasses import dataclass
from typing import Literal

# What tells files of answers from clips.
from data_modules.clip_folder import FILE_NAME as FILE_NAME
from data_modules.clip_folder import FILM_COMMENT as FILM_COMMENT

Severity = Literal["info", "warning", "fatal"]

STAGES = ("read", "face", "spot", "represent", "adapt", "predict")
"""Stages of an answer, in order."""


@dataclass(frozen=True)
class Interval:
    """The interval of an expression, in frame numbers of its clip.

    Attributes:
        onset: First frame in which the face moves.
        apex: Frame of the strongest motion, onset <= apex <= offset.
        offset: Last frame in which the face moves.
        score: Strength of the evidence, >= 0; 1 for a given interval.
        kind: ``micro`` up to half a second, else ``macro``.
        source: ``given`` by a person or ``spotted`` by motion.
    """

    onset: int
    apex: int
    offset: int
    score: float
    kind: Literal["micro", "macro"]
    source: Literal["given", "spotted"]


@dataclass(frozen=True)
class QualityWarning:
    """A property of a clip that makes its answer doubtful.

    Attributes:
        code: Name for programs, e.g. ``too_dark``.
        severity: With ``fatal`` no class is named.
        message: What is wrong and what to do.
    """

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class Answer:
    """The answer for one clip.

    Attributes:
        clip: The path as it was given.
        interval: The interval that was recognised, or None.
        classes: Names of the classes.
        probabilities: Calibrated probability of each class, adding up to 1; empty without an interval.
        decision: The class named, or None for "can't tell".
        reason: Why no class is named; empty otherwise.
        warnings: Reasons for doubt, the most severe first.
        learned_from: The model's training data, and what that means for real faces.
        score: The model's score on people who were not trained on.
        seconds: Time spent by stage, one of ``STAGES``.
        candidates: All spotted intervals, the likeliest first; empty where the interval was given.
    """

    clip: str
    interval: Interval | None
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    decision: str | None
    reason: str
    warnings: tuple[QualityWarning, ...]
    learned_from: str
    score: str
    seconds: dict[str, float]
    candidates: tuple[Interval, ...] = ()
