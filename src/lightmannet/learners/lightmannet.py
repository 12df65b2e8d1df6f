"""LightmanNet: meta-auxiliary learning for micro-expression recognition."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from lightmannet.learners.episodic import EpisodicLearner, InnerLoop, WarmStart
from lightmannet.losses.alignment import Kernel, Pairs, alignment_loss
from lightmannet.networks.two_branch import TwoBranchNetwork


@dataclass(frozen=True)
class Branches:
    """How the inner loop weighs and builds its two branches; ``losses.alignment`` tells the choices.

    Attributes:
        primary_weight: λ1, weight of the recognition loss, >= 0.
        auxiliary_weight: λ2, weight of the alignment loss, >= 0.
        kernel: k, the distance between a micro- and a macro-expression.
        pairs: All micro × macro pairs, or those of the same class.
        align_at: What is aligned: what the alignment head makes of the ``features``, or the ``logits`` of the MER head.
        bandwidth: σ of rbf and mmd2; None takes the median distance.

    Raises:
        ConfigurationError: A negative weight, or a bandwidth that is not positive.
    """

    primary_weight: float = 1.0
    auxiliary_weight: float = 0.1
    kernel: Kernel = "cosine"
    pairs: Pairs = "all"
    align_at: Literal["features", "logits"] = "features"
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        if self.primary_weight < 0 or self.auxiliary_weight < 0 or (self.bandwidth is not None and self.bandwidth <= 0):
            raise ConfigurationError(
                f"The branches need weights >= 0 and bandwidth > 0, but have primary_weight: {self.primary_weight}, "
                f"auxiliary_weight: {self.auxiliary_weight}, bandwidth: {self.bandwidth}."
            )


class LightmanNet(EpisodicLearner):
    """Bi-level learning whose inner loop has a recognition branch and an alignment branch on one shared network.

    First level, a step (one or more): ``θ_i ← θ - α ∇_θ {λ1 L_pri(D^s, θ) + λ2 L_aux(D^s, D^aux, θ)}``.
    Second level: ``θ ← θ - β ∇_θ (1 / N_tasks) Σ_i L_pri(D_i^q, θ_i)``, through the inner steps; no macro-expressions.

    The formulas are those of the paper's framework figure. What it leaves open (kernel and its sign, pairs, what is
    aligned, number of steps, start of θ) is configuration, and the defaults are ours.

    Args:
        network: f_θ: encoder, MER head, alignment head.
        inner: The inner loop.
        branches: Its two losses.
        warm_start: Where θ starts.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Reference: Wang, Tian, Yang, Chen, Zheng, Qiang 2024, "Meta-Auxiliary Learning for Micro-Expression Recognition",
    arXiv 2404.12024, framework figure.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(),
        branches: Branches = Branches(),
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, inner, warm_start, learning_rate, weight_decay)
        self.branches = branches

    def inner_loss(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> Float[Tensor, ""]:
        """Return ``λ1 L_pri(D^s) + λ2 L_aux(D^s, D^aux)``.

        Raises:
            ConfigurationError: λ2 > 0 without auxiliary clips.
        """
        options = self.branches
        if options.auxiliary_weight == 0:
            return options.primary_weight * F.cross_entropy(network(support.inputs), support.labels)
        if auxiliary is None:
            raise ConfigurationError(
                "LightmanNet aligns micro- with macro-expressions, but the task has none. Set the data module's "
                "auxiliary to corpus, magnified or motion, or auxiliary_weight: 0."
            )
        # One pass for both branches: no layer mixes clips, and small batches cost mostly their number of operations.
        features = network.encode(torch.cat([support.inputs, auxiliary.inputs]))
        logits = network.mer_head(features)
        micro, macro = (logits if options.align_at == "logits" else network.alignment_head(features)).split(
            [len(support), len(auxiliary)]
        )
        primary = F.cross_entropy(logits[: len(support)], support.labels)
        alignment = alignment_loss(
            micro, macro, support.labels, auxiliary.labels, options.kernel, options.pairs, options.bandwidth
        )
        return options.primary_weight * primary + options.auxiliary_weight * alignment
