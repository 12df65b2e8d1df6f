"""An encoder whose features are the clip's pixels."""

import torch
from jaxtyping import Float
from torch import Tensor

from lightmannet.networks.encoder import Encoder


class Flatten(Encoder):
    """Pixels as features, so that the MER head is a linear classifier of the motion images.

    Args:
        phases: Images per clip.
        channels: Channels of an image.
        size: Height and width of an image in pixels.
    """

    def __init__(self, phases: int = 1, channels: int = 3, size: int = 28) -> None:
        super().__init__(phases, channels, size)
        self.features = phases * channels * size * size

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return torch.flatten(inputs, 1)
