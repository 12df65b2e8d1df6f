"""Convolutions of several tasks against PyTorch's and finite differences, float64."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from lightmannet.adaptation.stacked_ops import convolve, together


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize(("sides", "padding"), [((3, 3), (1, 1)), ((1, 1), (0, 0)), ((3, 2), (0, 1)), ((5, 5), (2, 2))])
def test_convolutions_of_tasks_can_be_differentiated_twice(sides: tuple[int, int], padding: tuple[int, int]) -> None:
    maps, weight = draw(2, 2, 2, 5, 6), draw(2, 3, 2, *sides, seed=1)

    def ours(x: Tensor, w: Tensor) -> Tensor:
        return convolve(x, w, padding)

    alone = torch.stack([F.conv2d(x, w, padding=padding) for x, w in zip(maps, weight, strict=True)])
    torch.testing.assert_close(ours(maps, weight), alone, rtol=0, atol=1e-12)
    assert gradcheck(ours, (maps, weight))
    assert gradgradcheck(ours, (maps, weight))


def test_an_operation_sees_all_tasks_at_once_within_vmap() -> None:
    seen = []

    def double(x: Tensor, y: Tensor) -> Tensor:
        seen.append((x.shape, y.shape))
        return 2 * x * y

    x, y = draw(3, 4), draw(4, seed=1)
    result = torch.vmap(lambda each: together(double, each, y))(x)
    torch.testing.assert_close(result, 2 * x * y)
    assert seen == [((3, 4), (3, 4))]
    (gradient,) = torch.autograd.grad(result.sum(), x)
    torch.testing.assert_close(gradient, (2 * y).expand(3, 4))
    with pytest.raises(RuntimeError, match=r"within torch\.vmap"):
        together(double, x, x)
