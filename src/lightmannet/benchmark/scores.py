"""The three scores of a set of answers, as every table here gives them."""

from dataclasses import dataclass

import torch
from torchmetrics.functional.classification import multiclass_confusion_matrix

from lightmannet.metrics.uf1_uar import unweighted_average_recall, unweighted_f1


@dataclass(frozen=True)
class Scores:
    """UF1, UAR and accuracy in [0, 1], from counts pooled over all folds."""

    uf1: float
    uar: float
    accuracy: float


def pooled_scores(labels: list[int], predictions: list[int], n_classes: int) -> Scores:
    """Return the scores of pooled predictions."""
    counts = multiclass_confusion_matrix(torch.tensor(predictions), torch.tensor(labels), n_classes)
    accuracy = counts.diagonal().sum().item() / len(labels)
    return Scores(unweighted_f1(counts).item(), unweighted_average_recall(counts).item(), accuracy)
