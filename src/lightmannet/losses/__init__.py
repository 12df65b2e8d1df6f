"""Losses: tensors in, scalar out."""

from lightmannet.losses.kernels import MMD2, RBF, Cosine, InfoNCE, SoftDTW, SquaredEuclidean
from lightmannet.losses.pairs import ActionUnitOverlap, AllPairs, LearnedPairs, SameClass, SameObjectiveClass

__all__ = [
    "MMD2",
    "RBF",
    "ActionUnitOverlap",
    "AllPairs",
    "Cosine",
    "InfoNCE",
    "LearnedPairs",
    "SameClass",
    "SameObjectiveClass",
    "SoftDTW",
    "SquaredEuclidean",
]
