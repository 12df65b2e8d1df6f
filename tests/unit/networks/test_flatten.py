import torch

from lightmannet.networks import Flatten, TwoBranchNetwork
from tests.clips import make_clips


def test_features_are_the_pixels() -> None:
    clips = make_clips(2, phases=4, size=8)
    features = Flatten(phases=4, size=8)(clips.inputs)
    assert features.shape == (2, 4 * 3 * 8 * 8)
    assert torch.equal(features.reshape(clips.inputs.shape), clips.inputs)


def test_the_network_on_top_is_linear_in_the_pixels() -> None:
    network = TwoBranchNetwork(Flatten(size=8))
    first, second = make_clips(1, size=8).inputs, make_clips(1, seed=1, size=8).inputs
    middle = network((first + second) / 2)
    torch.testing.assert_close(middle, (network(first) + network(second)) / 2)
