"""Auxiliary learning: macro-expressions are recognised beside micro-expressions, and how much they count is learned."""

from abc import abstractmethod
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode
from lightmannet.learners.base import Learner, macro_clips, micro_clips
from lightmannet.networks import TwoBranchNetwork


class WeightedAuxiliary(Learner):
    """Two cross-entropies on one encoder: of micro-expressions, and of macro-expressions at a head of their own.

    The auxiliary task is recognition and not LightmanNet's alignment: uncertainty weighting is derived for likelihoods,
    which a distance is not, and the two weightings are comparable on the same task. A task's support and query are the
    micro-expressions, its auxiliary clips the macro-expressions.

    Args:
        network: Encoder and MER head.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0; what is beside the network does not decay.
    """

    def __init__(self, network: TwoBranchNetwork, learning_rate: float = 1e-3, weight_decay: float = 1e-2) -> None:
        super().__init__(network, learning_rate, weight_decay)
        self.macro_head = nn.Linear(network.encoder.features, network.mer_head.out_features)

    @abstractmethod
    def weighted_loss(
        self, micro: Float[Tensor, "micro feature"], macro: Float[Tensor, "macro feature"], clips: Clips, others: Clips
    ) -> Float[Tensor, ""]:
        """Return what is minimised, from the features of the micro- (``clips``) and macro-expressions (``others``)."""

    def training_step(self, batch: Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Return the weighted loss of a task's clips.

        Raises:
            ConfigurationError: The batch has no macro-expressions.
        """
        micro, macro = micro_clips(batch), macro_clips(batch, type(self).__name__)
        features = self.network.encode(torch.cat([micro.inputs, macro.inputs]))
        loss = self.weighted_loss(features[: len(micro)], features[len(micro) :], micro, macro)
        self.log_loss(loss, len(micro))
        return loss

    def branch_losses(self, batch: Clips | Episode) -> tuple[Float[Tensor, ""], Float[Tensor, ""]] | None:
        """Return the cross-entropies of the micro- and of the macro-expressions, unweighted."""
        macro = batch.auxiliary if isinstance(batch, Episode) else None
        if macro is None:
            return None
        micro = micro_clips(batch)
        features = self.network.encode(torch.cat([micro.inputs, macro.inputs]))
        return self.primary_loss(features[: len(micro)], micro), self.auxiliary_loss(features[len(micro) :], macro)

    def primary_loss(self, features: Float[Tensor, "micro feature"], clips: Clips) -> Float[Tensor, ""]:
        """Return the cross-entropy of the micro-expressions."""
        return F.cross_entropy(self.network.mer_head(features), clips.labels)

    def auxiliary_loss(self, features: Float[Tensor, "macro feature"], clips: Clips) -> Float[Tensor, ""]:
        """Return the cross-entropy of the macro-expressions."""
        return F.cross_entropy(self.macro_head(features), clips.labels)


class UncertaintyWeighting(WeightedAuxiliary):
    """Each loss counts as much as it is certain: ``Σ_t exp(-s_t) L_t + s_t / 2`` with learned ``s_t = log σ_t²``.

    ``σ_t`` is the noise that a task's labels seem to have: the larger, the less its loss counts. Both weights are 1 at
    the start, and s is learned with the step size of the network.

    Args:
        network: Encoder and MER head.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0; s and the macro head do not decay.

    Reference: Kendall, Gal, Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
    Semantics", arXiv 1705.07115, section 3.2 (eq. 10), here with two classifications.
    """

    def __init__(self, network: TwoBranchNetwork, learning_rate: float = 1e-3, weight_decay: float = 1e-2) -> None:
        super().__init__(network, learning_rate, weight_decay)
        self.log_variances = nn.Parameter(torch.zeros(2))

    def weighted_loss(
        self, micro: Float[Tensor, "micro feature"], macro: Float[Tensor, "macro feature"], clips: Clips, others: Clips
    ) -> Float[Tensor, ""]:
        """Return ``Σ_t exp(-s_t) L_t + s_t / 2``, and log the weight of the macro-expressions over the other."""
        losses = torch.stack([self.primary_loss(micro, clips), self.auxiliary_loss(macro, others)])
        ratio = (self.log_variances[0] - self.log_variances[1]).exp()
        self.log("train/auxiliary_weight", ratio, batch_size=1)
        return ((-self.log_variances).exp() * losses + self.log_variances / 2).sum()


class GradientSimilarity(WeightedAuxiliary):
    """The auxiliary gradient counts where it agrees with the primary one: ``∇L_pri + w ∇L_aux`` on the encoder.

    ``w = max(0, cos(∇L_pri, ∇L_aux))``, over all of the encoder's parameters; each head learns from its own loss,
    unweighted. The gradients are those of one batch: with gradient accumulation or several devices each batch has a
    weight of its own.

    Args:
        network: Encoder and MER head.
        weighting: ``cosine``, or its ``sign``: 1 where the cosine is not negative, else 0.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0; the macro head does not decay.

    Reference: Du, Czarnecki, Jayakumar, Farajtabar, Pascanu, Lakshminarayanan 2018, "Adapting Auxiliary Losses Using
    Gradient Similarity", arXiv 1812.02224, the weighted (cosine) and the unweighted version (sign).
    """

    takes_gradients = True

    def __init__(
        self,
        network: TwoBranchNetwork,
        weighting: Literal["cosine", "sign"] = "cosine",
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay)
        self.weighting = weighting

    def weighted_loss(
        self, micro: Float[Tensor, "micro feature"], macro: Float[Tensor, "macro feature"], clips: Clips, others: Clips
    ) -> Float[Tensor, ""]:
        """Return ``L_pri + L_aux`` with the encoder's gradient of L_aux weighted, and log the weight."""
        primary, auxiliary = self.primary_loss(micro, clips), self.auxiliary_loss(macro, others)
        shared = [parameter for parameter in self.network.encoder.parameters() if parameter.requires_grad]
        first, second = (
            torch.cat(
                [g.flatten() for g in torch.autograd.grad(loss, shared, retain_graph=True, materialize_grads=True)]
            )
            for loss in (primary, auxiliary)
        )
        cosine = F.cosine_similarity(first, second, dim=0)
        weight = cosine.clamp_min(0) if self.weighting == "cosine" else (cosine >= 0).to(cosine.dtype)
        self.log("train/auxiliary_weight", weight, on_epoch=True, on_step=False, batch_size=1)
        # The same value as L_aux, but only this share of its gradient goes on into the encoder.
        return primary + self.auxiliary_loss(weight * macro + (1 - weight) * macro.detach(), others)
