"""Training data and score of a bundle's model, as part of every answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """UF1 on test people.

    Attributes:
        uf1: Unweighted F1, 0..1.
        low: Lower end of its 95 % interval over people; None with one person.
        high: Upper end of that interval.
        people: Number of test people.
        clips: Number of their clips.
    """

    uf1: float
    low: float | None
    high: float | None
    people: int
    clips: int

    def as_settings(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def learned_from(settings: Mapping[str, Any]) -> str:
    """Return a sentence about the training data of a bundle's model.

    Args:
        settings: The bundle's settings.
    """
    if settings["synthetic"]:
        return f"Learned from drawn faces only ({settings['corpus']}): nothing is known about real ones."
    return f"Learned from {settings['corpus']}: nothing is known about other people, cameras and rooms."


def score_of(settings: Mapping[str, Any]) -> str:
    """Return a sentence about the score of a bundle's model on test people.

    Args:
        settings: The bundle's settings; those of older bundles have no score.
    """
    if "score" not in settings:
        return "See the bundle's card.md for its accuracy."
    score = Score(**settings["score"])
    interval = "" if score.low is None else f", 95 % interval {score.low:.2f} to {score.high:.2f}"
    people = f"{score.people} {'person' if score.people == 1 else 'people'}"
    chance = 1 / len(settings["classes"])
    return (
        f"Score on {score.clips} clips of {people} not trained on: UF1 {score.uf1:.2f}{interval} (1 is perfect, "
        f"guessing gives at most about {chance:.2f})."
    )
