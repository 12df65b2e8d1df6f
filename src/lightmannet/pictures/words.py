"""What is said of an answer, in the words that picture, page and film share."""

from lightmannet.inference.answer import Answer, Interval

MOMENTS = ("onset", "apex", "offset")
CANNOT_TELL = "can't tell"


def headline(answer: Answer) -> str:
    """Return the class named, or "can't tell"."""
    return answer.decision if answer.decision is not None else CANNOT_TELL


def likeliest(answer: Answer) -> int | None:
    """Return the number of the class of the highest probability, named or not; None without probabilities."""
    return answer.probabilities.index(max(answer.probabilities)) if answer.probabilities else None


def interval_words(interval: Interval | None, fps: float | None) -> str:
    """Return a sentence on the interval that was looked at.

    Args:
        interval: The interval, or None.
        fps: Frames a second, or None if nobody said it.
    """
    if interval is None:
        return "No interval was found; the first, middle and last frame are shown."
    found = "as given" if interval.source == "given" else "found by its motion"
    frames = interval.offset - interval.onset
    length = f"{frames / fps:.2f} s" if fps else f"{frames} frames"
    return f"Frames {interval.onset} to {interval.offset} ({length}), {found}."


def moment_words(moment: str, number: int, fps: float | None) -> str:
    """Return the caption of a frame, e.g. ``apex: frame 40, 0.20 s``.

    Args:
        moment: Its name.
        number: Its number in the clip.
        fps: Frames a second, or None if nobody said it.
    """
    return f"{moment}: frame {number}" + (f", {number / fps:.2f} s" if fps else "")


def motion_words(factor: float) -> str:
    """Return the caption of the picture with arrows, which are drawn ``factor`` times as long as the motion."""
    return f"motion to the apex, ×{factor:.1f}"


def saliency_words(name: str) -> str:
    """Return the caption of the picture that shows what speaks for a class."""
    return f"what speaks for {name}"
