import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from lightmannet.losses.alignment import Kernel, alignment_loss, warped_alignment_loss
from lightmannet.losses.soft_dtw import soft_dtw

GENERATOR = torch.Generator().manual_seed(0)
MICRO, MACRO = (torch.randn(n, 5, generator=GENERATOR, dtype=torch.float64) for n in (6, 9))
MICRO_LABELS, MACRO_LABELS = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 1, 1, 1, 0, 0, 1, 1, 0])
ALL, SAME = torch.ones(6, 9, dtype=torch.bool), MICRO_LABELS[:, None] == MACRO_LABELS
SOFT = torch.rand(6, 9, generator=GENERATOR, dtype=torch.float64) * SAME
WEIGHTS = {"all": ALL, "same_class": SAME, "soft": SOFT}
NAMES = [(kernel, name) for kernel in get_args(Kernel) for name in WEIGHTS if (kernel, name) != ("mmd2", "soft")]


def loss(kernel: Kernel, weights: Tensor = ALL, bandwidth: float | None = 1.3, micro: Tensor = MICRO) -> Tensor:
    return alignment_loss(micro, MACRO, weights, kernel, bandwidth, temperature=0.4)


def by_hand(kernel: Kernel, weights: np.ndarray, bandwidth: float) -> float:
    """The double sum, pair by pair."""
    micro, macro = MICRO.numpy(), MACRO.numpy()

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    def k(a: np.ndarray, b: np.ndarray) -> float:
        if kernel == "cosine":
            return 1 - cosine(a, b)
        if kernel == "infonce":
            return -math.log(math.exp(cosine(a, b) / 0.4) / sum(math.exp(cosine(a, c) / 0.4) for c in macro))
        if kernel == "squared_euclidean":
            return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
        return -math.exp(-float(((a - b) ** 2).sum()) / (2 * bandwidth**2))

    def mean(xs: np.ndarray, ys: np.ndarray) -> float:
        return float(np.mean([k(x, y) for x in xs for y in ys]))

    if kernel == "mmd2":
        groups = [(micro, macro)]
        if not weights.all():
            groups = [(micro[c == MICRO_LABELS], macro[c == MACRO_LABELS]) for c in (0, 1)]
        return float(np.mean([2 * mean(a, b) - mean(a, a) - mean(b, b) for a, b in groups]))
    pairs = [(i, j) for i in range(6) for j in range(9)]
    return float(sum(weights[i, j] * k(micro[i], macro[j]) for i, j in pairs) / weights.sum())


@pytest.mark.parametrize(("kernel", "name"), NAMES)
def test_the_loss_is_the_weighted_mean_over_its_pairs(kernel: Kernel, name: str) -> None:
    found = loss(kernel, WEIGHTS[name]).item()
    assert found == pytest.approx(by_hand(kernel, WEIGHTS[name].double().numpy(), 1.3), abs=1e-12)


@pytest.mark.parametrize(("kernel", "name"), NAMES)
def test_gradients_of_both_orders_are_those_of_the_loss(kernel: Kernel, name: str) -> None:
    micro = MICRO.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda m: loss(kernel, WEIGHTS[name], micro=m), micro)
    assert torch.autograd.gradgradcheck(lambda m: loss(kernel, WEIGHTS[name], micro=m), micro)


@pytest.mark.parametrize("kernel", [kernel for kernel in get_args(Kernel) if kernel != "infonce"])
def test_a_step_down_the_loss_brings_the_sets_together(kernel: Kernel) -> None:
    micro = (MICRO + 2).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(kernel, ALL, 3.0, micro), micro)
    before = 1 - torch.cosine_similarity(micro.mean(0), MACRO.mean(0), dim=0), (micro.mean(0) - MACRO.mean(0)).norm()
    moved = (micro - 5 * gradient).detach()
    after = 1 - torch.cosine_similarity(moved.mean(0), MACRO.mean(0), dim=0), (moved.mean(0) - MACRO.mean(0)).norm()
    which = 0 if kernel == "cosine" else 1
    assert after[which] < before[which]


def test_a_step_down_infonce_brings_partners_together_and_others_apart() -> None:
    micro = MICRO[:4].clone().requires_grad_()
    chosen = SAME[:4]

    def gap(clips: Tensor) -> Tensor:
        cosines = torch.cosine_similarity(clips[:, None], MACRO[None], dim=2)
        return cosines[chosen].mean() - cosines[~chosen].mean()

    (gradient,) = torch.autograd.grad(alignment_loss(micro, MACRO, chosen, "infonce"), micro)
    assert gap(micro - 0.1 * gradient) > gap(micro) + 0.01


def test_equal_sets_have_no_mmd() -> None:
    every = torch.ones(6, 6, dtype=torch.bool)
    assert alignment_loss(MICRO, MICRO, every, "mmd2").item() == pytest.approx(0, abs=1e-15)


def test_without_a_bandwidth_the_median_distance_is_taken() -> None:
    squared = torch.cdist(MICRO, MACRO).square().flatten()
    width = squared.sort().values[(len(squared) - 1) // 2].sqrt().item()
    assert loss("rbf", ALL, None).item() == pytest.approx(loss("rbf", ALL, width).item(), abs=1e-12)


@pytest.mark.parametrize(("kernel", "name"), NAMES)
@pytest.mark.parametrize("bandwidth", [None, 1.3])
def test_parts_are_compared_with_their_like_and_averaged(kernel: Kernel, name: str, bandwidth: float | None) -> None:
    micro, macro = (torch.stack([clips, clips.flip(1), clips.sin() + 0.1]) for clips in (MICRO, MACRO))
    each = [alignment_loss(a, b, WEIGHTS[name], kernel, bandwidth) for a, b in zip(micro, macro, strict=True)]
    found = alignment_loss(micro, macro, WEIGHTS[name], kernel, bandwidth)
    torch.testing.assert_close(found, torch.stack(each).mean(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("weights", [~ALL, 0.0 * SOFT])
def test_without_a_pair_there_is_nothing_to_align(kernel: Kernel, weights: Tensor) -> None:
    micro = MICRO.clone().requires_grad_()
    value = loss(kernel, weights, None, micro)
    (gradient,) = torch.autograd.grad(value, micro)
    assert value.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("kernel", ["cosine", "squared_euclidean"])
def test_warped_phases_are_the_weighted_mean_of_soft_dtw_over_the_pairs(kernel: Kernel, name: str) -> None:
    micro = torch.randn(6, 3, 5, generator=GENERATOR, dtype=torch.float64)
    macro = torch.randn(9, 4, 5, generator=GENERATOR, dtype=torch.float64)
    weights, total = WEIGHTS[name].double(), 0.0
    for i in range(6):
        for j in range(9):
            a, b = micro[i, :, None], macro[j, None]
            costs = (a - b).square().sum(2) if kernel == "squared_euclidean" else 1 - torch.cosine_similarity(a, b, 2)
            total += (weights[i, j] * soft_dtw(costs, 0.5)).item()
    found = warped_alignment_loss(micro, macro, WEIGHTS[name], kernel, 0.5)  # type: ignore[arg-type]
    assert found.item() == pytest.approx(total / weights.sum().item(), abs=1e-12)


def test_without_a_pair_there_is_nothing_to_warp() -> None:
    micro, macro = MICRO.reshape(6, 1, 5), MACRO.reshape(9, 1, 5)
    assert warped_alignment_loss(micro, macro, ~ALL).item() == 0
