"""Soft dynamic time warping: a distance between sequences of different speed."""

import torch
from jaxtyping import Float
from torch import Tensor


def soft_dtw(costs: Float[Tensor, "*pair first second"], smoothing: float) -> Float[Tensor, "*pair"]:
    """Return the soft minimum, over all paths from the first to the last phase of both, of the cost of the path.

    ``r_ij = c_ij + min^γ(r_{i-1,j-1}, r_{i-1,j}, r_{i,j-1})`` with ``min^γ(a) = -γ log Σ exp(-a / γ)``. At each step a
    path goes one phase further in one sequence or in both, and its cost is the sum over its cells. The soft minimum
    lies below the smallest cost and may be negative. It is plain autograd, so it can be differentiated any number of
    times; the loop over cells is meant for short sequences.

    Args:
        costs: c, the cost of putting phase i of the first sequence beside phase j of the second.
        smoothing: γ > 0; towards 0 this becomes dynamic time warping.

    Reference: Cuturi, Blondel 2017, "Soft-DTW: a Differentiable Loss Function for Time-Series", arXiv 1703.01541, eq. 1
    and algorithm 1.
    """
    above: list[Tensor] = []
    for i in range(costs.shape[-2]):
        row: list[Tensor] = []
        for j in range(costs.shape[-1]):
            # The border is left out rather than made infinite: infinities have no second derivatives.
            before = ([above[j]] if i else []) + ([row[j - 1]] if j else []) + ([above[j - 1]] if i and j else [])
            cell = costs[..., i, j]
            if before:
                cell = cell - smoothing * torch.logsumexp(-torch.stack(before) / smoothing, dim=0)
            row.append(cell)
        above = row
    return above[-1]
