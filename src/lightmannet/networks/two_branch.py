"""The one network that both branches of LightmanNet share: an encoder, a MER head and an alignment head."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.conv4 import Conv4
from lightmannet.networks.three_stream import ThreeStream

IMAGE_CHANNELS = 3


class TwoBranchNetwork(nn.Module):
    """Encoder, MER head (class scores) and alignment head (what micro- and macro-expressions are compared by).

    Args:
        encoder: ``conv4``, or ``three_stream``, the layers of STSTNet.
        n_classes: Number of classes.
        phases: Motion images a clip; they are stacked as channels.
        width: First width of ``conv4``; ``three_stream`` has its own.
        size: Height and width of a motion image in pixels; ``three_stream`` takes 28.
        normalization: ``group``, safe in adaptation; or ``batch``, only for methods that do not adapt, only for
            ``three_stream``, as it was published.
        dropout: Probability of dropping a feature in training.
        alignment_features: Outputs of the alignment head, a linear map of the features; 0 leaves the head away, so that
            the features themselves are aligned.

    Raises:
        ConfigurationError: ``conv4`` with batch normalisation, ``three_stream`` at another size than 28, or clips of
            another shape than the network was built for.
    """

    def __init__(
        self,
        encoder: Literal["conv4", "three_stream"] = "conv4",
        n_classes: int = 3,
        phases: int = 1,
        width: int = 32,
        size: int = 28,
        normalization: Literal["group", "batch"] = "group",
        dropout: float = 0.5,
        alignment_features: int = 0,
    ) -> None:
        super().__init__()
        self.phases, self.size = phases, size
        channels = IMAGE_CHANNELS * phases
        if encoder == "three_stream":
            if size != 28:
                raise ConfigurationError(f"encoder: three_stream takes images of 28×28 pixels, not size: {size}.")
            self.encoder: Conv4 | ThreeStream = ThreeStream(channels, normalization=normalization, dropout=dropout)
        else:
            if normalization == "batch":
                raise ConfigurationError("encoder: conv4 has normalization: group only, which is safe in adaptation.")
            self.encoder = Conv4(channels, width=width, size=size, dropout=dropout)
        self.mer_head = nn.Linear(self.encoder.features, n_classes)
        self.alignment_head = (
            nn.Linear(self.encoder.features, alignment_features) if alignment_features else nn.Identity()
        )

    def forward(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip class"]:
        """Return the class scores (logits) of the MER head."""
        return self.mer_head(self.encode(inputs))

    def encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        """Return the encoder's features."""
        expected = (self.phases, IMAGE_CHANNELS, self.size, self.size)
        if tuple(inputs.shape[1:]) != expected:
            raise ConfigurationError(
                f"The network takes clips of (phases, channels, height, width) = {expected}, but these are "
                f"{tuple(inputs.shape[1:])}. Set the network's phases and size to those of the data."
            )
        return self.encoder(torch.flatten(inputs, 1, 2))
