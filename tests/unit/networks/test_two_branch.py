import pytest
import torch

from lightmannet.errors import ConfigurationError
from lightmannet.networks import Conv4, TwoBranchNetwork


@pytest.mark.parametrize("phases", [1, 4])
@pytest.mark.parametrize("size", [28, 64])
def test_shapes_of_both_branches(phases: int, size: int) -> None:
    network = TwoBranchNetwork(Conv4(phases, size=size, width=8), alignment_features=7)
    inputs = torch.rand(2, phases, 3, size, size)
    assert network(inputs).shape == (2, 3)
    assert network.alignment_head(network.encode(inputs)).shape == (2, 7)


def test_without_an_alignment_head_the_features_are_aligned() -> None:
    network = TwoBranchNetwork(Conv4(width=8)).eval()
    inputs = torch.rand(2, 1, 3, 28, 28)
    assert torch.equal(network.alignment_head(network.encode(inputs)), network.encode(inputs))


def test_both_branches_share_the_encoder() -> None:
    network = TwoBranchNetwork(Conv4(width=8), alignment_features=7).eval()
    inputs = torch.rand(2, 1, 3, 28, 28)
    before = network(inputs), network.alignment_head(network.encode(inputs))
    with torch.no_grad():
        next(network.encoder.parameters()).mul_(2)
    assert not torch.equal(before[0], network(inputs))
    assert not torch.equal(before[1], network.alignment_head(network.encode(inputs)))


def test_two_networks_do_not_share_their_default_encoder() -> None:
    first, second = TwoBranchNetwork(), TwoBranchNetwork()
    assert isinstance(first.encoder, Conv4)
    assert first.encoder is not second.encoder


def test_clips_of_another_shape_are_refused_with_both_shapes() -> None:
    network = TwoBranchNetwork(Conv4(width=8))
    with pytest.raises(ConfigurationError, match=r"\(1, 3, 28, 28\), but these are \(4, 3, 28, 28\).*phases, channels"):
        network(torch.rand(2, 4, 3, 28, 28))
