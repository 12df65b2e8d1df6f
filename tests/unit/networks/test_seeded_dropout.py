import pytest
import torch
from torch import nn

from lightmannet.networks.copies import copy_module
from lightmannet.networks.seeded_dropout import has_dropout, seed_dropout


def dropping(layer: nn.Module, seed: int) -> nn.Module:
    copy = copy_module(layer, torch.clone, {})
    seed_dropout(copy, torch.tensor(seed))
    return copy


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_as_much_is_dropped_as_is_asked_for_and_the_mean_stays(p: float) -> None:
    outputs = dropping(nn.Dropout(p), 7)(torch.ones(200, 500))
    assert (outputs == 0).float().mean() == pytest.approx(p, abs=0.01)
    assert outputs.mean() == pytest.approx(1, abs=0.05)
    # Neither rows nor columns share what is dropped.
    assert (outputs == 0).float().mean(0).std() < 0.06
    assert (outputs == 0).float().mean(1).std() < 0.06


def test_masks_depend_on_the_seed_and_on_the_number_of_the_call_alone() -> None:
    layer, inputs = nn.Dropout(0.5), torch.ones(1000)
    one, again, other = dropping(layer, 1), dropping(layer, 1), dropping(layer, 2)
    first, second = one(inputs), one(inputs)
    torch.rand(5)
    assert torch.equal(again(inputs), first)
    for different in (second, other(inputs)):
        assert ((first > 0) == (different > 0)).float().mean() == pytest.approx(0.5, abs=0.06)


def test_whole_maps_are_dropped_by_dropout2d() -> None:
    outputs = dropping(nn.Dropout2d(0.5), 3)(torch.ones(50, 8, 3, 3))
    assert set(outputs.mean((2, 3)).flatten().tolist()) == {0.0, 2.0}


def test_the_layer_that_is_copied_stays_as_it_was_and_nothing_is_dropped_in_eval_mode() -> None:
    layer = nn.Sequential(nn.Dropout(0.5))
    copy = dropping(layer, 1)
    assert type(layer[0]) is nn.Dropout
    assert not list(layer.buffers())
    assert has_dropout(layer)
    copy.eval()
    assert torch.equal(copy(torch.ones(4)), torch.ones(4))
    assert not has_dropout(layer.eval())
    assert not has_dropout(nn.Dropout(0.0))
    assert (dropping(nn.Dropout(1.0), 1)(torch.ones(4)) == 0).all()
