"""Kernels of the auxiliary loss of LightmanNet's first level: distances between micro- and macro-expressions.

``L_aux = 1 / (N^s N^aux) Σ_j Σ_j' k(f(x^s_j), f(x^aux_j'))`` over the micro × macro pairs of a task, or the weighted
mean where ``losses.pairs`` gives weights. The framework figure leaves k open. Minimising a similarity as printed would
push the two apart, so every kernel here is a distance. To add one, write a subclass of ``Kernel``.

Reference: LightmanNet, arXiv 2404.12024, framework figure, auxiliary branch.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.errors import ConfigurationError
from lightmannet.losses.pairs import Pairs
from lightmannet.losses.soft_dtw import soft_dtw

Micro = Float[Tensor, "*part micro feature"]
Macro = Float[Tensor, "*part macro feature"]
Weights = Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"]


@dataclass(frozen=True)
class Kernel(ABC):
    """The distance k of micro- and macro-expressions, averaged over pairs."""

    needs_phases: ClassVar[bool] = False
    """Whether the parts of a clip must be its phases, in chronological order."""

    def check(self, pairs: Pairs) -> None:  # noqa: B027  most kernels take any pairs
        """Check that this kernel can compare such pairs.

        Raises:
            ConfigurationError: The kernel cannot be used with such pairs.
        """

    @abstractmethod
    def __call__(self, micro: Micro, macro: Macro, weights: Weights) -> Float[Tensor, ""]:
        """Return the weighted mean distance; 0 where no pair counts.

        With parts in front (places of a map, phases) each part is compared with its counterpart, and the mean is over
        parts, too.

        Args:
            micro: Representation f(x^s) of the support clips.
            macro: Representation f(x^aux) of the auxiliary clips.
            weights: Which pairs count, or with what weight >= 0.
        """


@dataclass(frozen=True)
class Cosine(Kernel):
    """``k(a, b) = 1 - cos(a, b)``, in [0, 2]."""

    def __call__(self, micro: Micro, macro: Macro, weights: Weights) -> Float[Tensor, ""]:
        """Return the weighted mean cosine distance."""
        return weighted_mean(1 - cosines(micro, macro), weights)


@dataclass(frozen=True)
class SquaredEuclidean(Kernel):
    """``k(a, b) = |a - b|²``."""

    def __call__(self, micro: Micro, macro: Macro, weights: Weights) -> Float[Tensor, ""]:
        """Return the weighted mean squared distance."""
        return weighted_mean(squared_distances(micro, macro), weights)


@dataclass(frozen=True)
class RBF(Kernel):
    """``k(a, b) = -exp(-|a - b|² / (2 σ²))``, in [-1, 0].

    Attributes:
        bandwidth: σ > 0; None takes the median distance of the pairs that count, as a constant (our choice).

    Raises:
        ConfigurationError: A bandwidth that is not positive.
    """

    bandwidth: float | None = None

    def __post_init__(self) -> None:
        _check_bandwidth(self.bandwidth, "RBF")

    def __call__(self, micro: Micro, macro: Macro, weights: Weights) -> Float[Tensor, ""]:
        """Return minus the weighted mean similarity."""
        squared = squared_distances(micro, macro)
        width = _squared_bandwidth(squared, weights, self.bandwidth)
        return weighted_mean(-torch.exp(-squared / (2 * width)), weights)


@dataclass(frozen=True)
class MMD2(Kernel):
    """The squared maximum mean discrepancy with a Gaussian g, in [0, 2]: ``E g(a, a') + E g(b, b') - 2 E g(a, b)``.

    The cross term alone is twice ``RBF``. It is taken between the micro clips that share the same partners and these
    partners, and averaged over such groups; it compares sets, so a single pair has no weight of its own.

    Attributes:
        bandwidth: σ > 0 of the Gaussian; None takes the median distance of the pairs that count, as a constant.

    Raises:
        ConfigurationError: A bandwidth that is not positive.

    Reference: Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13, eq. 5 (the biased estimate).
    """

    bandwidth: float | None = None

    def __post_init__(self) -> None:
        _check_bandwidth(self.bandwidth, "MMD2")

    def check(self, pairs: Pairs) -> None:
        """Refuse pairs with weights of their own."""
        if pairs.graded:
            raise ConfigurationError(
                f"kernel: MMD2 compares sets of clips, and cannot weigh single pairs as pairs: {type(pairs).__name__} "
                "does. Choose another kernel, or pairs: SameClass."
            )

    def __call__(self, micro: Micro, macro: Macro, weights: Weights) -> Float[Tensor, ""]:
        """Return the mean discrepancy over the groups of clips with the same partners."""
        width = _squared_bandwidth(squared_distances(micro, macro), weights, self.bandwidth)

        def similarity(x: Tensor, y: Tensor) -> Tensor:
            return torch.exp(-squared_distances(x, y) / (2 * width))

        # Without a loop over groups, so that several tasks can be batched with torch.vmap: each micro clip has the
        # discrepancy of its own group, and counts for its share of it.
        partners = (weights > 0).to(micro.dtype)
        group = (partners[:, None] == partners[None]).all(2).to(micro.dtype)
        mine, theirs = _mean_rows(group), _mean_rows(partners)
        within = (mine * (similarity(micro, micro) @ mine.mT).mT).sum(-1)
        beyond = (theirs * (similarity(macro, macro) @ theirs.mT).mT).sum(-1)
        between = (theirs * (mine @ similarity(micro, macro))).sum(-1)
        share = partners.amax(1) / group.sum(1)
        groups = share.sum().clamp_min(torch.finfo(micro.dtype).tiny)
        return (((within + beyond - 2 * between) * share).sum(-1) / groups).mean()


@dataclass(frozen=True)
class InfoNCE(Kernel):
    """``k(a, b) = -log(exp(cos(a, b) / τ) / Σ_b' exp(cos(a, b') / τ))`` over all macro clips b' of the task.

    Pairs that do not count are negatives and are pushed apart. With several partners the mean over them is taken
    (Khosla et al. 2020, arXiv 2004.11362, eq. 2).

    Attributes:
        temperature: τ > 0.

    Raises:
        ConfigurationError: A temperature that is not positive.

    Reference: van den Oord, Li, Vinyals 2018, "Representation Learning with Contrastive Predictive Coding", arXiv
    1807.03748, eq. 4.
    """

    temperature: float = 0.1

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise ConfigurationError(f"kernel: InfoNCE needs temperature > 0, but it is {self.temperature}.")

    def check(self, pairs: Pairs) -> None:
        """Refuse pairs that leave no negatives."""
        if pairs.all_positive:
            raise ConfigurationError(
                f"kernel: InfoNCE needs negative pairs, but pairs: {type(pairs).__name__} makes every pair positive. "
                "Set pairs: SameClass."
            )

    def __call__(self, micro: Micro, macro: Macro, weights: Weights) -> Float[Tensor, ""]:
        """Return the weighted mean cross-entropy of finding a partner among the macro clips."""
        return weighted_mean(-F.log_softmax(cosines(micro, macro) / self.temperature, dim=-1), weights)


@dataclass(frozen=True)
class SoftDTW(Kernel):
    """Soft dynamic time warping: the phases of both clips are compared in chronological order at variable speed.

    It is a sum over the phases on the warping path and may be negative; see ``losses.soft_dtw``. Aligns ``Phases``.

    Attributes:
        smoothing: γ > 0; towards 0 it becomes dynamic time warping.
        cost: Distance of two phases: ``cosine`` (our choice) or ``squared_euclidean`` (as published).

    Raises:
        ConfigurationError: A smoothing that is not positive.
    """

    smoothing: float = 0.1
    cost: Literal["cosine", "squared_euclidean"] = "cosine"

    needs_phases = True

    def __post_init__(self) -> None:
        if self.smoothing <= 0:
            raise ConfigurationError(f"kernel: SoftDTW needs smoothing > 0, but it is {self.smoothing}.")

    def __call__(
        self,
        micro: Float[Tensor, "phase micro feature"],
        macro: Float[Tensor, "phase2 macro feature"],
        weights: Weights,
    ) -> Float[Tensor, ""]:
        """Return the weighted mean warping distance."""
        first, second = micro.transpose(0, 1)[:, None], macro.transpose(0, 1)[None]
        costs = 1 - cosines(first, second) if self.cost == "cosine" else squared_distances(first, second)
        return weighted_mean(soft_dtw(costs, self.smoothing), weights)


def weighted_mean(values: Float[Tensor, "*part micro macro"], weights: Weights) -> Float[Tensor, ""]:
    """Return the mean of ``values`` over pairs, weighted, and over parts; 0 where all weights are 0."""
    weights = weights.to(values.dtype)
    # No branch on the number of pairs, so that several tasks can be batched with torch.vmap.
    return ((values * weights).sum((-2, -1)) / weights.sum().clamp_min(torch.finfo(values.dtype).tiny)).mean()


def _mean_rows(chosen: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Return each row divided by its sum; rows of zeros stay."""
    return chosen / chosen.sum(1, keepdim=True).clamp_min(1)


