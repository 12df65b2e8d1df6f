import pytest
import torch
from torch.nn import functional as F

from lightmannet.losses.focal import focal_loss

LOGITS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.tensor([0, 3, 1, 1, 2])
ONE_HOT = F.one_hot(LABELS, 4).double()


def test_it_equals_the_formula_for_hard_and_soft_targets() -> None:
    soft = torch.softmax(LOGITS.flip(0), 1)
    for targets in (ONE_HOT, soft):
        p = torch.softmax(LOGITS, 1)
        expected = sum(
            -targets[j, c].item() * (1 - p[j, c].item()) ** 1.5 * p[j, c].log().item()
            for j in range(5)
            for c in range(4)
        )
        assert focal_loss(LOGITS, targets, 1.5).item() == pytest.approx(expected / 5, abs=1e-12)


def test_without_focus_it_is_cross_entropy() -> None:
    torch.testing.assert_close(focal_loss(LOGITS, ONE_HOT, 0.0), F.cross_entropy(LOGITS, LABELS))


def test_gradients_of_both_orders_are_finite_where_a_class_is_certain() -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(focal_loss(logits, torch.eye(2)), logits, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), logits)
    assert gradient.isfinite().all()
    assert second.isfinite().all()
