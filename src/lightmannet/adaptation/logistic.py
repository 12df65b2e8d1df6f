"""Logistic regression, fitted to convergence."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F


def logistic_regression(
    features: Float[Tensor, "clip feature"],
    labels: Int64[Tensor, " clip"],
    n_classes: int,
    strength: float,
    clip_weights: Float[Tensor, " clip"] | None = None,
    iterations: int = 200,
) -> tuple[Float[Tensor, "class feature"], Float[Tensor, " class"]]:
    """Return weights W and biases b that minimise ``Σ_j w_j · -log softmax(W x_j + b)[y_j] + λ/2 |W|²``, float64.

    The problem is convex and L-BFGS starts at zero, so nothing is random. A class without a clip takes no part in the
    softmax, and its weights and bias stay zero.

    Args:
        features: x.
        labels: y, each < ``n_classes``.
        n_classes: Number of classes.
        strength: λ > 0.
        clip_weights: w; None is 1 for all.
        iterations: Most iterations of L-BFGS.
    """
    # In inference mode, in which Lightning tests, nothing can be differentiated; a copy made outside of it can.
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(features.device.type, enabled=False):
        x, y = features.detach().to(torch.float64, copy=True), labels.clone()
        weights = torch.ones_like(x[:, 0]) if clip_weights is None else clip_weights.to(x, copy=True)
        absent = F.one_hot(y, n_classes).sum(0) == 0
        weight = x.new_zeros(n_classes, x.shape[1]).requires_grad_()
        bias = x.new_zeros(n_classes).requires_grad_()
        solver = torch.optim.LBFGS(
            [weight, bias],
            max_iter=iterations,
            tolerance_grad=1e-8,
            tolerance_change=1e-12,
            line_search_fn="strong_wolfe",
        )

        def loss() -> float:
            solver.zero_grad()
            logits = F.linear(x, weight, bias.masked_fill(absent, -torch.inf))
            value = weights @ F.cross_entropy(logits, y, reduction="none") + strength / 2 * weight.square().sum()
            value.backward()
            return value.item()

        solver.step(loss)
        return weight.detach(), bias.detach()
