import pytest
import torch

from lightmannet.errors import ConfigurationError
from lightmannet.networks import Conv4


def test_features_are_as_many_as_announced() -> None:
    encoder = Conv4(width=16, size=28)
    assert encoder(torch.rand(2, 1, 3, 28, 28)).shape == (2, encoder.features) == (2, 32 * 9)


def test_where_something_moves_is_seen() -> None:
    encoder = Conv4(width=8).eval()
    images = torch.zeros(2, 1, 3, 28, 28)
    images[0, ..., 4:8, 4:8] = 0.5
    images[1, ..., 20:24, 20:24] = 0.5
    features = encoder(images)
    assert (features[0] - features[1]).abs().max() > 1e-3


def test_features_are_the_maps_flattened() -> None:
    encoder = Conv4(phases=2, width=8, size=30).eval()
    inputs = torch.rand(2, 2, 3, 30, 30)
    maps = encoder.encode_maps(inputs)
    assert maps.shape == (2, 16, 3, 3)
    assert torch.equal(encoder(inputs), maps.flatten(1))


def test_dropout_is_off_in_evaluation() -> None:
    encoder = Conv4(width=8, dropout=0.9).eval()
    images = torch.rand(2, 1, 3, 28, 28)
    assert torch.equal(encoder(images), encoder(images))


@pytest.mark.parametrize("options", [{"size": 15}, {"width": 12}, {"width": 0}])
def test_impossible_sizes_are_named(options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=r"size >= 16 and a width that is a multiple of 8, but has size"):
        Conv4(**options)
