"""The written-out derivatives against autograd's own and against finite differences, float64."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from lightmannet.adaptation.fused_ops import convolution, normalise


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize(("stride", "padding"), [((1, 1), (1, 1)), ((2, 1), (0, 2))])
@pytest.mark.parametrize("bias", [True, False])
def test_convolution_can_be_differentiated_twice(stride: tuple[int, int], padding: tuple[int, int], bias: bool) -> None:
    inputs = (draw(2, 3, 5, 4), draw(4, 3, 3, 3, seed=1), draw(4, seed=2) if bias else None)

    def ours(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return convolution(x, w, b, stride, padding)

    torch.testing.assert_close(ours(*inputs), F.conv2d(*inputs, stride, padding), rtol=0, atol=1e-12)
    assert gradcheck(ours, inputs)  # type: ignore[arg-type]
    assert gradgradcheck(ours, inputs)  # type: ignore[arg-type]


@pytest.mark.parametrize(("slope", "pool"), [(1.0, 1), (0.0, 1), (0.1, 1), (1.0, 2), (0.0, 2), (0.1, 3)])
def test_normalisation_activation_and_pooling_have_autograds_first_and_second_derivatives(
    slope: float, pool: int
) -> None:
    inputs = draw(3, 8, 7, 6), draw(8, seed=1), draw(8, seed=2)

    def theirs(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        y = F.leaky_relu(F.group_norm(x, 4, gamma, beta), slope)
        return F.max_pool2d(y, pool) if pool > 1 else y

    def derivatives(outputs: Tensor) -> list[Tensor]:
        first = torch.autograd.grad(outputs.sin().mul(weights(outputs)).sum(), inputs, create_graph=True)
        second = torch.autograd.grad(sum(g.cos().mul(weights(g)).sum() for g in first), inputs)  # type: ignore[arg-type]
        return [outputs, *first, *second]

    def weights(like: Tensor) -> Tensor:
        return draw(*like.shape, seed=3).detach()

    ours = normalise(*inputs, groups=4, eps=1e-5, slope=slope, pool=pool)
    for found, expected in zip(derivatives(ours), derivatives(theirs(*inputs)), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)


def test_a_large_offset_costs_normalisation_no_more_precision_than_torchs() -> None:
    x = draw(2, 8, 9, 9).detach() + 1000
    exact = F.group_norm(x, 4)
    ones, zeros = torch.ones(8), torch.zeros(8)
    found = normalise(x.float(), ones, zeros, 4, 1e-5)
    theirs = F.group_norm(x.float(), 4)
    assert (found - exact).abs().max() < 4 * (theirs - exact).abs().max()
