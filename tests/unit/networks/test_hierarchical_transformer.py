import pytest
import torch

from lightmannet.errors import ConfigurationError
from lightmannet.networks import HierarchicalTransformer
from lightmannet.networks.hierarchical_transformer import _in_blocks


def a_layer(features: int) -> int:
    attention = 3 * features**2 + features**2 + features
    return attention + 2 * 2 * features**2 + 2 * features + features + 2 * 2 * features


def test_it_has_the_parameters_of_its_layers() -> None:
    encoder = HierarchicalTransformer(width=8, heads=2, depths=(1, 3))
    patches = 8 * 3 * 49 + 8
    positions = 8 * 4 * 4 + 16 * 2 * 2
    aggregation = 9 * 8 * 16 + 16 + 2 * 16
    expected = patches + positions + a_layer(8) + aggregation + 3 * a_layer(16) + 2 * 16
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


def test_the_first_level_sees_each_quarter_of_the_face_alone() -> None:
    encoder = HierarchicalTransformer(patch=2, width=8, heads=2).double()
    maps = torch.randn(2, 8, 14, 14, dtype=torch.float64)
    other = maps.clone()
    other[..., 0, 0] = 0
    changed = ((_in_blocks(encoder.areas, maps, 2) - _in_blocks(encoder.areas, other, 2)).abs() > 1e-9).any(1)
    assert changed[:, :7, :7].all()
    assert not changed[:, 7:].any()
    assert not changed[:, :, 7:].any()


def test_cutting_and_joining_areas_keeps_every_token_in_its_place() -> None:
    maps = torch.arange(2.0 * 3 * 4 * 4).view(2, 3, 4, 4)
    for blocks in (1, 2):
        assert torch.equal(_in_blocks(torch.nn.Identity(), maps, blocks), maps)


def test_in_the_end_every_area_is_seen() -> None:
    encoder = HierarchicalTransformer(width=8, heads=2).eval()
    inputs = torch.rand(1, 1, 3, 28, 28)
    for row in (0, 14):
        for column in (0, 14):
            other = inputs.clone()
            other[..., row : row + 14, column : column + 14] = 0
            assert (encoder(inputs) - encoder(other)).abs().max() > 1e-4


def test_mirrored_faces_are_told_apart() -> None:
    encoder = HierarchicalTransformer(patch=2, width=8, heads=2).eval()
    inputs = torch.zeros(1, 1, 3, 28, 28)
    inputs[..., 4:6, 4:6] = 0.5
    assert (encoder(inputs) - encoder(inputs.roll(14, 4))).abs().max() > 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 30}, "multiple of 2 × patch and depths >= 0, but has size: 30, patch: 7"),
        ({"patch": 4}, "size: 28, patch: 4"),
        ({"patch": 0}, "patch: 0"),
        ({"depths": (2, -1)}, r"depths: \(2, -1\)"),
        ({"heads": 5}, "multiple of heads: 5, not 64"),
    ],
)
def test_impossible_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        HierarchicalTransformer(**options)  # type: ignore[arg-type]
