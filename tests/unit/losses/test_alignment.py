import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from lightmannet.errors import ConfigurationError
from lightmannet.losses.alignment import Kernel, Pairs, alignment_loss

GENERATOR = torch.Generator().manual_seed(0)
MICRO, MACRO = (torch.randn(n, 5, generator=GENERATOR, dtype=torch.float64) for n in (6, 9))
MICRO_LABELS, MACRO_LABELS = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 1, 1, 1, 0, 0, 1, 1, 0])


def loss(kernel: Kernel, pairs: Pairs, bandwidth: float | None = 1.3, micro: Tensor = MICRO) -> Tensor:
    return alignment_loss(micro, MACRO, MICRO_LABELS, MACRO_LABELS, kernel, pairs, bandwidth)


def by_hand(kernel: Kernel, pairs: Pairs, bandwidth: float) -> float:
    """The double sum, pair by pair."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        if kernel == "cosine":
            return float(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        if kernel == "squared_euclidean":
            return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
        return -math.exp(-float(((a - b) ** 2).sum()) / (2 * bandwidth**2))

    def mean(xs: np.ndarray, ys: np.ndarray) -> float:
        return float(np.mean([k(x, y) for x in xs for y in ys]))

    micro, macro = MICRO.numpy(), MACRO.numpy()
    groups = [(micro, macro)]
    if pairs == "same_class":
        groups = [(micro[c == MICRO_LABELS], macro[c == MACRO_LABELS]) for c in (0, 1)]
    if kernel == "mmd2":
        return float(np.mean([2 * mean(a, b) - mean(a, a) - mean(b, b) for a, b in groups]))
    sizes = [len(a) * len(b) for a, b in groups]
    return sum(mean(a, b) * n for (a, b), n in zip(groups, sizes, strict=True)) / sum(sizes)


@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("pairs", get_args(Pairs))
def test_the_loss_is_the_mean_over_its_pairs(kernel: Kernel, pairs: Pairs) -> None:
    assert loss(kernel, pairs).item() == pytest.approx(by_hand(kernel, pairs, 1.3), abs=1e-12)


@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("pairs", get_args(Pairs))
def test_gradients_of_both_orders_are_those_of_the_loss(kernel: Kernel, pairs: Pairs) -> None:
    micro = MICRO.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda m: loss(kernel, pairs, micro=m), micro)
    assert torch.autograd.gradgradcheck(lambda m: loss(kernel, pairs, micro=m), micro)


@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_a_step_down_the_loss_brings_the_sets_together(kernel: Kernel) -> None:
    micro = (MICRO + 2).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(kernel, "all", 3.0, micro), micro)
    before = 1 - torch.cosine_similarity(micro.mean(0), MACRO.mean(0), dim=0), (micro.mean(0) - MACRO.mean(0)).norm()
    moved = (micro - 5 * gradient).detach()
    after = 1 - torch.cosine_similarity(moved.mean(0), MACRO.mean(0), dim=0), (moved.mean(0) - MACRO.mean(0)).norm()
    which = 0 if kernel == "cosine" else 1
    assert after[which] < before[which]


def test_equal_sets_have_no_mmd() -> None:
    assert alignment_loss(MICRO, MICRO, MICRO_LABELS, MICRO_LABELS, "mmd2").item() == pytest.approx(0, abs=1e-15)


def test_without_a_bandwidth_the_median_distance_is_taken() -> None:
    squared = torch.cdist(MICRO, MACRO).square().flatten()
    width = squared.sort().values[(len(squared) - 1) // 2].sqrt().item()
    assert loss("rbf", "all", None).item() == pytest.approx(loss("rbf", "all", width).item(), abs=1e-12)


def test_no_common_class_is_an_error_that_names_the_classes() -> None:
    with pytest.raises(ConfigurationError, match=r"support has classes \[0\] and the auxiliary set \[1, 2\]"):
        alignment_loss(MICRO[:2], MACRO[:2], torch.tensor([0, 0]), torch.tensor([1, 2]), "cosine", "same_class")
