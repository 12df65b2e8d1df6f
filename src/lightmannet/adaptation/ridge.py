"""Ridge regression in closed form, differentiable."""

import torch
from jaxtyping import Float
from torch import Tensor


def ridge_regression(
    features: Float[Tensor, "clip feature"], targets: Float[Tensor, "clip class"], strength: float | Tensor
) -> Float[Tensor, "feature class"]:
    """Return the weights W that minimise ``|X W - Y|² + λ |W|²``.

    ``W = (XᵀX + λI)⁻¹ XᵀY``, or the same as ``Xᵀ(XXᵀ + λI)⁻¹ Y``, whichever system is smaller.

    Args:
        features: X, at least float32.
        targets: Y, of the same dtype.
        strength: λ > 0; a tensor may be learned.

    Reference: Bertinetto, Henriques, Torr, Vedaldi 2019, "Meta-learning with differentiable closed-form solvers",
    arXiv 1805.08136, eq. 5 and 6 (Woodbury's identity).
    """
    clips, length = features.shape
    identity = torch.eye(min(clips, length), dtype=features.dtype, device=features.device)
    if clips <= length:
        return features.T @ torch.linalg.solve(features @ features.T + strength * identity, targets)
    return torch.linalg.solve(features.T @ features + strength * identity, features.T @ targets)
