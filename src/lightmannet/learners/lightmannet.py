"""LightmanNet: meta-auxiliary learning for micro-expression recognition."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import micro_clips
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop import InnerLoopLearner, InnerLosses
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.networks import TwoBranchNetwork


class LightmanNet(InnerLoopLearner):
    """Bi-level learning whose inner loop has a recognition branch and an alignment branch on one shared network.

    First level (``inner_losses``): ``θ_i ← θ - α ∇_θ {λ1 L_pri(D^s, θ) + λ2 L_aux(D^s, D^aux, θ)}``, once or more.
    Second level (``meta_loss``): ``θ ← θ - β ∇_θ (1 / N_tasks) Σ_i L_pri(D_i^q, θ_i)``, through the inner steps.

    The formulas are those of the paper's framework figure. What it leaves open (kernel and its sign, pairs, what is
    aligned, number of steps) is configuration, and the defaults are ours. So is all of the warm start, which the figure
    does not show: θ may first be trained with L_pri, or with both branches, and go on with that beside meta-training.

    Args:
        network: f_θ: encoder, MER head, alignment head.
        inner: The steps of the inner loop.
        loss: Their loss.
        warm_start: Initialisation of θ.
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
        loss.check(network, inner)
        self.loss = loss
        start = torch.tensor(loss.auxiliary_weight).expm1().log()  # its softplus is λ2
        self.raw_auxiliary_weight = nn.Parameter(start) if loss.learn_auxiliary_weight else None
        self.pair_weighting = loss.pairs.weighting(network.mer_head.out_features)

    @property
    def auxiliary_weight(self) -> float | Tensor:
        """λ2, fixed or learned."""
        raw = self.raw_auxiliary_weight
        return self.loss.auxiliary_weight if raw is None else F.softplus(raw)

    def meta_loss(self, episode: Episode) -> Float[Tensor, ""]:
        """Return L_pri(D^q, θ_i), the second level's loss: no macro-expression is in it."""
        support, auxiliary, query = episode.support, episode.auxiliary, episode.query
        # First level: θ_i ← θ - α ∇_θ {λ1 L_pri(D^s, θ) + λ2 L_aux(D^s, D^aux, θ)}, once per step.
        *_, adapted = self.inner_path(lambda network: self.inner_losses(network, support, auxiliary).total)
        return F.cross_entropy(adapted(query.inputs), query.labels)

    def inner_losses(
        self,
        network: TwoBranchNetwork,
        support: Clips,
        auxiliary: Clips | None,
        label_smoothing: float = 0.0,
        macro_labels: bool = False,
    ) -> InnerLosses:
        """Return ``λ1 L_pri(D^s) + λ2 L_aux(D^s, D^aux)``, the first level's loss, with L_pri and L_aux.

        Args:
            network: f_θ, or a copy that the inner loop adapts.
            support: Micro-expressions.
            auxiliary: Macro-expressions; may be None where λ2 is 0.
            label_smoothing: Of L_pri; the figure has none.
            macro_labels: Whether L_pri is over the macro-expressions, too; in the figure it is not.

        Raises:
            ConfigurationError: No macro-expressions where they are needed, clips without the annotation that the pairs
                need, or an encoder without the representation that is aligned.
        """
        if self.loss.auxiliary_weight == 0 and not macro_labels:
            auxiliary = None
        elif auxiliary is None:
            raise ConfigurationError(
                "LightmanNet aligns micro- with macro-expressions, but the task has none. Set the data module's "
                "auxiliary to CorpusMacro, MagnifiedMicro or SyntheticMacro, or auxiliary_weight: 0."
            )
        # One pass for both sets: no layer mixes clips, and small batches cost mostly their number of operations.
        clips = support if auxiliary is None else concatenate(support, auxiliary)
        features = network.encode(clips.inputs)
        labelled = len(clips) if macro_labels else len(support)
        logits, labels = network.mer_head(features[:labelled]), clips.labels[:labelled]
        primary = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        if auxiliary is None or self.loss.auxiliary_weight == 0:
            return InnerLosses(self.loss.primary_weight * primary, primary, None)
        micro, macro = self.loss.aligned(network, clips.inputs, features).split([len(support), len(auxiliary)], dim=-2)
        alignment = self.loss.kernel(micro, macro, self.pair_weighting(support, auxiliary))
        total = self.loss.primary_weight * primary + self.auxiliary_weight * alignment
        return InnerLosses(total, primary, alignment)

    def inner_loss(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> Float[Tensor, ""]:
        """Return the first level's loss alone."""
        return self.inner_losses(network, support, auxiliary).total

    def check_task(self, support: Clips, auxiliary: Clips | None) -> None:
        """Refuse a task without a pair that the alignment needs."""
        if auxiliary is not None and self.loss.auxiliary_weight > 0:
            self.loss.pairs.check(support, auxiliary)

    def warm_loss(self, episode: Episode) -> Float[Tensor, ""]:
        """Return what the warm start minimises: with both branches the inner loss, at θ itself and over all clips."""
        if not (options := self.warm_start).both_branches:
            return super().warm_loss(episode)
        clips = micro_clips(episode), episode.auxiliary
        return self.inner_losses(self.network, *clips, options.label_smoothing, options.macro_labels).total

    def learned_values(self) -> dict[str, Tensor]:
        """Return α and λ2, if they are learned."""
        weight = self.auxiliary_weight
        return super().learned_values() | ({"auxiliary_weight": weight} if isinstance(weight, Tensor) else {})

    def step_size(self, parameter: str) -> float | None:
        """Return the step size of the learned weights of the alignment."""
        return self.loss.weights_learning_rate if parameter.startswith(("raw_auxiliary", "pair_weighting.")) else None
