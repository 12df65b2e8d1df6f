import pytest
import torch

from lightmannet.errors import ConfigurationError
from lightmannet.networks import DualStream


def test_it_has_the_parameters_of_two_streams() -> None:
    a_stream = 25 * 2 * 8 + 8 + 2 * 8 + 25 * 8 * 16 + 16 + 2 * 16
    encoder = DualStream(2, widths=(8, 16))
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 2 * a_stream


@pytest.mark.parametrize(("size", "side"), [(5, 2), (28, 7), (29, 8), (30, 8), (31, 8), (32, 8)])
def test_features_are_counted_right_at_every_size(size: int, side: int) -> None:
    encoder = DualStream(size=size, widths=(8, 8), merge="concatenate")
    assert encoder(torch.rand(1, 1, 3, size, size)).shape == (1, encoder.features) == (1, 16 * side**2)


def test_the_direction_of_motion_is_not_seen_but_its_strength_is() -> None:
    encoder = DualStream(widths=(8, 8)).eval().double()
    inputs = torch.rand(1, 1, 3, 28, 28, dtype=torch.float64) - 0.5
    turned = inputs[:, :, [1, 0, 2]] * torch.tensor([-1.0, 1.0, 1.0])[:, None, None]
    torch.testing.assert_close(encoder(inputs), encoder(turned), rtol=0, atol=1e-12)
    assert (encoder(inputs) - encoder(inputs * torch.tensor([2.0, 2.0, 1.0])[:, None, None])).abs().max() > 1e-3


def test_streams_are_merged_as_asked() -> None:
    multiply = DualStream(widths=(8, 8)).eval()
    add, concatenate = (DualStream(widths=(8, 8), merge=merge).eval() for merge in ("add", "concatenate"))
    add.load_state_dict(multiply.state_dict())
    concatenate.load_state_dict(multiply.state_dict())
    inputs = torch.rand(2, 1, 3, 28, 28) - 0.5
    magnitude, strain = concatenate.encode_maps(inputs).chunk(2, dim=1)
    assert torch.equal(multiply.encode_maps(inputs), magnitude * strain)
    assert torch.equal(add.encode_maps(inputs), magnitude + strain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 2}, "u, v, strain and size >= 5, but has channels: 2"),
        ({"size": 4}, "size >= 5.*size: 4"),
        ({"merge": "mean"}, "not 'mean'"),
        ({"widths": (8, 12)}, "a multiple of 8, not 12"),
    ],
)
def test_impossible_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        DualStream(**options)  # type: ignore[arg-type]
