import pytest
import torch

from lightmannet.errors import ConfigurationError
from lightmannet.networks import SSSNet


def test_at_64_pixels_it_has_the_parameters_of_the_authors_code() -> None:
    encoder = SSSNet(size=64)
    expected = (75 * 32 + 32 + 2 * 32) + (9 * 32 * 64 + 64 + 2 * 64) + (81 * 64 * 256 + 256)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


@pytest.mark.parametrize("size", [22, 27, 28, 64])
def test_features_are_counted_right_at_every_size(size: int) -> None:
    encoder = SSSNet(size=size, widths=(8, 8, 12))
    assert encoder(torch.rand(1, 1, 3, size, size)).shape == (1, encoder.features) == (1, 12)


def test_whole_maps_are_dropped_in_training_only() -> None:
    encoder = SSSNet(widths=(32, 64, 8), dropout=0.5)
    inputs = torch.rand(1, 1, 3, 28, 28)
    empty = (encoder.train().encode_maps(inputs) == 0).all((0, 2, 3))
    assert 10 < empty.sum() < 54
    assert not (encoder.eval().encode_maps(inputs) == 0).all((0, 2, 3)).any()


def test_batch_normalisation_is_there_where_asked_for() -> None:
    encoder = SSSNet(normalization="batch")
    assert sum(isinstance(module, torch.nn.BatchNorm2d) for module in encoder.modules()) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 21}, "size >= 22, but has size: 21"),
        ({"widths": (32, 60, 256)}, "a multiple of 8, not 60"),
        ({"normalization": "layer"}, "'group' or 'batch', not 'layer'"),
    ],
)
def test_impossible_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SSSNet(**options)  # type: ignore[arg-type]
