"""Proposed expressions of a video, whatever proposes them."""

from collections.abc import Iterable
from dataclasses import dataclass

from data_modules.annotations import Kind

MICRO_SECONDS = 0.5
"""Longest micro-expression."""

_SAME = 0.3  # intervals that share more than this (intersection over union) mean the same expression


@dataclass(frozen=True)
class Candidate:
    """A proposed expression; times in seconds from the first frame.

    Attributes:
        onset: Beginning.
        apex: Time of the strongest motion.
        offset: End.
        score: How sure it is, >= 0; comparable within one way of spotting alone.
        kind: ``micro`` or ``macro``.
    """

    onset: float
    apex: float
    offset: float
    score: float
    kind: Kind


def kind_of(seconds: float) -> Kind:
    """Return which kind an expression of this duration is."""
    return "micro" if seconds <= MICRO_SECONDS else "macro"


def overlap(first: Candidate, second: Candidate) -> float:
    """Return the intersection of two intervals over their union, 0..1."""
    shared = min(first.offset, second.offset) - max(first.onset, second.onset)
    union = max(first.offset, second.offset) - min(first.onset, second.onset)
    return max(0.0, shared) / union if union > 0 else 0.0


def without_overlaps(found: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates in the order of their scores, without those that overlap a better one."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda candidate: -candidate.score):
        if all(overlap(candidate, other) <= _SAME for other in kept):
            kept.append(candidate)
    return kept
