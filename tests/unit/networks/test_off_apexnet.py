import pytest
import torch
from torch import nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks import OffApexNet


def test_it_has_the_parameters_of_the_paper() -> None:
    encoder = OffApexNet()
    streams = 2 * (25 * 6 + 6 + 25 * 6 * 16 + 16)
    layers = 1568 * 1024 + 1024 + 1024 * 1024 + 1024
    assert sum(parameter.numel() for parameter in encoder.parameters()) == streams + layers
    # Others count 2.66 million with the last layer.
    assert round((streams + layers + 3 * 1024 + 3) / 1e6, 2) == 2.66


def test_strain_is_not_looked_at_and_u_and_v_have_streams_of_their_own() -> None:
    encoder = OffApexNet(hidden=8).eval()
    inputs = torch.rand(1, 1, 3, 28, 28)
    maps = encoder.encode_maps(inputs)
    for channel, same in ((0, slice(16, 32)), (1, slice(0, 16)), (2, slice(0, 32))):
        other = inputs.clone()
        other[:, :, channel] = 0
        assert torch.equal(encoder.encode_maps(other)[:, same], maps[:, same])
        assert torch.equal(encoder.encode_maps(other), maps) is (channel == 2)


def test_dropout_follows_both_layers() -> None:
    assert [type(layer) for layer in OffApexNet(hidden=8).perceptron] == 2 * [nn.Linear, nn.ReLU, nn.Dropout]


@pytest.mark.parametrize("size", [4, 28, 30, 64])
def test_features_are_counted_right_at_every_size(size: int) -> None:
    assert OffApexNet(size=size, hidden=8)(torch.rand(1, 1, 3, size, size)).shape == (1, 8)


@pytest.mark.parametrize("options", [{"channels": 1}, {"size": 3}])
def test_impossible_shapes_are_named(options: dict[str, int]) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ConfigurationError, match=rf"u and v as its first two channels and size >= 4.*{name}: {value}"):
        OffApexNet(**options)
