import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from lightmannet.errors import ConfigurationError
from lightmannet.losses import (
    MMD2,
    RBF,
    ActionUnitOverlap,
    AllPairs,
    Cosine,
    InfoNCE,
    LearnedPairs,
    SameClass,
    SoftDTW,
    SquaredEuclidean,
)
from lightmannet.losses.kernels import Kernel
from lightmannet.losses.pairs import Pairs
from lightmannet.losses.soft_dtw import soft_dtw

GENERATOR = torch.Generator().manual_seed(0)
MICRO, MACRO = (torch.randn(n, 5, generator=GENERATOR, dtype=torch.float64) for n in (6, 9))
MICRO_LABELS, MACRO_LABELS = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 1, 1, 1, 0, 0, 1, 1, 0])
ALL, SAME = torch.ones(6, 9, dtype=torch.bool), MICRO_LABELS[:, None] == MACRO_LABELS
SOFT = torch.rand(6, 9, generator=GENERATOR, dtype=torch.float64) * SAME
WEIGHTS = {"all": ALL, "same_class": SAME, "soft": SOFT}
KERNELS: list[Kernel] = [Cosine(), SquaredEuclidean(), RBF(1.3), MMD2(1.3), InfoNCE(0.4)]
MEDIAN: list[Kernel] = [RBF(), MMD2()]


def cases(kernels: list[Kernel]) -> list[tuple[Kernel, str]]:
    return [(k, name) for k in kernels for name in WEIGHTS if not (isinstance(k, MMD2) and name == "soft")]


def by_hand(kernel: Kernel, weights: np.ndarray) -> float:
    """The double sum, pair by pair."""
    micro, macro = MICRO.numpy(), MACRO.numpy()

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    def k(a: np.ndarray, b: np.ndarray) -> float:
        if isinstance(kernel, Cosine):
            return 1 - cosine(a, b)
        if isinstance(kernel, InfoNCE):
            return -math.log(math.exp(cosine(a, b) / 0.4) / sum(math.exp(cosine(a, c) / 0.4) for c in macro))
        if isinstance(kernel, SquaredEuclidean):
            return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
        return -math.exp(-float(((a - b) ** 2).sum()) / (2 * 1.3**2))

    def mean(xs: np.ndarray, ys: np.ndarray) -> float:
        return float(np.mean([k(x, y) for x in xs for y in ys]))

    if isinstance(kernel, MMD2):
        groups = [(micro, macro)]
        if not weights.all():
            groups = [(micro[c == MICRO_LABELS], macro[c == MACRO_LABELS]) for c in (0, 1)]
        return float(np.mean([2 * mean(a, b) - mean(a, a) - mean(b, b) for a, b in groups]))
    pairs = [(i, j) for i in range(6) for j in range(9)]
    return float(sum(weights[i, j] * k(micro[i], macro[j]) for i, j in pairs) / weights.sum())


@pytest.mark.parametrize(("kernel", "name"), cases(KERNELS))
def test_the_loss_is_the_weighted_mean_over_its_pairs(kernel: Kernel, name: str) -> None:
    found = kernel(MICRO, MACRO, WEIGHTS[name]).item()
    assert found == pytest.approx(by_hand(kernel, WEIGHTS[name].double().numpy()), abs=1e-12)


@pytest.mark.parametrize(("kernel", "name"), cases(KERNELS))
def test_gradients_of_both_orders_are_those_of_the_loss(kernel: Kernel, name: str) -> None:
    micro = MICRO.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda m: kernel(m, MACRO, WEIGHTS[name]), micro)
    assert torch.autograd.gradgradcheck(lambda m: kernel(m, MACRO, WEIGHTS[name]), micro)


@pytest.mark.parametrize("kernel", [Cosine(), SquaredEuclidean(), RBF(3.0), MMD2(3.0)])
def test_a_step_down_the_loss_brings_the_sets_together(kernel: Kernel) -> None:
    micro = (MICRO + 2).requires_grad_()
    (gradient,) = torch.autograd.grad(kernel(micro, MACRO, ALL), micro)
    before = 1 - torch.cosine_similarity(micro.mean(0), MACRO.mean(0), dim=0), (micro.mean(0) - MACRO.mean(0)).norm()
    moved = (micro - 5 * gradient).detach()
    after = 1 - torch.cosine_similarity(moved.mean(0), MACRO.mean(0), dim=0), (moved.mean(0) - MACRO.mean(0)).norm()
    which = 0 if isinstance(kernel, Cosine) else 1
    assert after[which] < before[which]


def test_a_step_down_infonce_brings_partners_together_and_others_apart() -> None:
    micro = MICRO[:4].clone().requires_grad_()
    chosen = SAME[:4]

    def gap(clips: Tensor) -> Tensor:
        cosines = torch.cosine_similarity(clips[:, None], MACRO[None], dim=2)
        return cosines[chosen].mean() - cosines[~chosen].mean()

    (gradient,) = torch.autograd.grad(InfoNCE()(micro, MACRO, chosen), micro)
    assert gap(micro - 0.1 * gradient) > gap(micro) + 0.01


