"""Bootstrap intervals over people, a paired randomisation test, and a correction for multiple tests.

Conventions:

- The unit is the person. Clips of one person are alike, so resampling single clips would make intervals too narrow.
- ``counts`` are confusion matrices per seed and person, (seed, person, truth, prediction); the score of a seed is that
  of their sum over people. A drawn set of people is the same for all seeds, and its score is the mean over seeds:
  intervals measure how much depends on who was filmed, the standard deviation how much depends on the seed.
- Each call starts its own generator from the same seed, so two methods are scored on the same drawn people.
- A class that occurs in no drawn person's labels or predictions is left out, as in ``metrics.uf1_uar``.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lightmannet.metrics.scores import ScoreName, score

DRAWS = 10_000
"""Number of resamples for an interval, and of swaps for a test: enough that the third digit hardly changes."""


def resample(
    counts: Int64[Tensor, "seed person truth prediction"], draws: int = DRAWS, seed: int = 0
) -> Int64[Tensor, "seed draw truth prediction"]:
    """Return, for each draw, the pooled confusion matrices of as many people drawn with replacement.

    Args:
        counts: Confusion matrices.
        draws: Number of draws, >= 1.
        seed: Seed of the generator.

    Reference: Efron, Tibshirani 1993, "An Introduction to the Bootstrap", chapters 6 and 13.
    """
    people = counts.shape[1]
    drawn = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), draws)
    # In float64, whole numbers up to 2^53 are exact, and the product is a fast one.
    return torch.einsum("dp,sptc->sdtc", torch.from_numpy(drawn).double(), counts.double()).long()


def interval(values: Float[Tensor, "seed draw"]) -> tuple[float, float]:
    """Return the middle 95 % of the draws' means over seeds, from the 2.5 % to the 97.5 % quantile.

    Args:
        values: A score, or a difference of scores, of each draw; see ``resample`` and ``scores.score``.
    """
    low, high = torch.nanquantile(values.mean(0), torch.tensor([0.025, 0.975], dtype=values.dtype)).tolist()
    return low, high


def paired_p_value(
    ours: Int64[Tensor, "seed person truth prediction"],
    theirs: Int64[Tensor, "seed person truth prediction"],
    name: ScoreName,
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """Return the two-sided p-value of a paired randomisation test of two methods, in (0, 1].

    If the methods were equally good, each person's answers could as well have come from the other one. The test swaps
    the two methods' answers of random people, in all seeds together, and counts how often the difference of the pooled
    scores (mean over seeds) is at least as large as the observed one, which itself counts as one more draw.

    Args:
        ours: Confusion matrices of one method.
        theirs: Those of the other method, for the same seeds and people.
        name: Which score.
        draws: Number of random swaps, >= 1.
        seed: Seed of the generator.

    Reference: Yeh 2000, "More accurate tests for the statistical significance of result differences", COLING.
    """
    swap = np.random.default_rng(seed).random((draws, ours.shape[1])) < 0.5
    moved = torch.einsum("dp,sptc->sdtc", torch.from_numpy(swap).double(), (theirs - ours).double()).long()
    swapped = score(ours.sum(1)[:, None] + moved, name) - score(theirs.sum(1)[:, None] - moved, name)
    observed = score(ours.sum(1), name) - score(theirs.sum(1), name)
    # Sums in another order differ in the last digits.
    as_large = swapped.mean(0).abs() >= observed.mean().abs() - 1e-12
    return (as_large.sum().item() + 1) / (draws + 1)


def holm(p_values: list[float]) -> list[float]:
    """Return p-values corrected for their number: at most 5 % of tables have a false alarm below .05.

    Args:
        p_values: Uncorrected, in [0, 1].

    Reference: Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian J. of Statistics 6.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def mean_interval(values: Float[Tensor, " task"]) -> tuple[float, float]:
    """Return the 95 % interval of a mean over tasks, mean ± 1.96 standard errors, as few-shot papers give it.

    Tasks share their people, so the interval is about the mean over all tasks of these people, not about other people.
    """
    mean = values.mean().item()
    half = 1.96 * values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return mean - half, mean + half
