"""The three scores of every table: UF1, UAR and accuracy."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from lightmannet.metrics.uf1_uar import unweighted_average_recall, unweighted_f1

ScoreName = Literal["uf1", "uar", "accuracy"]
FULL = "Full"
"""The column of all databases together."""

SCORES: tuple[ScoreName, ...] = get_args(ScoreName)


@dataclass(frozen=True)
class Scores:
    """UF1, UAR and accuracy in [0, 1], from counts pooled over all folds."""

    uf1: float
    uar: float
    accuracy: float


def pooled_scores(labels: list[int], predictions: list[int], n_classes: int) -> Scores:
    """Return the scores of pooled predictions."""
    counts = multiclass_confusion_matrix(torch.tensor(predictions), torch.tensor(labels), n_classes)
    return Scores(*(score(counts, name).item() for name in SCORES))


def score(counts: Int64[Tensor, "*many truth prediction"], name: ScoreName) -> Float[Tensor, "*many"]:
    """Return one score of confusion matrices, in [0, 1]; NaN for one without clips."""
    if name == "uf1":
        return unweighted_f1(counts)
    if name == "uar":
        return unweighted_average_recall(counts)
    return counts.diagonal(dim1=-2, dim2=-1).sum(-1).double() / counts.sum((-2, -1))


def person_of(clip: str) -> str:
    """Return the person, ``database/subject``, of a clip's id, ``database/subject/clip``."""
    return clip.rsplit("/", 1)[0]


def counts_by_group(
    labels: list[int], predictions: list[int], groups: list[int], n_groups: int, n_classes: int
) -> Int64[Tensor, "group truth prediction"]:
    """Return one confusion matrix per group (a person or a task), all zeros for a group without answers.

    Args:
        labels: True class of each answer.
        predictions: Predicted class of each answer.
        groups: Group of each answer, 0 <= group < n_groups.
        n_groups: Number of groups.
        n_classes: Number of classes.
    """
    cell = (torch.tensor(groups) * n_classes + torch.tensor(labels)) * n_classes + torch.tensor(predictions)
    return torch.bincount(cell, minlength=n_groups * n_classes**2).reshape(n_groups, n_classes, n_classes)
