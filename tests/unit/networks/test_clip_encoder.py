import pytest
import torch

from lightmannet.errors import ConfigurationError
from lightmannet.networks import ClipEncoder


def test_it_has_the_parameters_of_its_layers() -> None:
    encoder = ClipEncoder(phases=4, width=8, width_of_phase=16)
    frame = 3 * 8 * 9 + 8 * 8 * 9 + 8 * 16 * 9 + 16 * 16 * 9 + 3 * (8 + 8 + 16 + 16)
    projection = 16 * 9 * 16 + 16
    attention = 3 * 16 * 16 + 16 * 16 + 16
    perceptron = 2 * 16 * 32 + 32 + 16
    norms = 3 * 2 * 16
    expected = frame + projection + 4 * 16 + attention + perceptron + norms
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


@pytest.mark.parametrize("phases", [1, 5])
def test_more_phases_need_no_more_than_a_vector_each(phases: int) -> None:
    count = sum(parameter.numel() for parameter in ClipEncoder(phases, width=8, width_of_phase=16).parameters())
    one = sum(parameter.numel() for parameter in ClipEncoder(1, width=8, width_of_phase=16).parameters())
    assert count - one == (phases - 1) * 16


def test_an_unknown_way_to_mix_phases_is_named() -> None:
    with pytest.raises(ConfigurationError, match="'attention' or 'convolution', not 'recurrent'"):
        ClipEncoder(temporal="recurrent")  # type: ignore[arg-type]


def test_a_width_that_the_heads_cannot_share_is_named() -> None:
    with pytest.raises(ConfigurationError, match="multiple of heads: 3, not 16"):
        ClipEncoder(width=8, width_of_phase=16, heads=3)


def test_the_convolution_sees_neighbouring_phases() -> None:
    encoder = ClipEncoder(5, width=8, width_of_phase=16, temporal="convolution").eval()
    tokens = torch.rand(1, 5, 16)
    other = tokens.clone()
    other[0, 0] = 0
    change = (encoder.temporal(tokens) - encoder.temporal(other)).abs().sum(2)[0]
    assert (change[:2] > 0).all()
    assert (change[2:] == 0).all()
