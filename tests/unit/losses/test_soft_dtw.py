import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightmannet.losses.soft_dtw import soft_dtw


def by_hand(costs: np.ndarray, smoothing: float) -> float:
    """Algorithm 1, cell by cell, with infinite borders."""
    table = np.full((costs.shape[0] + 1, costs.shape[1] + 1), np.inf)
    table[0, 0] = 0
    for i in range(costs.shape[0]):
        for j in range(costs.shape[1]):
            before = np.array([table[i, j], table[i, j + 1], table[i + 1, j]])
            least = before.min()
            soft = least - smoothing * np.log(np.exp(-(before - least) / smoothing).sum())
            table[i + 1, j + 1] = costs[i, j] + soft
    return float(table[-1, -1])


@given(st.integers(1, 5), st.integers(1, 5), st.floats(0.05, 5), st.integers(0, 1000))
def test_it_equals_the_recursion(first: int, second: int, smoothing: float, seed: int) -> None:
    costs = np.random.default_rng(seed).random((2, first, second)) * 3
    expected = [by_hand(costs[0], smoothing), by_hand(costs[1], smoothing)]
    np.testing.assert_allclose(soft_dtw(torch.from_numpy(costs), smoothing).numpy(), expected, rtol=0, atol=1e-12)


def test_gradients_of_both_orders_are_those_of_the_value() -> None:
    costs = torch.rand(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c: soft_dtw(c, 0.7), costs)
    assert torch.autograd.gradgradcheck(lambda c: soft_dtw(c, 0.7), costs)


def test_with_little_smoothing_a_slower_copy_costs_nothing() -> None:
    movement = torch.tensor([0.0, 1.0, 3.0, 0.0], dtype=torch.float64)
    slower = movement.repeat_interleave(3)
    costs = (movement[:, None] - slower).square()
    assert soft_dtw(costs, 1e-4).item() == pytest.approx(0, abs=2e-3)
    assert soft_dtw(costs.flip(1), 1e-4).item() > 1