def test_equal_sets_have_no_mmd() -> None:
    every = torch.ones(6, 6, dtype=torch.bool)
    assert MMD2()(MICRO, MICRO, every).item() == pytest.approx(0, abs=1e-15)


def test_without_a_bandwidth_the_median_distance_is_taken() -> None:
    squared = torch.cdist(MICRO, MACRO).square().flatten()
    width = squared.sort().values[(len(squared) - 1) // 2].sqrt().item()
    assert RBF()(MICRO, MACRO, ALL).item() == pytest.approx(RBF(width)(MICRO, MACRO, ALL).item(), abs=1e-12)


@pytest.mark.parametrize(("kernel", "name"), cases([*KERNELS, *MEDIAN]))
def test_parts_are_compared_with_their_like_and_averaged(kernel: Kernel, name: str) -> None:
    micro, macro = (torch.stack([clips, clips.flip(1), clips.sin() + 0.1]) for clips in (MICRO, MACRO))
    each = [kernel(a, b, WEIGHTS[name]) for a, b in zip(micro, macro, strict=True)]
    found = kernel(micro, macro, WEIGHTS[name])
    torch.testing.assert_close(found, torch.stack(each).mean(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", [*KERNELS, *MEDIAN])
@pytest.mark.parametrize("weights", [~ALL, 0.0 * SOFT])
def test_without_a_pair_there_is_nothing_to_align(kernel: Kernel, weights: Tensor) -> None:
    micro = MICRO.clone().requires_grad_()
    value = kernel(micro, MACRO, weights)
    (gradient,) = torch.autograd.grad(value, micro)
    assert value.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("cost", ["cosine", "squared_euclidean"])
def test_warped_phases_are_the_weighted_mean_of_soft_dtw_over_the_pairs(
    cost: Literal["cosine", "squared_euclidean"], name: str
) -> None:
    micro = torch.randn(3, 6, 5, generator=GENERATOR, dtype=torch.float64)
    macro = torch.randn(4, 9, 5, generator=GENERATOR, dtype=torch.float64)
    weights, total = WEIGHTS[name].double(), 0.0
    for i in range(6):
        for j in range(9):
            a, b = micro[:, i][:, None], macro[:, j][None]
            costs = (a - b).square().sum(2) if cost == "squared_euclidean" else 1 - torch.cosine_similarity(a, b, 2)
            total += (weights[i, j] * soft_dtw(costs, 0.5)).item()
    found = SoftDTW(0.5, cost)(micro, macro, WEIGHTS[name])
    assert found.item() == pytest.approx(total / weights.sum().item(), abs=1e-12)


def test_without_a_pair_there_is_nothing_to_warp() -> None:
    assert SoftDTW()(MICRO[None], MACRO[None], ~ALL).item() == 0


@pytest.mark.parametrize("kernel", [Cosine(), SquaredEuclidean(), RBF(), InfoNCE()])
def test_tasks_can_be_batched_with_vmap(kernel: Kernel) -> None:
    micro, macro = (torch.stack([clips, clips.flip(0)]) for clips in (MICRO, MACRO))
    weights = torch.stack([SAME, SAME.flip(0, 1)])
    each = [kernel(a, b, w) for a, b, w in zip(micro, macro, weights, strict=True)]
    torch.testing.assert_close(torch.vmap(kernel)(micro, macro, weights), torch.stack(each), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: RBF(0.0), r"RBF needs bandwidth > 0 or null, but it is 0\.0"),
        (lambda: MMD2(-1.0), r"MMD2 needs bandwidth > 0 or null, but it is -1\.0"),
        (lambda: InfoNCE(0.0), r"InfoNCE needs temperature > 0, but it is 0\.0"),
        (lambda: SoftDTW(-1.0), r"SoftDTW needs smoothing > 0, but it is -1\.0"),
    ],
)
def test_options_outside_their_range_are_refused(wrong: Callable[[], Kernel], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("kernel", "pairs", "message"),
    [
        (InfoNCE(), AllPairs(), "needs negative pairs, but pairs: AllPairs makes every pair positive"),
        (InfoNCE(), LearnedPairs(AllPairs()), "pairs: LearnedPairs makes every pair positive"),
        (MMD2(), ActionUnitOverlap(), "cannot weigh single pairs as pairs: ActionUnitOverlap does"),
        (MMD2(), LearnedPairs(), "cannot weigh single pairs as pairs: LearnedPairs does"),
    ],
)
def test_pairs_that_a_kernel_cannot_compare_are_refused(kernel: Kernel, pairs: Pairs, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kernel.check(pairs)
    Cosine().check(pairs)
    kernel.check(SameClass())
