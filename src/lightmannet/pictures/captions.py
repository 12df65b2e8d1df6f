"""The sentences and numbers of an answer that picture, page and film share."""

from dataclasses import dataclass
from pathlib import Path

from lightmannet.inference.answer import ClipAnswer, Interval, QualityWarning
from lightmannet.inference.card import WHAT_IT_IS_NOT

MOMENTS = ("onset", "apex", "offset")
CANNOT_TELL = "can't tell"


@dataclass(frozen=True)
class Bar:
    """The bar of a class.

    Attributes:
        name: The class.
        share: Its probability, 0..1.
        percent: The same in whole percent; those of all bars add up to 100.
        named: Whether this class is the answer.
    """

    name: str
    share: float
    percent: int
    named: bool


@dataclass(frozen=True)
class Captions:
    """All that is written about an answer.

    Attributes:
        headline: The class named, or "can't tell".
        clip: Name of the clip's file.
        reason: Why no class is named; empty otherwise.
        interval: A sentence on the interval.
        bars: One a class; none where nothing was classified.
        doubts: Warnings, for the top; those that forbid an answer are the reason already.
        remarks: What is good to know, for below.
        model: What the model has learned from, and how well it scores.
        limits: What the answer is not.
    """

    headline: str
    clip: str
    reason: str
    interval: str
    bars: tuple[Bar, ...]
    doubts: tuple[QualityWarning, ...]
    remarks: tuple[QualityWarning, ...]
    model: tuple[str, str]
    limits: str


def captions(answer: ClipAnswer, fps: float | None) -> Captions:
    """Return what is written about an answer.

    Args:
        answer: The answer.
        fps: Frames a second, or None if unknown.
    """
    percents = whole_percents(answer.probabilities)
    pairs = zip(answer.classes, answer.probabilities, percents, strict=False)
    return Captions(
        headline=answer.decision if answer.decision is not None else CANNOT_TELL,
        clip=Path(answer.clip).name,
        reason=answer.reason,
        interval=interval_caption(answer.interval, fps),
        bars=tuple(Bar(name, share, percent, name == answer.decision) for name, share, percent in pairs),
        doubts=tuple(warning for warning in answer.warnings if warning.severity == "warning"),
        remarks=tuple(warning for warning in answer.warnings if warning.severity == "info"),
        model=(answer.model.learned_from, answer.model.score),
        limits=WHAT_IT_IS_NOT,
    )


def whole_percents(shares: tuple[float, ...]) -> list[int]:
    """Return shares that add up to 1 in whole percent that add up to 100: those cut off most are rounded up."""
    percents = [int(100 * share) for share in shares]
    by_rest = sorted(range(len(shares)), key=lambda place: percents[place] - 100 * shares[place])
    for place in by_rest[: 100 - sum(percents)]:
        percents[place] += 1
    return percents


def most_probable(answer: ClipAnswer) -> int | None:
    """Return the number of the most probable class, named or not; None without probabilities."""
    return answer.probabilities.index(max(answer.probabilities)) if answer.probabilities else None


def interval_caption(interval: Interval | None, fps: float | None) -> str:
    """Return a sentence on the interval that was classified.

    Args:
        interval: The interval, or None.
        fps: Frames a second, or None if unknown.
    """
    if interval is None:
        return "No interval was classified; the first, middle and last frame are shown."
    found = "as given" if interval.source == "given" else "found by its motion"
    frames = interval.offset - interval.onset
    length = f"{frames / fps:.2f} s" if fps else f"{frames} frames"
    return f"Frames {interval.onset} to {interval.offset} ({length}), {found}."


def moment_caption(moment: str, number: int, fps: float | None) -> str:
    """Return the caption of a frame, e.g. ``apex: frame 40, 0.20 s``.

    Args:
        moment: Its name.
        number: Its number in the clip.
        fps: Frames a second, or None if unknown.
    """
    return f"{moment}: frame {number}" + (f", {number / fps:.2f} s" if fps else "")


def motion_caption(factor: float) -> str:
    """Return the caption of the panel with arrows, which are drawn ``factor`` times as long as the motion."""
    return f"motion to the apex, ×{factor:.1f}"


def saliency_caption(name: str) -> str:
    """Return the caption of the panel that shows what speaks for a class."""
    return f"what speaks for {name}"
