"""Scores of spotted intervals, as the spotting tasks of MEGC count them."""

from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[float, float]
"""Onset and offset."""

LEAST_OVERLAP = 0.5


@dataclass(frozen=True)
class SpottingScore:
    """Counts over any number of videos.

    Attributes:
        found: Spotted intervals that are a true one.
        spotted: Intervals spotted.
        true: True intervals.
    """

    found: int = 0
    spotted: int = 0
    true: int = 0

    def __add__(self, other: "SpottingScore") -> "SpottingScore":
        return SpottingScore(self.found + other.found, self.spotted + other.spotted, self.true + other.true)

    @property
    def precision(self) -> float:
        """Share of the spotted intervals that are true ones; 0 if there are none."""
        return self.found / self.spotted if self.spotted else 0.0

    @property
    def recall(self) -> float:
        """Share of the true intervals that were spotted; 0 if there are none."""
        return self.found / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.spotted + self.true
        return 2 * self.found / total if total else 0.0


def spotting_score(spotted: Sequence[Span], true: Sequence[Span]) -> SpottingScore:
    """Return the counts of one video; a spotted interval meets a true one of which it shares half the union.

    Each true interval is met by one spotted interval at most: pairs are taken in the order of their overlap.

    Args:
        spotted: Intervals of one kind.
        true: The true intervals of that kind.

    Reference: Li et al. 2020, "MEGC2020 – The Third Facial Micro-Expression Grand Challenge", FG 2020.
    """
    pairs = sorted(
        ((overlap(s, t), i, j) for i, s in enumerate(spotted) for j, t in enumerate(true)), key=lambda pair: -pair[0]
    )
    met_spotted, met_true = set(), set()
    for shared, i, j in pairs:
        if shared >= LEAST_OVERLAP and i not in met_spotted and j not in met_true:
            met_spotted.add(i)
            met_true.add(j)
    return SpottingScore(len(met_true), len(spotted), len(true))


def overlap(first: Span, second: Span) -> float:
    """Return the intersection of two intervals over their union, 0..1."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    union = max(first[1], second[1]) - min(first[0], second[0])
    return max(0.0, shared) / union if union > 0 else 0.0
