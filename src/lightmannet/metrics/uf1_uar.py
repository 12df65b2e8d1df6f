"""UF1 and UAR, the two scores of the MEGC2019 challenge.

Conventions:

- Classes are numbered as in ``data_modules.corpus.CLASSES``: 0 negative, 1 positive, 2 surprise.
- Pooling: counts are summed over all clips seen (all folds, all processes) before any average over classes. The mean of
  per-fold scores is a different, lower number and is not used.
- Absent classes: a term 0/0 (F1 of a class neither present nor predicted, recall of a class not present) is left out of
  the average. With pooled leave-one-subject-out counts every class is present and nothing is left out.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix


def unweighted_f1(counts: Int64[Tensor, "*many truth prediction"]) -> Float[Tensor, "*many"]:
    """Return UF1, the mean over classes of ``2 TP / (2 TP + FP + FN)``, in [0, 1]; NaN if there is no clip.

    Args:
        counts: Confusion matrices; rows are true classes, columns predicted classes.

    Reference: See et al. 2019, "MEGC 2019 – The Second Facial Micro-Expressions Grand Challenge".
    """
    exact = counts.double()
    hits = exact.diagonal(dim1=-2, dim2=-1)
    return torch.nanmean(2 * hits / (exact.sum(-2) + exact.sum(-1)), -1)


def unweighted_average_recall(counts: Int64[Tensor, "*many truth prediction"]) -> Float[Tensor, "*many"]:
    """Return UAR, the mean over classes of ``TP / n``, in [0, 1]; NaN if there is no clip.

    Args:
        counts: Confusion matrices; rows are true classes, columns predicted classes.

    Reference: See et al. 2019, "MEGC 2019 – The Second Facial Micro-Expressions Grand Challenge".
    """
    exact = counts.double()
    return torch.nanmean(exact.diagonal(dim1=-2, dim2=-1) / exact.sum(-1), -1)


class UnweightedF1(MulticlassConfusionMatrix):
    """UF1 over everything seen since the last reset, summed over processes first.

    Example:
        >>> metric = UnweightedF1(num_classes=2)
        >>> metric.update(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]))
        >>> round(metric.compute().item(), 4)
        0.6667
    """

    def compute(self) -> Tensor:
        """Return the score, a scalar in [0, 1]."""
        return unweighted_f1(super().compute()).float()


class UnweightedAverageRecall(MulticlassConfusionMatrix):
    """UAR over everything seen since the last reset, summed over processes first.

    Example:
        >>> metric = UnweightedAverageRecall(num_classes=2)
        >>> metric.update(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]))
        >>> metric.compute().item()
        0.75
    """

    def compute(self) -> Tensor:
        """Return the score, a scalar in [0, 1]."""
        return unweighted_average_recall(super().compute()).float()
