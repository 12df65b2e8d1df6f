"""Captions and bars of an answer, shared by picture, page and film."""

from dataclasses import dataclass

from lightmannet.inference.answer import Answer, Interval

MOMENTS = ("onset", "apex", "offset")
CANNOT_TELL = "can't tell"


@dataclass(frozen=True)
class Bar:
    """The probability of one class.

    Attributes:
        name: Name of the class.
        share: Probability, 0..1.
        percent: The probability as an integer percentage; those of all classes add up to 100.
        named: Whether the answer names this class.
    """

    name: str
    share: float
    percent: int
    named: bool


def bars(answer: Answer) -> list[Bar]:
    """Return a bar per class; none without probabilities."""
    percents = _adding_up_to_100(answer.probabilities)
    rows = zip(answer.classes, answer.probabilities, percents, strict=False)
    return [Bar(name, share, percent, name == answer.decision) for name, share, percent in rows]


def headline(answer: Answer) -> str:
    """Return the class named, or "can't tell"."""
    return answer.decision if answer.decision is not None else CANNOT_TELL


def most_likely(answer: Answer) -> int | None:
    """Return the index of the most probable class, named or not; None without probabilities."""
    return answer.probabilities.index(max(answer.probabilities)) if answer.probabilities else None


def interval_caption(interval: Interval | None, fps: float | None) -> str:
    """Return a sentence about the recognised interval.

    Args:
        interval: The interval, or None.
        fps: Frames per second, or None if unknown.
    """
    if interval is None:
        return "No interval was found; the first, middle and last frame are shown."
    found = "as given" if interval.source == "given" else "spotted by its motion"
    frames = interval.offset - interval.onset
    length = f"{frames / fps:.2f} s" if fps else f"{frames} frames"
    return f"Frames {interval.onset} to {interval.offset} ({length}), {found}."


def moment_caption(moment: str, number: int, fps: float | None) -> str:
    """Return the caption of a frame, e.g. ``apex: frame 40, 0.20 s``.

    Args:
        moment: Its name.
        number: Its number in the clip.
        fps: Frames per second, or None if unknown.
    """
    return f"{moment}: frame {number}" + (f", {number / fps:.2f} s" if fps else "")


def motion_caption(factor: float) -> str:
    """Return the caption of the picture with arrows, which are drawn ``factor`` times as long as the motion."""
    return f"motion to the apex, ×{factor:.1f}"


def saliency_caption(name: str) -> str:
    """Return the caption of the evidence for a class."""
    return f"evidence for {name}"


def model_caption(answer: Answer) -> str:
    """Return the model's training data and score."""
    return f"{answer.learned_from} {answer.score}"


def _adding_up_to_100(shares: tuple[float, ...]) -> list[int]:
    """Return integer percentages that add up to 100, by the largest remainder method."""
    exact = [100 * share for share in shares]
    whole = [int(value) for value in exact]
    for place in sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])[: 100 - sum(whole)]:
        whole[place] += 1
    return whole
