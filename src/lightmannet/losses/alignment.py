"""The auxiliary loss of LightmanNet's first level: how far micro- and macro-expressions lie apart.

``L_aux = 1 / (N^s N^aux) sum_j sum_j' k(f(x^s_j), f(x^aux_j'))`` over all micro × macro pairs of a task. The framework
figure leaves k open. A similarity minimised as printed would push the two apart, so every k here is a distance.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional as F

from lightmannet.errors import ConfigurationError

Kernel = Literal["cosine", "squared_euclidean", "rbf", "mmd2"]
Pairs = Literal["all", "same_class"]


def alignment_loss(
    micro: Float[Tensor, "micro feature"],
    macro: Float[Tensor, "macro feature"],
    micro_labels: Int64[Tensor, " micro"],
    macro_labels: Int64[Tensor, " macro"],
    kernel: Kernel = "cosine",
    pairs: Pairs = "all",
    bandwidth: float | None = None,
) -> Float[Tensor, ""]:
    """Return the mean distance k over the chosen micro × macro pairs, a scalar.

    Args:
        micro: Representation f(x^s) of the support clips.
        macro: Representation f(x^aux) of the auxiliary clips.
        micro_labels: Classes of the support clips.
        macro_labels: Classes of the auxiliary clips.
        kernel: ``cosine`` is 1 - cos, in [0, 2]; ``squared_euclidean`` is |a - b|²; ``rbf`` is -exp(-|a - b|² / (2
            σ²)), in [-1, 0]; ``mmd2`` is the full squared maximum mean discrepancy with that Gaussian, in [0, 2], whose
            cross term is twice ``rbf`` (biased estimate of Gretton et al. 2012, eq. 5).
        pairs: ``all`` as printed in the figure (default), or only pairs of the ``same_class``; mmd2 is then taken
            within each class present in both sets and averaged over these classes. The second is our choice.
        bandwidth: σ; None takes the median distance of the chosen pairs, as a constant without gradient (our choice).

    Raises:
        ConfigurationError: ``same_class`` was asked for and no class occurs in both sets.

    Reference: LightmanNet, arXiv 2404.12024, framework figure, auxiliary branch.
    """
    if pairs == "all":
        chosen = torch.ones(len(micro), len(macro), dtype=torch.bool, device=micro.device)
    else:
        chosen = micro_labels[:, None] == macro_labels[None, :]
        if not chosen.any():
            raise ConfigurationError(
                f"pairs: same_class needs a class in both sets, but the support has classes {_classes(micro_labels)} "
                f"and the auxiliary set {_classes(macro_labels)}. Take pairs: all or other auxiliary clips."
            )
    if kernel == "cosine":
        return (1 - F.normalize(micro, dim=1) @ F.normalize(macro, dim=1).T)[chosen].mean()
    squared = _squared_distances(micro, macro)
    if kernel == "squared_euclidean":
        return squared[chosen].mean()
    width = _squared_bandwidth(squared, chosen, bandwidth)
    if kernel == "rbf":
        return -torch.exp(-squared[chosen] / (2 * width)).mean()
    if pairs == "all":
        return _mmd2(micro, macro, width)
    shared = [label for label in micro_labels.unique() if (macro_labels == label).any()]
    return torch.stack(
        [_mmd2(micro[micro_labels == label], macro[macro_labels == label], width) for label in shared]
    ).mean()


def _squared_distances(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    # Differences, not |a|² + |b|² - 2ab: exact zeros on equal rows and no cancellation; the sets are small.
    return (a[:, None] - b[None]).square().sum(-1)


def _squared_bandwidth(
    squared: Float[Tensor, "n m"], chosen: Bool[Tensor, "n m"], bandwidth: float | None
) -> Float[Tensor, ""]:
    if bandwidth is not None:
        return squared.new_tensor(bandwidth) ** 2
    return squared.detach()[chosen].median().clamp_min(torch.finfo(squared.dtype).eps)


def _mmd2(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], width: Float[Tensor, ""]) -> Float[Tensor, ""]:
    def similarity(x: Tensor, y: Tensor) -> Tensor:
        return torch.exp(-_squared_distances(x, y) / (2 * width)).mean()

    return similarity(a, a) + similarity(b, b) - 2 * similarity(a, b)


def _classes(labels: Int64[Tensor, " n"]) -> list[int]:
    return [int(label) for label in labels.unique()]