def cosines(a: Float[Tensor, "*#part n feature"], b: Float[Tensor, "*#part m feature"]) -> Float[Tensor, "... n m"]:
    """Return the cosine of each pair."""
    return F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).mT


def squared_distances(
    a: Float[Tensor, "*#part n feature"], b: Float[Tensor, "*#part m feature"]
) -> Float[Tensor, "... n m"]:
    """Return ``|a - b|²`` of each pair."""
    # Differences, not |a|² + |b|² - 2ab: exact zeros on equal rows and no cancellation; the sets are small.
    return (a[..., :, None, :] - b[..., None, :, :]).square().sum(-1)


def _check_bandwidth(bandwidth: float | None, kernel: str) -> None:
    if bandwidth is not None and bandwidth <= 0:
        raise ConfigurationError(f"kernel: {kernel} needs bandwidth > 0 or null, but it is {bandwidth}.")


def _squared_bandwidth(
    squared: Float[Tensor, "*part n m"], weights: Weights, bandwidth: float | None
) -> Float[Tensor, "*part 1 1"]:
    if bandwidth is not None:
        return squared.new_full((), bandwidth**2).expand(*squared.shape[:-2], 1, 1)
    counted = torch.where(weights > 0, squared.detach(), torch.nan).flatten(-2)
    median = counted.nanmedian(-1).values.nan_to_num(nan=1.0)  # NaN where no pair counts
    return median.clamp_min(torch.finfo(squared.dtype).eps)[..., None, None]
