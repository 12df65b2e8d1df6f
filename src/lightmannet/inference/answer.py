"""The answer for one clip and its parts."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "fatal"]

Span = tuple[int, int, int]
"""Frame numbers of onset, apex and offset."""

STAGES = ("read", "spot", "represent", "adapt", "predict")
"""The stages that the time of an answer is divided into, in this order."""


@dataclass(frozen=True)
class Interval:
    """Where in a clip the expression lies, in frame numbers of that clip.

    Attributes:
        onset: First frame in which the face moves.
        apex: Frame of the strongest motion, onset <= apex <= offset.
        offset: Last frame in which the face moves.
        score: Strength of the evidence, >= 0; 1 where a person gave the interval.
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
    """Something about a clip that makes its answer doubtful.

    Attributes:
        code: Name for programs, e.g. ``too_dark``.
        severity: With ``fatal`` no class is named.
        message: What was seen and what to do about it.
    """

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class ModelFacts:
    """What a reader of an answer has to know about the model.

    Attributes:
        learned_from: A sentence on the data that the model has learned from.
        score: A sentence on its score on test people.
        synthetic: Whether it has learned from drawn faces alone.
        uf1: Unweighted F1 score on test people, 0..1; None where the bundle does not record it.
        uf1_interval: 95 % interval of it; None with one test person, or where the bundle does not record it.
    """

    learned_from: str
    score: str
    synthetic: bool
    uf1: float | None
    uf1_interval: tuple[float, float] | None


@dataclass(frozen=True)
class ClipAnswer:
    """The answer for one clip.

    Attributes:
        clip: The path as it was given, or ``array``.
        interval: The interval that was classified; None if none was found.
        classes: Names of the classes.
        probabilities: Calibrated probability of each class, adding up to 1; empty if nothing was classified.
        decision: The most probable class, or None for "can't tell".
        reason: Why no class is named; empty otherwise.
        warnings: What makes the answer doubtful, the most serious first.
        model: What the model has learned from and how well it scores.
        seconds: Time spent by stage, one of ``STAGES``.
    """

    clip: str
    interval: Interval | None
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    decision: str | None
    reason: str
    warnings: tuple[QualityWarning, ...]
    model: ModelFacts
    seconds: dict[str, float]
