"""Whole numbers in given proportions: clips per class, per database and per person."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np


def apportion(total: int, shares: Sequence[float], least: int = 1) -> list[int]:
    """Return whole numbers that sum to ``total`` and are in proportion to ``shares``, each at least ``least``.

    The largest remainders are rounded up.

    Raises:
        ValueError: ``total`` is too small to give every share ``least``.
    """
    if total < least * len(shares):
        raise ValueError(f"{total} cannot be divided into {len(shares)} numbers of at least {least}")
    exact = [total * share / sum(shares) for share in shares]
    counts = [max(least, int(value)) for value in exact]
    while sum(counts) < total:
        neediest = max(range(len(counts)), key=lambda i: exact[i] - counts[i])
        counts[neediest] += 1
    while sum(counts) > total:
        richest = max((i for i in range(len(counts)) if counts[i] > least), key=lambda i: counts[i] - exact[i])
        counts[richest] -= 1
    return counts


def clips_per_person(clips: int, people: int, inequality: float = 0.9) -> list[int]:
    """Return how many clips each person has, most first: unequal, as in real databases, and at least one each.

    The numbers follow the quantiles of a log-normal distribution; ``inequality`` is the standard deviation of the
    logarithm. They do not depend on a seed.

    Raises:
        ValueError: There are fewer clips than people.
    """
    normal = NormalDist()
    shares = [np.exp(-inequality * normal.inv_cdf((i + 0.5) / people)) for i in range(people)]
    return apportion(clips, shares)
