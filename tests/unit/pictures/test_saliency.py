import numpy as np
import pytest
import torch
from torch import nn

from lightmannet.pictures.saliency import saliency, saliency_map
from tests.examinations import TopLeft, examination


def test_a_network_that_sees_one_corner_has_its_reasons_there() -> None:
    seen = examination()
    found = saliency(TopLeft(), seen.inputs, seen.still, 1)
    assert found.shape == seen.inputs.shape
    assert found[:, 0, 0, :14, :14].min() >= 0
    outside = found.clone()
    outside[:, 0, 0, :14, :14] = 0
    assert found.sum() > 1
    assert outside.abs().max() == 0
    heat = saliency_map(found, 56)
    assert heat.max() == pytest.approx(1)
    assert heat[:28, :28].mean() > 10 * heat[36:, 36:].mean()


def test_the_values_add_up_to_what_the_motion_changes_in_the_score() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 28 * 28, 16), nn.Tanh(), nn.Linear(16, 3)).eval()
    seen = examination()
    still = torch.full_like(seen.inputs, 0.1)
    found = saliency(network, seen.inputs, still, 2)
    with torch.no_grad():
        change = (network(seen.inputs) - network(still))[0, 2]
    assert float(found.sum()) == pytest.approx(float(change), rel=1e-2)


def test_what_speaks_against_a_class_leaves_its_map_dark() -> None:
    seen = examination()
    found = saliency(TopLeft(), seen.inputs, seen.still, 2)
    assert found.sum() < -1
    assert np.array_equal(saliency_map(found, 56), np.zeros((56, 56), np.float32))
