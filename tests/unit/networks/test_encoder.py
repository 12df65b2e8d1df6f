"""What every encoder promises."""

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from lightmannet.errors import ConfigurationError
from lightmannet.networks import Encoder


class Flat(Encoder):
    """Pixels as features."""

    def __init__(self, phases: int = 1, channels: int = 3, size: int = 2) -> None:
        super().__init__(phases, channels, size)
        self.features = phases * channels * size**2

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return inputs.flatten(1)


def test_clips_of_another_shape_are_refused_with_both_shapes() -> None:
    with pytest.raises(ConfigurationError, match=r"takes .* = \(1, 3, 2, 2\), but these are \(2, 3, 2, 2\).*phases"):
        Flat()(torch.zeros(5, 2, 3, 2, 2))


def test_what_an_encoder_does_not_have_is_named_with_one_that_has_it() -> None:
    with pytest.raises(ConfigurationError, match=r"Flat has no maps of the face\. Use .* Conv4"):
        Flat().encode_maps(torch.zeros(5, 1, 3, 2, 2))
    with pytest.raises(ConfigurationError, match=r"Flat has no features of single phases\. Use .* ClipEncoder"):
        Flat().encode_phases(torch.zeros(5, 1, 3, 2, 2))


@pytest.mark.parametrize("wrong", ["phases", "channels", "size"])
def test_impossible_shapes_are_named(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Flat needs .* {wrong}: 0"):
        Flat(**{wrong: 0})
