"""The auxiliary loss of LightmanNet's first level: how far micro- and macro-expressions lie apart.

``L_aux = 1 / (N^s N^aux) sum_j sum_j' k(f(x^s_j), f(x^aux_j'))`` over all micro × macro pairs of a task. The framework
figure leaves k open. A similarity minimised as printed would push the two apart, so every k here is a distance.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.losses.soft_dtw import soft_dtw

Kernel = Literal["cosine", "squared_euclidean", "rbf", "mmd2", "infonce"]


def alignment_loss(
    micro: Float[Tensor, "*part micro feature"],
    macro: Float[Tensor, "*part macro feature"],
    weights: Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"],
    kernel: Kernel = "cosine",
    bandwidth: float | None = None,
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """Return the (weighted) mean distance k over the micro × macro pairs, a scalar; 0 where no pair counts.

    With parts in front (places of a map, phases) each part is compared with its like, and the mean is over the parts,
    too.

    Args:
        micro: Representation f(x^s) of the support clips.
        macro: Representation f(x^aux) of the auxiliary clips.
        weights: Which pairs count, or with what weight >= 0; ``losses.pairs`` makes them.
        kernel: ``cosine`` is 1 - cos, in [0, 2]; ``squared_euclidean`` is |a - b|²; ``rbf`` is -exp(-|a - b|² / (2
            σ²)), in [-1, 0]; ``mmd2`` is the full squared maximum mean discrepancy with that Gaussian, in [0, 2], whose
            cross term is twice ``rbf`` (biased estimate of Gretton et al. 2012, eq. 5), between the micro clips that
            have the same partners and these partners, averaged over such groups; it knows no weights but 0 and more.
            ``infonce`` is ``-log(exp(cos(a, b) / τ) / sum_b' exp(cos(a, b') / τ))`` over all macro clips b' (van den
            Oord et al. 2018, arXiv 1807.03748, eq. 4; with several partners the mean over them, as in Khosla et al.
            2020, arXiv 2004.11362, eq. 2); pairs that do not count push apart, so it needs some.
        bandwidth: σ; None takes the median distance of the pairs that count, as a constant without gradient (our
            choice).
        temperature: τ of infonce, > 0.

    Reference: LightmanNet, arXiv 2404.12024, framework figure, auxiliary branch.
    """
    chosen = weights > 0
    if not chosen.any():
        return 0.0 * micro.sum()
    if kernel in ("cosine", "infonce"):
        cosines = F.normalize(micro, dim=-1) @ F.normalize(macro, dim=-1).mT
        return _mean(1 - cosines if kernel == "cosine" else -F.log_softmax(cosines / temperature, dim=-1), weights)
    squared = _squared_distances(micro, macro)
    if kernel == "squared_euclidean":
        return _mean(squared, weights)
    width = _squared_bandwidth(squared, chosen, bandwidth)
    if kernel == "rbf":
        return _mean(-torch.exp(-squared / (2 * width)), weights)
    partners = [row for row in chosen.unique(dim=0) if row.any()]
    groups = [(micro[..., (chosen == row).all(1), :], macro[..., row, :]) for row in partners]
    return torch.stack([_mmd2(a, b, width) for a, b in groups]).mean()


def warped_alignment_loss(
    micro: Float[Tensor, "micro phase feature"],
    macro: Float[Tensor, "macro phase2 feature"],
    weights: Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"],
    kernel: Literal["cosine", "squared_euclidean"] = "cosine",
    smoothing: float = 0.1,
) -> Float[Tensor, ""]:
    """Return the (weighted) mean soft-DTW of the micro × macro pairs, a scalar; 0 where no pair counts.

    The cost of two phases is their cosine distance (ours) or squared Euclidean distance (as published). Soft-DTW is a
    sum over the phases on its path and may be negative; see ``losses.soft_dtw``.

    Args:
        micro: Features of each phase of the support clips.
        macro: Features of each phase of the auxiliary clips.
        weights: Which pairs count, or with what weight >= 0.
        kernel: The cost of two phases.
        smoothing: γ > 0.
    """
    if not (weights > 0).any():
        return 0.0 * micro.sum()
    if kernel == "cosine":
        costs = 1 - F.normalize(micro, dim=-1)[:, None] @ F.normalize(macro, dim=-1)[None].mT
    else:
        costs = _squared_distances(micro[:, None], macro[None])
    return _mean(soft_dtw(costs, smoothing), weights)


def _mean(
    values: Float[Tensor, "*part micro macro"],
    weights: Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"],
) -> Float[Tensor, ""]:
    if weights.dtype == torch.bool:
        return values[..., weights].mean()
    return ((values * weights).sum((-2, -1)) / weights.sum()).mean()


def _squared_distances(a: Tensor, b: Tensor) -> Float[Tensor, "*part n m"]:
    # Differences, not |a|² + |b|² - 2ab: exact zeros on equal rows and no cancellation; the sets are small.
    return (a[..., :, None, :] - b[..., None, :, :]).square().sum(-1)


def _squared_bandwidth(
    squared: Float[Tensor, "*part n m"], chosen: Bool[Tensor, "n m"], bandwidth: float | None
) -> Float[Tensor, "*part 1 1"]:
    if bandwidth is not None:
        return squared.new_tensor(bandwidth).square().expand(*squared.shape[:-2], 1, 1)
    median = squared.detach()[..., chosen].median(-1, keepdim=True).values
    return median.clamp_min(torch.finfo(squared.dtype).eps)[..., None]


def _mmd2(
    a: Float[Tensor, "*part n d"], b: Float[Tensor, "*part m d"], width: Float[Tensor, "*part 1 1"]
) -> Float[Tensor, ""]:
    def similarity(x: Tensor, y: Tensor) -> Tensor:
        return torch.exp(-_squared_distances(x, y) / (2 * width)).mean()

    return similarity(a, a) + similarity(b, b) - 2 * similarity(a, b)
