"""Ordinary supervised learning, the yardstick: one network, cross-entropy, no adaptation."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Clips
from lightmannet.learners.base import Learner
from lightmannet.networks.two_branch import TwoBranchNetwork


class Supervised(Learner):
    """Cross-entropy over plain batches of clips.

    With ``encoder: three_stream, normalization: batch`` this is STSTNet, trained here.

    Args:
        network: The network that learns.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.
        label_smoothing: Share of the target spread evenly over the classes, in [0, 1).

    Reference: Liong et al. 2019, "Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression
    Recognition", arXiv 1902.03634, for STSTNet's layers.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay)
        self.label_smoothing = label_smoothing

    def training_step(self, batch: Clips, batch_idx: int) -> Float[Tensor, ""]:
        """Return the cross-entropy of the batch."""
        loss = F.cross_entropy(self.network(batch.inputs), batch.labels, label_smoothing=self.label_smoothing)
        self.log("train/loss", loss, on_epoch=True, on_step=False, prog_bar=True, batch_size=len(batch), sync_dist=True)
        return loss
