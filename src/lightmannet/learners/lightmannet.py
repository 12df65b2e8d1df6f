"""LightmanNet: meta-auxiliary learning for micro-expression recognition."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import micro_clips
from lightmannet.learners.episodic import InnerLoop, InnerLoopLearner, WarmStart
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.networks import TwoBranchNetwork


class LightmanNet(InnerLoopLearner):
    """Bi-level learning whose inner loop has a recognition branch and an alignment branch on one shared network.

    First level, one step or more: ``θ_i ← θ - α ∇_θ {λ1 L_pri(D^s, θ) + λ2 L_aux(D^s, D^aux, θ)}`` (``inner_loss``).
    Second level: ``θ ← θ - β ∇_θ (1 / N_tasks) Σ_i L_pri(D_i^q, θ_i)``, through the inner steps (``meta_loss``); no
    macro-expressions.

    The formulas are those of the paper's framework figure. What it leaves open (kernel and its sign, pairs, what is
    aligned, number of steps) is configuration, and the defaults are ours. So is all of the warm start, which the figure
    does not show: θ may first be trained with L_pri, or with both branches, and go on with that beside meta-training.

    Args:
        network: f_θ: encoder, MER head, alignment head.
        inner: The steps of the inner loop.
        loss: What they descend.
        warm_start: Where θ starts.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Raises:
        ConfigurationError: Learned weights of the alignment that the outer loop cannot reach (first order, no steps),
            or an inner loop of the heads alone where the alignment passes through none.

    Reference: Wang, Tian, Yang, Chen, Zheng, Qiang 2024, "Meta-Auxiliary Learning for Micro-Expression Recognition",
    arXiv 2404.12024, framework figure.
    """

    aligns = True

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(),
        loss: InnerLoss = InnerLoss(),
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, inner, warm_start, learning_rate, weight_decay)
        _check(network, inner, loss)
        self.loss = loss
        # Its softplus is λ2.
        start = torch.tensor(loss.auxiliary_weight).expm1().log()
        self.raw_auxiliary_weight = nn.Parameter(start) if loss.learn_auxiliary_weight else None
        self.pair_weighting = loss.pairs.weighting(network.mer_head.out_features)

    @property
    def auxiliary_weight(self) -> float | Tensor:
        """λ2, fixed or learned."""
        raw = self.raw_auxiliary_weight
        return self.loss.auxiliary_weight if raw is None else F.softplus(raw)

    def inner_loss(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> Float[Tensor, ""]:
        """Return ``λ1 L_pri(D^s) + λ2 L_aux(D^s, D^aux)``, the first level's loss.

        Raises:
            ConfigurationError: As ``inner_losses``.
        """
        return self._weighted(*self.inner_losses(network, support, auxiliary))

    def inner_losses(
        self,
        network: TwoBranchNetwork,
        support: Clips,
        auxiliary: Clips | None,
        label_smoothing: float = 0.0,
        macro_labels: bool = False,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""] | None]:
        """Return L_pri and L_aux, which is None where λ2 is 0.

        Args:
            network: f_θ, or a copy that the inner loop moves.
            support: Micro-expressions.
            auxiliary: Macro-expressions.
            label_smoothing: Label smoothing of L_pri; the figure has none.
            macro_labels: L_pri is over the macro-expressions, too; in the figure it is not.

        Raises:
            ConfigurationError: No macro-expressions where they are needed, clips without the annotation that the pairs
                need, or an encoder without what is to be aligned.
        """
        if self.loss.auxiliary_weight == 0 and not macro_labels:
            logits = network(support.inputs)
            return F.cross_entropy(logits, support.labels, label_smoothing=label_smoothing), None
        if auxiliary is None:
            raise ConfigurationError(
                "LightmanNet aligns micro- with macro-expressions, but the task has none. Set the data module's "
                "auxiliary to CorpusMacro, MagnifiedMicro or SyntheticMacro, or auxiliary_weight: 0."
            )
        # One pass for both sets: no layer mixes clips, and small batches cost mostly their number of operations.
        both = concatenate(support, auxiliary)
        features = network.encode(both.inputs)
        labelled = len(both) if macro_labels else len(support)
        logits, labels = network.mer_head(features[:labelled]), both.labels[:labelled]
        primary = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        if self.loss.auxiliary_weight == 0:
            return primary, None
        aligned = self.loss.aligned(network, both.inputs, features)
        micro, macro = aligned.split([len(support), len(auxiliary)], dim=-2)
        return primary, self.loss.kernel(micro, macro, self.pair_weighting(support, auxiliary))

    def warm_loss(self, episode: Episode) -> Float[Tensor, ""]:
        """Return what the warm start minimises: with both branches the inner loss, at θ itself and over all clips."""
        options = self.warm_start
        if not options.both_branches:
            return super().warm_loss(episode)
        clips = micro_clips(episode), episode.auxiliary
        return self._weighted(*self.inner_losses(self.network, *clips, options.label_smoothing, options.macro_labels))

    def _weighted(self, primary: Float[Tensor, ""], alignment: Float[Tensor, ""] | None) -> Float[Tensor, ""]:
        first = self.loss.primary_weight * primary
        return first if alignment is None else first + self.auxiliary_weight * alignment

    def training_step(self, batch: Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Return the outer loss of a task, or that of the warm start; log λ2 where it is learned."""
        loss = super().training_step(batch, batch_idx)
        if self.raw_auxiliary_weight is not None:
            self.log("train/auxiliary_weight", F.softplus(self.raw_auxiliary_weight), batch_size=1)
        return loss

    def step_size(self, parameter: str) -> float | None:
        """Return the step size that what is learned of the alignment has of its own."""
        return self.loss.weights_learning_rate if parameter.startswith(("raw_auxiliary", "pair_weighting.")) else None


def _check(network: TwoBranchNetwork, inner: InnerLoop, loss: InnerLoss) -> None:
    if loss.learned and (inner.first_order or inner.steps == 0):
        raise ConfigurationError(
            "A learned auxiliary weight and learned pairs reach the outer loss through the inner steps' gradients "
            f"alone, which are constants or absent with first_order: {inner.first_order}, steps: {inner.steps}. Set "
            "first_order: false and steps >= 1, or learn neither."
        )
    if inner.parameters == "heads" and loss.auxiliary_weight > 0 and not loss.aligned.has_head(network):
        raise ConfigurationError(
            f"parameters: heads moves nothing that aligned: {type(loss.aligned).__name__} passes through, so the "
            "alignment would do nothing. Set the network's alignment_features with aligned: Features, or parameters: "
            "all."
        )
