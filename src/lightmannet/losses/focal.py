"""Focal loss: cross-entropy that down-weights well-recognised clips."""

import torch
from jaxtyping import Float
from torch import Tensor


def focal_loss(
    logits: Float[Tensor, "clip class"], targets: Float[Tensor, "clip class"], gamma: float = 2.0
) -> Float[Tensor, ""]:
    """Return the mean over clips of ``-Σ_c t_c (1 - p_c)^γ log p_c``, p the softmax of the logits.

    Args:
        logits: Class scores.
        targets: t, the class of each clip as a probability distribution; one-hot in the reference, soft in MAXL.
        gamma: γ >= 0; 0 is cross-entropy.

    Reference: Lin, Goyal, Girshick, He, Dollár 2017, "Focal Loss for Dense Object Detection", arXiv 1708.02002, eq. 4.
    """
    logarithms = torch.log_softmax(logits, dim=1)
    return -(targets * (1 - logarithms.exp()) ** gamma * logarithms).sum(1).mean()
