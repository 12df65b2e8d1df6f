import pytest
import torch

from lightmannet.errors import ConfigurationError
from lightmannet.networks import ResNet12


def test_it_has_the_parameters_of_its_blocks() -> None:
    widths, seen, expected = (8, 16, 16, 24), 6, 0
    for width in widths:
        expected += 9 * seen * width + 2 * 9 * width**2 + seen * width + 4 * 2 * width
        seen = width
    encoder = ResNet12(2, widths=widths)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


def test_with_the_published_widths_it_has_as_many_parameters_as_is_said() -> None:
    # Lee et al.'s network is commonly counted at 12.4 million without its classifier.
    encoder = ResNet12(widths=(64, 160, 320, 640))
    assert sum(parameter.numel() for parameter in encoder.parameters()) == pytest.approx(12.4e6, rel=0.01)


def test_a_block_adds_its_shortcut() -> None:
    block = ResNet12(widths=(8, 8, 8, 8)).blocks[0]
    maps = torch.rand(2, 3, 6, 6)
    expected = torch.nn.functional.leaky_relu(block.layers(maps) + block.shortcut(maps), 0.1)  # type: ignore[operator]
    assert torch.equal(block(maps), expected)


@pytest.mark.parametrize("size", [16, 28, 31, 84])
def test_features_are_counted_right_at_every_size(size: int) -> None:
    encoder = ResNet12(size=size, widths=(8, 8, 8, 8))
    assert encoder(torch.rand(1, 1, 3, size, size)).shape == (1, encoder.features) == (1, 8 * (size // 8) ** 2)


def test_batch_normalisation_is_there_where_asked_for() -> None:
    encoder = ResNet12(widths=(8, 8, 8, 8), normalization="batch")
    assert sum(isinstance(module, torch.nn.BatchNorm2d) for module in encoder.modules()) == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 15}, "size >= 16, but has size: 15"),
        ({"widths": (8, 8, 8, 10)}, "a multiple of 8, not 10"),
        ({"normalization": "layer"}, "'group' or 'batch', not 'layer'"),
    ],
)
def test_impossible_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ResNet12(**options)  # type: ignore[arg-type]
